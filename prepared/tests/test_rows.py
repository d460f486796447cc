"""Writing a row by a prepared statement is what `save` does."""

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from payments.models import Payment, Receipt
from prepared.rows import insert, take_over, update
from subscriptions.models import Subscription
from subscriptions.tests.factories import SubscriptionFactory


def sent(act) -> str:
    """Return the one statement that an act sends, without the brackets around an expression."""
    with CaptureQueriesContext(connection) as captured:
        act()
    (query,) = [each["sql"] for each in captured if "SAVEPOINT" not in each["sql"]]
    return query.replace("(", "").replace(")", "")


def test_an_insertion_writes_what_save_writes(payment, staff):
    mine, theirs = (
        Receipt(user=payment.user, source="Manual ", amount=payment.amount, currency="RUB", recorded_by=staff)
        for _ in range(2)
    )
    theirs.created_at = mine.created_at
    assert sent(lambda: insert(mine)) == sent(lambda: theirs.save(force_insert=True))
    assert mine.pk
    assert not mine._state.adding
    again = Receipt.objects.get(pk=mine.pk)
    assert (again.source_key, again.amount, again.recorded_by) == ("manual", payment.amount, staff)


def test_an_insertion_reads_what_the_database_made(subscription):
    payment = Payment(
        user_id=subscription.user_id, subscription=subscription, plan_id=subscription.plan_id, amount="990.00",
        unit_price="990.00", currency="RUB", duration=1, interval="month", interval_count=1,
        expires_at=subscription.pending_until,
    )  # fmt: skip
    insert(payment)
    assert payment.reference == Payment.objects.get(pk=payment.pk).reference


@pytest.mark.parametrize(
    ("row", "names"),
    [("payment", ("status",)), ("payment", ("status", "expires_at")), ("subscription", ("pending_until", "cancel_at"))],
)
def test_an_update_writes_what_save_writes(request, row, names):
    row = request.getfixturevalue(row)
    assert sent(lambda: update(row, *names)) == sent(lambda: row.save(update_fields=names))


def test_an_update_of_what_is_not_there_is_an_error(subscription):
    subscription.pk += 1
    with pytest.raises(DatabaseError, match="was there to be changed"):
        update(subscription, "cancel_at")


def test_a_row_takes_over_what_was_read_and_forgets_its_relations(subscription):
    other = Subscription.objects.get(pk=subscription.pk)
    other.cancel_reason = "Too dear"
    assert subscription.user.pk
    assert "user" in subscription._state.fields_cache
    take_over(subscription, other)
    assert subscription.cancel_reason == "Too dear"
    assert "user" not in subscription._state.fields_cache


def test_a_row_that_is_gone_is_missed(db):
    with pytest.raises(Subscription.DoesNotExist):
        take_over(SubscriptionFactory.build(), None)
