import datetime as dt
import json

import pytest
from django.core.management import call_command

from billing_time.clock import Moment
from payments.models import Facts
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.states import Status
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory


def days(number):
    return Moment.of(Moment.current().now + dt.timedelta(days=number))


@pytest.fixture
def paid(alice, plan, staff):
    """Return a function that lets alice buy a month at a moment."""

    def buy(moment, plan=plan):
        payment = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=plan, moment=moment), moment=moment)
        payment.confirm(Facts(), by=staff, moment=moment)
        return payment.subscription

    return buy


def expire(capsys, *options):
    capsys.readouterr()
    call_command("expire_subscriptions", "--json", *options)
    told = json.loads(capsys.readouterr().out)
    return {name: count for name, count in told.items() if isinstance(count, int) and count}


def test_when_the_paid_days_are_over_it_is_past_due_and_after_grace_expired(paid, capsys):
    subscription = paid(days(0))
    end = subscription.covered_until
    assert expire(capsys, "--at", str(end - dt.timedelta(days=1))) == {}
    assert expire(capsys, "--at", str(end)) == {"past_due": 1}
    subscription.refresh_from_db()
    assert (subscription.status, subscription.end_date) == ("past_due", end)
    assert expire(capsys, "--at", str(end + dt.timedelta(days=3))) == {"expired": 1}
    subscription.refresh_from_db()
    assert (subscription.status, subscription.end_date) == ("expired", end)


def test_a_month_not_run_is_caught_up_with_in_one_go(paid, capsys):
    paid(days(-60))
    assert expire(capsys) == {"expired": 1}
    assert expire(capsys) == {}


def test_a_trial_that_is_over_expires(alice, capsys):
    SubscriptionFactory(user=alice, plan=PlanFactory(trial_days=7), moment=days(-6))
    assert expire(capsys) == {}
    assert expire(capsys, "--at", str(days(1).today)) == {"expired": 1}


def test_one_that_waited_in_vain_expires(alice, plan, capsys):
    SubscriptionFactory(user=alice, plan=plan, moment=days(-15))
    assert expire(capsys) == {"expired": 1}


def test_one_that_waits_for_a_payment_still_expected_stays(alice, plan, capsys):
    PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=plan, moment=days(-15 + 2)), moment=days(-1))
    assert expire(capsys, "--at", str(days(5).today)) == {}


def test_one_that_was_to_end_is_canceled_with_its_payment(paid, capsys):
    subscription = paid(days(-10))
    subscription.cancel(days(-5), now=False)
    asked = PaymentFactory(subscription=subscription, moment=days(0))
    asked.expires_at = days(90).now
    asked.save(update_fields=["expires_at"])
    end = subscription.cancel_at
    assert expire(capsys, "--at", str(end)) == {"canceled": 1, "payments_canceled": 1}
    subscription.refresh_from_db()
    asked.refresh_from_db()
    assert (subscription.status, subscription.end_date, subscription.access_until) == ("canceled", end, None)
    assert asked.status == "canceled"


def test_what_is_canceled_late_expires_a_payment_that_was_past_its_time(paid, capsys):
    subscription = paid(days(-10))
    asked = PaymentFactory(subscription=subscription, moment=days(-9))
    subscription.cancel(days(-5), now=False)
    foreseen = expire(capsys, "--at", "2040-01-01", "--dry-run")
    assert foreseen == expire(capsys, "--at", "2040-01-01") == {"canceled": 1, "payments_expired": 1}
    asked.refresh_from_db()
    assert asked.status == "expired"


def test_a_canceled_trial_ends_where_the_verb_would_end_it(alice, capsys):
    subscription = SubscriptionFactory(user=alice, plan=PlanFactory(trial_days=7), moment=days(-3))
    subscription.cancel(days(-1), now=False)
    by_verb = Subscription.objects.get(pk=subscription.pk)
    later = days(10)
    by_verb.status = by_verb.status_at(later)
    assert by_verb.status == Status.CANCELED
    assert expire(capsys, "--at", str(later.today)) == {"canceled": 1}
    subscription.refresh_from_db()
    assert (subscription.start_date, subscription.end_date) == (days(-3).today, days(4).today)


def test_the_batch_writes_what_the_verb_would_write(paid, alice, bob, capsys):
    """For each of many moments, `write_down` and `catch_up` come to the same rows."""
    from django.db import transaction

    subscription = paid(days(-10))
    subscription.cancel(days(-5), now=False)
    SubscriptionFactory(user=bob, plan=PlanFactory(trial_days=30), moment=days(-3))
    SubscriptionFactory(user=bob, plan=PlanFactory(), moment=days(-3))
    paid(days(-20), plan=PlanFactory(grace_days=10))
    for ahead in range(-1, 60):
        moment, rows = days(ahead), []
        for write in (write_all, catch_up_all):
            with transaction.atomic():
                write(moment)
                rows.append(list(Subscription.objects.order_by("pk").values()))
                transaction.set_rollback(True)
        assert rows[0] == rows[1], f"{ahead} days ahead"


def write_all(moment):
    Subscription.objects.outdated(moment).write_down(moment)


def catch_up_all(moment):
    for subscription in Subscription.objects.all():
        subscription.catch_up(moment)


def test_a_dry_run_foresees_the_same_and_changes_nothing(paid, capsys):
    paid(days(-60))
    before = list(Subscription.objects.values())
    assert expire(capsys, "--dry-run") == {"expired": 1}
    assert list(Subscription.objects.values()) == before
