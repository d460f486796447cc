"""The state that dates say: one rule in Python, one in SQL, and they agree."""

import datetime as dt
import itertools

import pytest

from billing_time.clock import Moment, midnight
from payments.models import Payment
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.states import Status
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.unguarded import SUMS, switch, unguarded

NOW = Moment.of(dt.datetime(2027, 3, 10, 12, 0, tzinfo=dt.UTC))
DAYS = [dt.date(2027, 3, day) for day in (9, 10, 11)]


def rows(user):
    """Yield a subscription for every state and every side of today that its dates can be on."""
    plan = PlanFactory()
    for status, covered, access, cancel in itertools.product(Status, DAYS, DAYS, [None, *DAYS]):
        running = status in (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE)
        if (access < covered and running) or (cancel and not running):
            continue
        yield Subscription(
            user=user,
            plan=plan,
            status=status,
            unit_price=1,
            currency="RUB",
            interval="month",
            interval_count=1,
            trial_days=100,
            grace_days=0,
            anchor_day=1,
            start_date=dt.date(2027, 1, 1),
            end_date=covered,
            trial_end=covered if status == Status.TRIALING else None,
            covered_until=covered if status in (Status.ACTIVE, Status.PAST_DUE) else None,
            access_until=midnight(access) if running else None,
            pending_until=midnight(access),
            cancel_at=cancel,
        )


@pytest.fixture
def every_state(alice):
    """All of them in the table; the index that allows one live subscription is away meanwhile."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_live_subscription_per_user_and_plan, one_trial_per_user_and_plan")
    switch("DISABLE", SUMS)  # no payment stands behind these days
    with unguarded():
        return Subscription.objects.bulk_create(rows(alice))


def test_sql_and_python_say_the_same_of_every_state(every_state):
    for state in Status:
        by_sql = set(Subscription.objects.in_states([state], NOW).values_list("pk", flat=True))
        by_python = {row.pk for row in every_state if row.status_at(NOW) == state}
        assert by_sql == by_python, state
        assert by_python, f"no row is {state}"


def test_every_row_is_in_exactly_one_state(every_state):
    counts = [Subscription.objects.in_states([state], NOW).count() for state in Status]
    assert sum(counts) == len(every_state)


def test_outdated_rows_are_those_whose_state_is_not_written_down(every_state):
    outdated = set(Subscription.objects.outdated(NOW).values_list("pk", flat=True))
    assert outdated == {row.pk for row in every_state if row.status_at(NOW) != row.status}
    assert outdated


def test_writing_down_makes_the_rows_what_their_dates_said(every_state):
    said = {row.pk: row.status_at(NOW) for row in every_state}
    Subscription.objects.outdated(NOW).write_down(NOW)

    assert {row.pk: row.status for row in Subscription.objects.all()} == said
    assert not Subscription.objects.outdated(NOW).exists()


def test_access_is_told_by_access_until_alone(every_state):
    with_access = set(Subscription.objects.with_access(NOW.now).values_list("pk", flat=True))
    without = set(Subscription.objects.with_access(NOW.now, has_access=False).values_list("pk", flat=True))

    assert with_access == {row.pk for row in every_state if row.has_access_at(NOW)}
    assert with_access | without == {row.pk for row in every_state}


def test_a_payment_past_its_expiry_is_expired_in_sql_and_python(subscription):
    payment = PaymentFactory(subscription=subscription)
    for moment in (Moment.of(payment.expires_at - dt.timedelta(seconds=1)), Moment.of(payment.expires_at)):
        state = payment.status_at(moment)
        assert list(Payment.objects.in_states([state], moment)) == [payment]
        assert not Payment.objects.in_states([other for other in Payment.Status if other != state], moment)


@pytest.mark.parametrize(("interval", "count"), [("day", 3), ("week", 2), ("month", 1), ("month", 13), ("year", 2)])
@pytest.mark.parametrize("today", ["2027-01-31", "2028-02-29", "2027-11-30"])
def test_the_end_that_lists_are_sorted_by_is_the_one_that_is_shown(alice, interval, count, today):
    plan = PlanFactory(interval=interval, interval_count=count, grace_days=0)
    asked, seen = (
        Moment.of(dt.datetime.fromisoformat(f"{today}T12:00:00+00:00") + dt.timedelta(days=days)) for days in (0, 2)
    )
    subscription = SubscriptionFactory(user=alice, plan=plan, duration=2, moment=asked)

    for moment in (asked, seen, Moment.of(asked.now + dt.timedelta(days=20))):
        sorted_by = Subscription.objects.with_shown_end(moment).get().shown_end
        assert sorted_by == subscription.as_of(moment).end_date
