"""Where the days of a payment begin and end, over months and years: by moments, not by waiting."""

import datetime as dt

import pytest

from billing_time.clock import Moment
from payments.checkout import Order, check_out
from payments.models import Facts
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory


def at(text):
    return Moment.of(dt.datetime.fromisoformat(f"{text}T12:00:00+00:00"))


def pay(subscription, staff, moment, **facts):
    """Ask for money and confirm it, both at `moment`; return the payment."""
    subscription.refresh_from_db()
    amount = subscription.unit_price * subscription.duration
    payment, _created = check_out(
        subscription.user, Order(plan=subscription.plan, amount=amount), moment, subscription=subscription
    )
    payment.confirm(Facts(**facts), by=staff, moment=moment)
    subscription.refresh_from_db()
    return payment


def test_twelve_months_from_31_january_keep_the_anchor_day(alice, staff, plan):
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=at("2027-01-31"))
    ends = [str(pay(subscription, staff, at("2027-01-31")).covers_to) for _month in range(12)]

    assert ends == [
        "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30", "2027-07-31",
        "2027-08-31", "2027-09-30", "2027-10-31", "2027-11-30", "2027-12-31", "2028-01-31",
    ]  # fmt: skip


def test_twelve_payments_of_a_month_are_one_payment_of_twelve(alice, bob, staff, plan):
    by_month = SubscriptionFactory(user=alice, plan=plan, moment=at("2027-01-31"))
    for _month in range(12):
        pay(by_month, staff, at("2027-01-31"))
    at_once = SubscriptionFactory(user=bob, plan=plan, duration=12, moment=at("2027-01-31"))
    pay(at_once, staff, at("2027-01-31"))

    assert by_month.covered_until == at_once.covered_until


def test_a_year_from_29_february_ends_on_the_28th_and_finds_the_29th_again(alice, staff):
    plan = PlanFactory(interval="year", grace_days=0)
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=at("2028-02-29"))
    ends = [str(pay(subscription, staff, at("2028-02-29")).covers_to) for _year in range(4)]

    assert ends == ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


@pytest.mark.parametrize(("interval", "end"), [("day", "2027-02-02"), ("week", "2027-02-14")])
def test_days_and_weeks_are_counted(alice, staff, interval, end):
    plan = PlanFactory(interval=interval, interval_count=2, grace_days=1)
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=at("2027-01-31"))

    assert str(pay(subscription, staff, at("2027-01-31")).covers_to) == end


def test_paying_early_extends_without_gap_or_overlap(alice, staff, plan):
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=at("2027-01-10"))
    first = pay(subscription, staff, at("2027-01-10"))
    second = pay(subscription, staff, at("2027-02-01"))

    assert first.covers_to == second.covers_from == dt.date(2027, 2, 10)
    assert subscription.start_date == dt.date(2027, 1, 10)
    assert subscription.end_date == dt.date(2027, 3, 10)


def test_paying_in_grace_begins_where_the_coverage_ended(alice, staff, plan):
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=at("2027-01-10"))
    pay(subscription, staff, at("2027-01-10"))
    assert subscription.status_at(at("2027-02-12")) == "past_due"
    renewal = pay(subscription, staff, at("2027-02-12"))

    assert renewal.covers_from == dt.date(2027, 2, 10)
    assert subscription.status == "active"


def test_late_money_revives_an_expired_subscription_from_the_day_it_is_confirmed(alice, staff, plan):
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=at("2027-01-31"))
    pay(subscription, staff, at("2027-01-31"))
    renewal, _created = check_out(
        alice, Order(plan=plan, amount=plan.price), at("2027-02-27"), subscription=subscription
    )
    renewal.confirm(Facts(evidence="late"), by=staff, moment=at("2027-05-05"))
    subscription.refresh_from_db()

    assert (renewal.covers_from, renewal.covers_to) == (dt.date(2027, 5, 5), dt.date(2027, 6, 5))
    assert (subscription.status, subscription.start_date) == ("active", dt.date(2027, 5, 5))
    assert subscription.anchor_day == 5


def test_paying_in_a_trial_activates_at_once_and_covers_from_its_end(alice, staff):
    plan = PlanFactory(trial_days=14, grace_days=3)
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=at("2027-01-17"))
    assert (subscription.status, subscription.trial_end) == ("trialing", dt.date(2027, 1, 31))
    payment = pay(subscription, staff, at("2027-01-20"))

    assert subscription.status == "active"
    assert (payment.covers_from, payment.covers_to) == (dt.date(2027, 1, 31), dt.date(2027, 2, 28))
    assert subscription.start_date == dt.date(2027, 1, 17)
    assert str(pay(subscription, staff, at("2027-01-21")).covers_to) == "2027-03-31"


def test_a_trial_has_no_grace(alice):
    plan = PlanFactory(trial_days=14, grace_days=3)
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=at("2027-01-17"))

    assert subscription.status_at(at("2027-01-30")) == "trialing"
    assert subscription.status_at(at("2027-01-31")) == "expired"
    assert not subscription.has_access_at(at("2027-01-31"))


def test_days_are_those_of_the_billing_time_zone(alice, staff, plan, settings):
    settings.BILLING_TIME_ZONE = "Asia/Vladivostok"
    evening = Moment.of(dt.datetime(2027, 1, 30, 20, 0, tzinfo=dt.UTC))
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=evening)
    payment = pay(subscription, staff, evening)

    assert payment.covers_from == dt.date(2027, 1, 31)
    assert subscription.access_until == dt.datetime(2027, 3, 2, 14, 0, tzinfo=dt.UTC)


def test_a_renewal_waits_for_its_money_until_grace_is_over(alice, staff, plan):
    subscription = SubscriptionFactory(user=alice, plan=plan, duration=2, moment=at("2027-01-10"))
    pay(subscription, staff, at("2027-01-10"))
    renewal, _created = check_out(
        alice, Order(plan=plan, amount=plan.price * 2), at("2027-01-11"), subscription=subscription
    )

    assert renewal.expires_at == subscription.access_until


def test_paid_on_the_day_that_follows_the_last_it_keeps_the_anchor_day_without_grace_too(alice, staff):
    subscription = SubscriptionFactory(user=alice, plan=PlanFactory(grace_days=0), moment=at("2027-01-31"))
    pay(subscription, staff, at("2027-01-31"))
    waiting = PaymentFactory(subscription=subscription, moment=at("2027-02-20"))
    waiting.confirm(Facts(), by=staff, moment=at("2027-02-28"))

    assert (str(waiting.covers_from), str(waiting.covers_to)) == ("2027-02-28", "2027-03-31")
