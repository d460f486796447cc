"""Visits: running checks, each on its own, over one state of the books, and never for longer than was allowed."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from django.conf import settings
from django.db import Error, connection, transaction

from billing_time.clock import Moment
from transactions.retrying import QUERY_CANCELED, sqlstate

from .check import Check, Finding, Severity

SHOWN = 20
SHOW = f"""
    SELECT object_type, object_id, detail, count(*) OVER () FROM (CHECK) AS found (object_type, object_id, detail)
    ORDER BY object_type, length(object_id), object_id, detail LIMIT {SHOWN}
"""
# The class of errors that broken rows may lead to; the other checks are run all the same.
BAD_DATA = "22"


@dataclass
class Result:
    """What one check found: how much in all, the first of it, or why it could not be run."""

    check: Check
    count: int = 0
    findings: list[Finding] = field(default_factory=list)
    failure: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether it was run and found nothing."""
        return not self.count and not self.failure

    @property
    def is_error(self) -> bool:
        """Whether something is wrong, or it is not known that nothing is."""
        return bool(self.failure) or (bool(self.count) and self.check.severity is Severity.ERROR)

    @property
    def left_out(self) -> int:
        """How many findings are not shown."""
        return self.count - len(self.findings)


def visit(checks: Iterable[Check], moment: Moment, *, seconds: float) -> list[Result]:
    """Run the checks over one state of the books, changing nothing; what is not done after `seconds` says so."""
    deadline = time.monotonic() + seconds
    with reading():
        return [examine(check, moment, deadline) for check in checks]


@contextmanager
def reading() -> Iterator[None]:
    """See one state of the database, read-only. In a transaction that is open, only the latter can be had."""
    is_open = connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SET TRANSACTION " + ("READ ONLY" if is_open else "ISOLATION LEVEL REPEATABLE READ READ ONLY")
            )
        yield
        transaction.set_rollback(True)


def examine(check: Check, moment: Moment, deadline: float) -> Result:
    """Run one check within the time that is left."""
    left = int((deadline - time.monotonic()) * 1000)
    if left <= 0:
        return Result(check, failure="there was no time left for it")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(left)])
            return looked(check) if check.look else asked(check, moment)
    except Error as problem:
        return Result(check, failure=reason_of(problem))


def asked(check: Check, moment: Moment) -> Result:
    """Ask the database."""
    given = {"zone": settings.BILLING_TIME_ZONE, "now": moment.now, "today": moment.today}
    with connection.cursor() as cursor:
        cursor.execute(SHOW.replace("CHECK", check.sql, 1), given)
        rows = cursor.fetchall()
    return Result(check, rows[0][3] if rows else 0, [Finding(*row[:3]) for row in rows])


def looked(check: Check) -> Result:
    """Let the check look by itself."""
    findings = iter(check.look() if check.look else ())
    shown = list(islice(findings, SHOWN))
    return Result(check, len(shown) + sum(1 for _ in findings), shown)


def reason_of(problem: Error) -> str:
    """Return why a check could not be run, or raise the error where it is none of the check's."""
    if sqlstate(problem) == QUERY_CANCELED:
        return "it took too long"
    if sqlstate(problem).startswith(BAD_DATA):
        return str(problem).strip().splitlines()[0]
    raise problem
