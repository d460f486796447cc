import datetime as dt

import pytest
from django.core.management import call_command

from billing_time.clock import Moment
from payments.models import Payment
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import SubscriptionFactory


def days_ago(days):
    return Moment.of(Moment.current().now - dt.timedelta(days=days))


@pytest.fixture
def overdue(bob, plan):
    """Bob's, asked for three weeks ago."""
    return PaymentFactory(
        subscription=SubscriptionFactory(user=bob, plan=plan, moment=days_ago(21)), moment=days_ago(21)
    )


def test_payments_past_their_expiry_expire_and_others_stay(payment, overdue, capsys):
    call_command("expire_payments")
    assert capsys.readouterr().out == "1 payment expired.\n"
    payment.refresh_from_db()
    overdue.refresh_from_db()
    assert (payment.status, overdue.status) == ("pending", "expired")


def test_a_dry_run_says_the_same_and_changes_nothing(overdue, capsys):
    before = list(Payment.objects.values())
    call_command("expire_payments", dry_run=True)
    assert "Dry run" in (out := capsys.readouterr().out)
    assert "1 payment expired" in out
    assert list(Payment.objects.values()) == before


def test_at_a_later_day_it_acts_as_if_it_were_that_day(payment):
    later = Moment.current().today + dt.timedelta(days=15)
    call_command("expire_payments", "--at", later.isoformat())
    payment.refresh_from_db()
    assert payment.status == "expired"


def test_a_confirmed_or_canceled_payment_never_expires(payment, staff):
    payment.cancel(Moment.current())
    call_command("expire_payments", "--at", "2040-01-01")
    payment.refresh_from_db()
    assert payment.status == "canceled"
