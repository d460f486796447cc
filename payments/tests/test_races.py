"""People at once. Each lock is shown to hold, and its control shows what happens where it is not taken."""

import pytest
from django.db import Error
from django.db.models import QuerySet

from accounts.models import User
from api.problems import Problem
from payments.checkout import Order, check_out
from payments.models import Facts, Payment, Receipt
from payments.querysets import PaymentQuerySet
from payments.tests.factories import PaymentFactory
from prepared.queries import Prepared
from subscriptions.models import Subscription
from subscriptions.problems import SubscriptionExists
from subscriptions.querysets import SubscriptionQuerySet
from subscriptions.tests.factories import SubscriptionFactory
from tests.racing import compiled_anew, meeting, race
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def without_locks(monkeypatch):
    """Take every row lock away."""
    unlocked = lambda rows: rows.order_by("pk")  # noqa: E731
    monkeypatch.setattr(SubscriptionQuerySet, "locked", unlocked)
    monkeypatch.setattr(PaymentQuerySet, "locked", unlocked)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_options: rows)
    monkeypatch.setattr(Prepared, "__call__", compiled_anew)


def confirm(payment, staff, moment, **facts):
    """Return an act that confirms a copy of the payment, as another process would."""
    return lambda: Payment.objects.get(pk=payment.pk).confirm(Facts(**facts), by=staff, moment=moment)


def test_eight_confirmations_at_once_activate_once(payment, staff, moment):
    outcomes = race(*[confirm(payment, staff, moment, evidence="E-1")] * 8)

    assert sorted(outcomes) == [False] * 7 + [True]
    assert Receipt.objects.get().allocated_amount == payment.amount
    subscription = Subscription.objects.get()
    assert subscription.covered_until == Payment.objects.get().covers_to


def test_control_without_the_lock_the_guard_refuses_the_second_receipt(
    payment, staff, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Payment, "money_from", meeting(2, Payment.money_from))
    outcomes = race(*[confirm(payment, staff, moment)] * 2)

    refusal = next(outcome for outcome in outcomes if isinstance(outcome, Error))
    assert refusal.__cause__.diag.constraint_name == "payment_confirmed_facts_stay"
    assert Receipt.objects.count() == 1


def test_control_without_lock_and_guards_one_payment_makes_two_receipts(
    payment, staff, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Payment, "money_from", meeting(2, Payment.money_from))
    with unguarded():
        outcomes = race(*[confirm(payment, staff, moment)] * 2)

    assert outcomes == [True, True]
    assert Receipt.objects.count() == 2


@pytest.fixture
def two_payments(payment, moment):
    """One that was replaced, and the one that replaced it; the customer pays both."""
    assert payment.cancel(moment)
    return payment, PaymentFactory(subscription=payment.subscription)


def test_two_payments_confirmed_at_once_cover_one_after_the_other(two_payments, staff, moment):
    acts = [confirm(payment, staff, moment, evidence=f"E-{payment.pk}") for payment in two_payments]

    assert race(*acts) == [True, True]
    first, second = Payment.objects.order_by("covers_from")
    assert first.covers_to == second.covers_from
    assert Subscription.objects.get().covered_until == second.covers_to


def test_control_without_the_lock_the_exclusion_constraint_refuses_the_same_days_twice(
    two_payments, staff, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Subscription, "next_coverage", meeting(2, Subscription.next_coverage))
    acts = [confirm(payment, staff, moment, evidence=f"E-{payment.pk}") for payment in two_payments]
    outcomes = race(*acts)

    refusal = next(outcome for outcome in outcomes if isinstance(outcome, Error))
    assert refusal.__cause__.diag.constraint_name == "payment_coverage_never_overlaps"


def test_one_evidence_for_two_payments_at_once_settles_one(payment, staff, plan, moment):
    other = PaymentFactory(subscription=SubscriptionFactory(plan=plan))
    outcomes = race(*[confirm(each, staff, moment, evidence="same") for each in (payment, other)])

    assert outcomes.count(True) == 1
    assert Receipt.objects.count() == 1
    assert Payment.objects.filter(status="confirmed").count() == 1


