"""All that is known of money, to compare before and after: a refusal changes nothing of it."""

from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from api.problems import Problem

TABLES = (
    "subscriptions_subscription",
    "payments_payment",
    "payments_receipt",
    "payments_allocation",
    "payments_refund",
    "payments_reversal",
)


def ledger():
    """Return every row of every table of money."""
    with connection.cursor() as cursor:
        return {table: rows_of(cursor, table) for table in TABLES}


def rows_of(cursor, table):
    cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY id")
    return [row for (row,) in cursor.fetchall()]


@contextmanager
def refused(code):
    """Assert that what is done inside is refused with the code, and that nothing of the money has changed."""
    before = ledger()
    with pytest.raises(Problem) as caught, transaction.atomic():
        yield caught
    assert caught.value.code == code
    assert ledger() == before


@contextmanager
def nothing_changes():
    """Assert that what is done inside, such as a repeat, leaves every row of money as it was."""
    before = ledger()
    yield
    assert ledger() == before
