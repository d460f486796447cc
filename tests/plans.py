"""Plans: what PostgreSQL does for the very statements that were sent, and which big tables it would read through."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
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
# What the rows of few pages take, not the pages: what other tests have rolled back takes room as well.
FEW_BYTES = 128 * 8192
SMALL_AS_YET = """
    SELECT relname FROM pg_class c
    WHERE relkind = 'r' AND reltuples * (28 + (SELECT coalesce(sum(avg_width), 0) FROM pg_stats WHERE tablename = relname))
        <= %s
"""
# What takes no more rows than it is asked for.
LAZY = {"Nested Loop", "Append", "Merge Append", "Subquery Scan", "LockRows", "Incremental Sort", "Result", "Memoize"}
PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def tables() -> set[str]:
    """Return the tables of all models."""
    return {model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed}


def tables_of_few_pages() -> set[str]:
    """Return the tables whose rows are a megabyte at most as yet."""
    with connection.cursor() as cursor:
        cursor.execute(SMALL_AS_YET, [FEW_BYTES])
        return {name for (name,) in cursor.fetchall()}


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
        """Return the big tables that each statement reads through, with the statement; the same one is planned once."""
        told = {(str(sql), str(params)): (sql, params) for sql, params in self.statements}
        found = [(read_by(*statement), f"{statement[0]} {statement[1]}") for statement in told.values()]
        return [(names, said) for names, said in found if names]


def read_by(sql: str, params: Any) -> set[str]:
    """Return the big tables that a statement reads through.

    While a table has few pages, reading them all is the best plan; there must be another one all the same.
    """
    names = set(sequential(plan_of(sql, params)))
    if not names or not names <= tables_of_few_pages():
        return names
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan TO off")
        names = set(sequential(plan_of(sql, params)))
        cursor.execute("SET LOCAL enable_seqscan TO on")
    return names


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


def sequential(plan: dict[str, Any], *, lazy: bool = False) -> Iterator[str]:
    """Yield the big tables that a plan reads through, or the whole index of; `lazy` if it stops once it has enough."""
    if plan.get("Relation Name") in big_tables() and reads_all(plan, lazy=lazy):
        yield plan["Relation Name"]
    lazy = plan["Node Type"] == "Limit" or (lazy and plan["Node Type"] in LAZY)
    for part in plan.get("Plans", ()):
        yield from sequential(part, lazy=lazy)


def reads_all(scan: dict[str, Any], *, lazy: bool) -> bool:
    """Return whether a scan looks at every row that there is: where it may stop, an index in order does not."""
    match scan["Node Type"]:
        case "Seq Scan":
            return not (lazy and "Filter" not in scan)
        case "Index Scan" | "Index Only Scan":
            return not (lazy or "Index Cond" in scan or is_partial(scan["Index Name"]))
    return False


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan and all that it is made of."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@cache
def is_partial(index: str) -> bool:
    """Return whether an index is over some rows alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indpred IS NOT NULL FROM pg_index WHERE indexrelid = to_regclass(%s)", [index])
        return cursor.fetchone()[0]