def test_confirm_against_cancel_of_the_payment_one_wins(payment, staff, moment):
    confirmed, canceled = race(
        confirm(payment, staff, moment), lambda: Payment.objects.get(pk=payment.pk).cancel(moment)
    )

    assert [confirmed, canceled].count(True) == 1
    loser = canceled if confirmed is True else confirmed
    assert isinstance(loser, Problem)
    assert loser.code == "payment_not_pending"


def test_confirm_against_cancel_of_the_subscription_loses_no_money(payment, staff, moment):
    confirmed, canceled = race(
        confirm(payment, staff, moment, evidence="E-1"),
        lambda: Subscription.objects.get(pk=payment.subscription_id).cancel(moment, now=True),
    )

    payment.refresh_from_db()
    assert confirmed is True
    assert Receipt.objects.count() == 1
    assert payment.unapplied is (canceled is True)


def test_confirm_against_the_expiry_command_one_wins(payment, staff, moment):
    late = type(moment).of(payment.expires_at)
    confirmed, _expired = race(confirm(payment, staff, moment), lambda: Payment.objects.outdated(late).write_down(late))

    payment.refresh_from_db()
    assert payment.status == ("confirmed" if confirmed is True else "expired")


def checkout(alice, plan, moment, duration=1):
    """Return an act that asks for money."""
    order = Order(plan=plan, amount=plan.price * duration, duration=duration)
    return lambda: check_out(alice, order, moment, subscription=None)


def test_two_checkouts_at_once_make_one_pending_payment(alice, plan, subscription, moment):
    outcomes = race(*[checkout(alice, plan, moment)] * 4)

    assert sorted(created for _payment, created in outcomes) == [False] * 3 + [True]
    assert Payment.objects.get().status == "pending"


def test_two_first_checkouts_at_once_make_one_subscription_and_one_payment(alice, plan, moment):
    outcomes = race(*[checkout(alice, plan, moment)] * 4)

    assert sorted(created for _payment, created in outcomes) == [False] * 3 + [True]
    assert Subscription.objects.count() == Payment.objects.count() == 1


def test_control_without_the_lock_the_partial_index_refuses_the_second_pending_payment(
    alice, plan, subscription, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Subscription, "next_coverage", meeting(2, Subscription.next_coverage))
    outcomes = race(*[checkout(alice, plan, moment)] * 2)

    refusal = next(outcome for outcome in outcomes if isinstance(outcome, Error))
    assert refusal.__cause__.diag.constraint_name == "one_pending_payment_per_subscription"


def subscribe(alice, plan, moment):
    """Return an act that subscribes."""
    return lambda: Subscription.objects.subscribe(User.objects.get(pk=alice.pk), plan, 1, moment)


def test_subscribing_twice_at_once_makes_one_and_refuses_one(alice, plan, moment):
    outcomes = race(*[subscribe(alice, plan, moment)] * 4)

    assert sum(isinstance(outcome, SubscriptionExists) for outcome in outcomes) == 3
    assert Subscription.objects.count() == 1


def test_control_without_the_lock_the_partial_index_refuses_the_second_subscription(
    alice, plan, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Subscription, "next_coverage", meeting(2, Subscription.next_coverage))
    outcomes = race(*[subscribe(alice, plan, moment)] * 2)

    refusal = next(outcome for outcome in outcomes if isinstance(outcome, Error))
    assert refusal.__cause__.diag.constraint_name == "one_live_subscription_per_user_and_plan"


def test_late_money_against_a_new_subscription_leaves_one_live(alice, plan, staff, moment):
    import datetime as dt

    long_ago = type(moment).of(moment.now - dt.timedelta(days=60))
    old = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=plan, moment=long_ago), moment=long_ago)
    confirmed, subscribed = race(confirm(old, staff, moment, evidence="late"), subscribe(alice, plan, moment))

    assert confirmed is True
    assert Subscription.objects.live(moment).get().pk == old.subscription_id
    assert isinstance(subscribed, SubscriptionExists | Subscription)
