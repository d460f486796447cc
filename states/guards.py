"""Guards: triggers that refuse a change of a row, whoever makes it, in the name of a constraint.

A refusal arrives as SQLSTATE P0001 with the name of the guard as its constraint, and answers 409.
"""

from collections.abc import Iterable
from dataclasses import dataclass

# One function for all of them: what is refused stands in the condition of each trigger.
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'P0001', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;
"""
DROP_REFUSE = "DROP FUNCTION refuse();"


@dataclass(frozen=True)
class Guard:
    """A change of a row of `table` that is refused when the condition, in SQL over OLD and NEW, holds.

    PostgreSQL reads the condition anew for every statement, so `event` names the columns without whose being set the
    condition cannot hold (`update_of`): a statement that sets none of them is spared it.
    """

    name: str
    table: str
    event: str
    when: str
    words: str

    @property
    def create(self) -> str:
        """The statement that puts it up."""
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW\n"
            f"WHEN ({self.when})\nEXECUTE FUNCTION refuse('{self.words}');"
        )

    @property
    def drop(self) -> str:
        """The statement that takes it away."""
        return f"DROP TRIGGER {self.name} ON {self.table};"


def never_deleted(noun: str, table: str) -> Guard:
    """Return the guard of rows that stay for ever."""
    return Guard(f"{noun}_never_deleted", table, "DELETE", "true", f"no {noun} is ever deleted")


def never_changes(name: str, table: str, columns: Iterable[str], words: str) -> Guard:
    """Return the guard of columns that stay as they were born."""
    changed = f"{row('OLD', columns)} IS DISTINCT FROM {row('NEW', columns)}"
    return Guard(name, table, update_of(columns), changed, words)


def update_of(columns: Iterable[str]) -> str:
    """Return the event of an update that sets one of the columns at least."""
    return f"UPDATE OF {', '.join(columns)}"


def row(side: str, columns: Iterable[str]) -> str:
    """Return the columns of OLD or NEW as a row."""
    return f"({', '.join(f'{side}.{column}' for column in columns)})"
