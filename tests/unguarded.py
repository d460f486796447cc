"""The books as somebody could break them whom nothing stops: the owner of the tables, with the guards switched off."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

from payments.states import GUARDS as PAYMENT_GUARDS
from states.guards import Guard
from subscriptions.states import GUARDS as SUBSCRIPTION_GUARDS

ALL_GUARDS = (*PAYMENT_GUARDS, *SUBSCRIPTION_GUARDS)
# What compares a row with others: triggers too, made by hand in the migrations of payments and subscriptions.
SUMS = tuple(
    Guard(name, table, "UPDATE", "", "")
    for name, table in (
        ("payment_money_agrees", "payments_payment"),
        ("payment_money_agrees", "payments_allocation"),
        ("receipt_refunds_agree", "payments_receipt"),
        ("subscription_terms_are_the_plans", "subscriptions_subscription"),
        ("subscription_coverage_agrees", "subscriptions_subscription"),
        ("subscription_coverage_agrees", "payments_payment"),
    )
)


def switch(state: str, guards: Iterable[Guard]) -> None:
    """Say ENABLE or DISABLE to the guards; what foreign keys have still to look at is looked at before."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for guard in guards:
            cursor.execute(f"ALTER TABLE {guard.table} {state} TRIGGER {guard.name}")
        if connection.in_atomic_block:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def unguarded(guards: Iterable[Guard] = ALL_GUARDS) -> Iterator[None]:
    """Take the guards away for a while; what is thrown within a transaction leaves them to its rollback.

    Within a transaction that the test rolls back the sums do not come back: rows that were forced do not agree, and
    every later change of them would show it.
    """
    guards = list(guards)
    switch("DISABLE", [*guards, *SUMS])
    try:
        yield
    except BaseException:
        if not connection.in_atomic_block:
            switch("ENABLE", [*guards, *SUMS])
        raise
    switch("ENABLE", guards if connection.in_atomic_block else [*guards, *SUMS])
