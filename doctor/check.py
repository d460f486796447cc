"""A check: something that must hold of the books, as SQL that finds the rows of which it does not."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

RESTORE_OR_CORRECT = _(
    "Nothing in this program leaves this behind. See in the journal who changed the object last, and how. Correct it "
    "with the verbs of the admin where they can (refund, reverse, cancel, grant), else compare with a backup."
)


class Severity(StrEnum):
    """How bad it is: an error cannot come about by what the program does, a warning can, and waits for somebody."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """An object that is not as it should be, and the facts that show it."""

    object_type: str
    object_id: str
    detail: str

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id}: {self.detail}"


@dataclass(frozen=True, kw_only=True)
class Check:
    """An invariant by name. `sql` returns rows (object_type, object_id, detail), and may name zone, now and today.

    `look` stands in for `sql` where built-in functions of the database cannot tell. `fix` writes down, by the verbs
    that there are, what is safe to write down, and returns what it did in words.
    """

    name: str
    severity: Severity
    title: Any
    explanation: Any
    sql: str = ""
    look: Callable[[], Iterable[Finding]] | None = None
    fix: Callable[[], str] | None = None
    remedy: Any = RESTORE_OR_CORRECT
    is_quick: bool = True
    """Whether somebody who waits at a page can wait for it."""


def error(name: str, title: Any, explanation: Any, sql: str = "", **more: Any) -> Check:
    """Return a check of what cannot come about by what the program does."""
    return Check(name=name, severity=Severity.ERROR, title=title, explanation=explanation, sql=sql, **more)


def warning(name: str, title: Any, explanation: Any, sql: str, *, remedy: Any, **more: Any) -> Check:
    """Return a check of what may come about, and then waits for somebody; `remedy` says for what."""
    kind = Severity.WARNING
    return Check(name=name, severity=kind, title=title, explanation=explanation, sql=sql, remedy=remedy, **more)


def found(object_type: str, object_id: str, **facts: str) -> str:
    """Return the columns of a finding: the object, and in words the facts, each an expression in SQL by its name."""
    told = ", ".join(f"'{name} ' || coalesce(({fact})::text, 'none')" for name, fact in facts.items())
    return f"'{object_type}' AS object_type, ({object_id})::text AS object_id, concat_ws(', ', {told}) AS detail"


def listed(values: Iterable[str]) -> str:
    """Return the texts as a list in SQL."""
    return "(" + ", ".join(quoted(value) for value in values) + ")"


def table_of(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows of texts as a table in SQL."""
    return "(VALUES " + ", ".join(listed(row) for row in rows) + ")"


def quoted(text: str) -> str:
    """Return a text as a literal in SQL."""
    return "'" + text.replace("'", "''") + "'"
