"""Plans: what PostgreSQL does for the very statements that were sent, and which big tables it would read through."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection

# What stays small, however many customers there are: what is sold, who is staff, what there is of rights, a row for
# each night, and the one setting. Every other table of a model is a big one.
SMALL = {
    "subscriptions_plan",
    "auth_group",
    "auth_permission",
    "auth_group_permissions",
    "accounts_user_groups",
    "accounts_user_user_permissions",
    "django_content_type",
    "journal_seal",
    "doctor_setting",
}
PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def tables() -> set[str]:
    """Return the tables of all models."""
    return {model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed}


def big_tables() -> set[str]:
    """Return the tables that grow."""
    return tables() - SMALL


@dataclass
class Sent:
    """The statements that were sent, with their values."""

    statements: list[tuple[str, Any]] = field(default_factory=list)

    def note(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Keep a statement that has a plan, and send it."""
        if str(sql).lstrip(" \n(").upper().startswith(PLANNED):
            self.statements += [(sql, each) for each in (params if many else [params])]
        return execute(sql, params, many, context)

    def read_through(self) -> list[tuple[set[str], str]]:
        """Return the big tables that a statement reads through, with the statement."""
        found = [(set(sequential(plan_of(sql, params))), f"{sql} {params}") for sql, params in self.statements]
        return [(names, said) for names, said in found if names]


@contextmanager
def listening() -> Iterator[Sent]:
    """Yield what is sent meanwhile."""
    sent = Sent()
    with connection.execute_wrapper(sent.note):
        yield sent


def plan_of(sql: str, params: Any) -> dict[str, Any]:
    """Return the plan of a statement, which is not run."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        (found,) = cursor.fetchone()
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def sequential(plan: dict[str, Any], *, limited: bool = False) -> Iterator[str]:
    """Yield the big tables that a plan reads through; any first rows that there are, are not the whole table."""
    is_scan = plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in big_tables()
    if is_scan and not (limited and "Filter" not in plan):
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from sequential(part, limited=plan["Node Type"] == "Limit")
