"""Filling the books in bulk: a chunk of customers with all that is theirs in each transaction."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from billing_time.clock import Moment
from operations import rights
from operations.commands import Stop
from payments.demo import OPERATOR, PASSWORD, make_plan
from transactions.acting import Actor, Channel, acting

from .events import EVENTS
from .lives import DONE, KIND_OF, PLANS, STAGES, STEP, WEIGHT_OF
from .rows import ROWS

PREFIX = "bulk-"
MORE_PLANS: list[dict[str, Any]] = [
    {"name": "weekly", "title": "Weekly", "price": "149.00", "currency": "RUB", "interval": "week", "grace_days": 2},
    {"name": "ten-days", "title": "Ten days", "price": "199.00", "currency": "RUB", "interval": "day"}
    | {"interval_count": 10, "grace_days": 1},
    {"name": "quarter", "title": "A quarter", "price": "2690.00", "currency": "RUB", "interval": "month"}
    | {"interval_count": 3, "grace_days": 14},
]
# Somebody who pays every month has paid so often in ten years.
MOST_PAYMENTS = 100
CHUNK_PAYMENTS, CHUNK_USERS = 100_000, 50_000
TABLES = (
    "accounts_user", "subscriptions_subscription", "payments_receipt", "payments_payment", "payments_allocation",
    "payments_refund", "payments_reversal", "journal_event",
)  # fmt: skip
# The names of customers in bulk, by the index on names.
THERE = f"""
    WITH named AS (SELECT id FROM accounts_user WHERE username LIKE '{PREFIX}%' AND username ~ '^{PREFIX}[0-9]+$')
    SELECT (SELECT count(*) FROM named), (SELECT count(*) FROM payments_payment WHERE user_id IN (SELECT id FROM named))
"""  # noqa: S608 - made of constants


class Refused(Exception):
    """What was asked for cannot be made; the words say why."""


@dataclass(frozen=True)
class Size:
    """How many customers, and how many payments of theirs."""

    users: int
    payments: int

    @classmethod
    def there(cls) -> "Size":
        """Return how many there are in the books."""
        with connection.cursor() as cursor:
            cursor.execute(THERE)
            return cls(*cursor.fetchone())


@dataclass(frozen=True)
class Rest:
    """What is there already, and what there is to be in all; customers are numbered from one."""

    there: Size
    wanted: Size

    def __post_init__(self) -> None:
        """Raise Refused for what cannot be made."""
        users, payments = self.users, self.payments
        if users < 0 or payments < 0 or (users == 0 and payments):
            raise Refused(
                _("There are %(users)s customers in bulk with %(payments)s payments already; ask for more of both.")
                % {"users": self.there.users, "payments": self.there.payments}
            )
        if payments > users * MOST_PAYMENTS:
            raise Refused(_("That is more than %(most)s payments for each customer.") % {"most": MOST_PAYMENTS})

    @property
    def users(self) -> int:
        """How many customers are to be made."""
        return self.wanted.users - self.there.users

    @property
    def payments(self) -> int:
        """How many payments are to be made."""
        return self.wanted.payments - self.there.payments

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Yield the first and the last number of the customers of each transaction."""
        step = max(1, min(CHUNK_USERS, CHUNK_PAYMENTS * self.users // max(1, self.payments)))
        for first in range(self.there.users + 1, self.wanted.users + 1, step):
            yield first, min(first + step - 1, self.wanted.users)

    def weight_before(self, number: int) -> int:
        """Return how many shares of the payments those have who come before this number, and are not there yet."""
        return weight_until(number - 1) - weight_until(self.there.users)

    def payments_before(self, number: int) -> int:
        """Return how many of the payments those have."""
        return self.payments * self.weight_before(number) // max(1, self.weight_before(self.wanted.users + 1))


WEIGHTS = [0, *accumulate(WEIGHT_OF[number * STEP % 100] for number in range(1, 101))]


def weight_until(number: int) -> int:
    """Return how many shares of the payments the customers up to this number have."""
    hundreds, rest = divmod(number, 100)
    return hundreds * WEIGHTS[100] + WEIGHTS[rest]


def fill(wanted: Size, moment: Moment, tell: Callable[[int, int], None]) -> tuple[Size, Stop]:
    """Make the customers and payments that are missing; return how many were made, and whether to stop was wished.

    `tell` hears how many payments of how many there are. Each transaction makes some customers with all that is
    theirs, so that whatever stops it, the next run makes the rest. Raise Refused, having changed nothing.
    """
    if not rights.is_ours():
        raise Refused(
            _("This needs the tables' owner, for it works with triggers off: run it with the owner's DATABASE_URL.")
        )
    rest, stop = Rest(Size.there(), wanted), Stop()
    for terms in MORE_PLANS:
        make_plan(**terms)
    given = facts(rest, moment)
    with stop.on_signals():
        for first, last in rest.chunks():
            make(given | {"first": first, "last": last, "weight_before": rest.weight_before(first)})
            tell(rest.payments_before(last + 1), rest.payments)
            if stop.signum:
                break
    analyse()
    made = Size.there()
    return Size(made.users - rest.there.users, made.payments - rest.there.payments), stop


def facts(rest: Rest, moment: Moment) -> dict[str, Any]:
    """Return what the statements name."""
    return {
        "payments": rest.payments,
        "weight": max(1, rest.weight_before(rest.wanted.users + 1)),
        "kinds": KIND_OF,
        "weights": WEIGHT_OF,
        "plans": PLANS,
        "prefix": PREFIX,
        "zone": settings.BILLING_TIME_ZONE,
        "now": moment.now,
        "today": moment.today,
        "waits": dt.timedelta(days=settings.PAYMENT_EXPIRES_DAYS),
        "password": make_password(PASSWORD),
        "operator": User.objects.get_by_natural_key(OPERATOR).pk,
        "leaves": _("Found something cheaper"),
        "sorry": _("Days without service"),
        "closed": _("Account closed"),
    }


def make(given: dict[str, Any]) -> None:
    """Make some customers in one transaction, in which alone the triggers are off.

    The journal's floor is locked before its numbers are drawn, as its triggers do, so that no reader misses one.
    """
    with acting(Actor.command("demo"), Channel.COMMAND), connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone TO 'UTC'; SET LOCAL work_mem TO '256MB'")
        switch(cursor, "DISABLE")
        cursor.execute("SELECT journal_lock_floor()")
        for statement in (*STAGES, *ROWS, EVENTS, DONE):
            cursor.execute(statement, given)
        switch(cursor, "ENABLE")


def switch(cursor: Any, how: str) -> None:
    """Switch the triggers of all tables that are filled; foreign keys are none of them. What waits is checked first."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    for table in TABLES:
        cursor.execute(f"ALTER TABLE {table} {how} TRIGGER USER")


def analyse() -> None:
    """Let the planner know what there is now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE " + ", ".join(TABLES))
