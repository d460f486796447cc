"""The books as somebody could break them whom nothing stops: the owner of the tables, with the guards switched off."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

from payments.states import GUARDS as PAYMENT_GUARDS
from states.guards import Guard
from subscriptions.states import GUARDS as SUBSCRIPTION_GUARDS

ALL_GUARDS = (*PAYMENT_GUARDS, *SUBSCRIPTION_GUARDS)


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
    """Take the guards away for a while; what is thrown meanwhile leaves them to the rollback of the test."""
    switch("DISABLE", guards)
    yield
    switch("ENABLE", guards)
