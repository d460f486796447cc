"""Money given back: how much, of what, and what becomes of the days."""

import datetime as dt
from decimal import Decimal

import pytest

from api.expectations import Expectation
from payments.endings import cancel_and_refund
from payments.grants import grant
from payments.models import Facts, Payment, Refund, RefundOrder
from payments.tests.factories import PaymentFactory
from payments.tests.paying import at, confirm, fresh, later, paid, refund, reverse, told, unapplied
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.ledger import nothing_changes, refused

START = at("2027-01-10")
TEN_DAYS_ON = at("2027-01-20")


@pytest.fixture
def subscription(alice, plan):
    return SubscriptionFactory(user=alice, plan=plan, moment=START)


@pytest.fixture
def payment(subscription, staff):
    """Paid on 10 January for a month."""
    return paid(subscription, staff, START, evidence="E-1")


def test_all_of_it_takes_the_days_from_today_and_ends_the_subscription(payment, subscription, staff):
    with told() as entries:
        given, new = refund(payment, staff, TEN_DAYS_ON)

    payment, subscription = fresh(payment), fresh(subscription)
    assert new
    assert (given.amount, given.status, given.coverage) == (payment.amount, "due", "take_back")
    assert (payment.status, payment.refunded_amount) == ("refunded", payment.amount)
    assert (payment.covers_from, payment.covers_to) == (dt.date(2027, 1, 10), dt.date(2027, 1, 20))
    assert (subscription.status, subscription.cancel_reason) == ("canceled", "refunded")
    assert (subscription.end_date, subscription.access_until) == (dt.date(2027, 1, 20), None)
    assert entries == [(kind, "Asked") for kind in ("payment.refunded", "refund.created", "subscription.canceled")]


def test_on_the_day_it_began_nothing_of_the_days_is_left(payment, staff):
    refund(payment, staff, START)
    payment = fresh(payment)
    assert (payment.covers_from, payment.covers_to, payment.taken_back_on) == (None, None, dt.date(2027, 1, 10))


def test_part_of_it_keeps_the_days_and_the_payment_confirmed(payment, subscription, staff):
    with told() as entries:
        refund(payment, staff, TEN_DAYS_ON, "300.00")

    after = fresh(payment)
    assert (after.status, after.refunded_amount, after.covers_to) == ("confirmed", Decimal("300.00"), payment.covers_to)
    assert fresh(subscription).status == "active"
    assert entries == [("payment.changed", "Asked"), ("refund.created", "Asked")]


def test_part_of_it_may_take_the_days_back(payment, subscription, staff):
    refund(payment, staff, TEN_DAYS_ON, "300.00", "take_back")

    assert fresh(payment).status == "confirmed"
    assert fresh(payment).covers_to == dt.date(2027, 1, 20)
    assert fresh(subscription).status == "canceled"


def test_all_of_it_may_keep_the_days(payment, subscription, staff):
    refund(payment, staff, TEN_DAYS_ON, coverage="keep")

    assert (fresh(payment).status, fresh(payment).covers_to) == ("refunded", payment.covers_to)
    assert fresh(subscription).status == "active"


def test_the_parts_add_up_to_the_payment_and_never_to_more(payment, staff):
    refund(payment, staff, START, "300.00", "keep")
    with refused("refund_exceeds_payment"):
        refund(payment, staff, START, "690.01", "keep")
    refund(payment, staff, START, "690.00", "keep")
    assert fresh(payment).status == "refunded"
    with refused("refund_exceeds_payment"):
        refund(payment, staff, START, "0.01", "keep")
    with refused("refund_exceeds_payment"):
        refund(payment, staff, START)
    assert Refund.objects.count() == 2


def test_the_rest_takes_the_days_once_more_harmlessly(payment, staff):
    refund(payment, staff, TEN_DAYS_ON, "300.00", "take_back")
    refund(payment, staff, at("2027-01-25"))
    assert (fresh(payment).status, fresh(payment).covers_to) == ("refunded", dt.date(2027, 1, 20))


def test_what_never_came_is_not_given_back(subscription, staff):
    payment = PaymentFactory(subscription=subscription, moment=START)
    confirm(payment, staff, START, amount=Decimal("600.00"), accept_difference=True, note="Bank fee")
    with refused("refund_exceeds_payment"):
        refund(payment, staff, START, "600.01")
    given, _new = refund(payment, staff, START)
    assert given.amount == Decimal("600.00")
    assert fresh(payment).status == "refunded"


def test_days_on_which_later_ones_stand_are_not_taken(payment, subscription, staff):
    second = paid(subscription, staff, TEN_DAYS_ON)
    with refused("later_coverage"):
        refund(payment, staff, TEN_DAYS_ON)
    refund(payment, staff, TEN_DAYS_ON, coverage="keep")
    refund(second, staff, TEN_DAYS_ON)

    subscription = fresh(subscription)
    assert (fresh(second).covers_from, fresh(second).taken_back_on) == (None, dt.date(2027, 2, 10))
    assert (subscription.status, subscription.covered_until) == ("active", dt.date(2027, 2, 10))
    assert subscription.access_until == dt.datetime(2027, 2, 13, tzinfo=dt.UTC)


def test_where_it_was_to_end_at_the_periods_end_the_end_moves_back(payment, subscription, staff):
    second = paid(subscription, staff, TEN_DAYS_ON)
    fresh(subscription).cancel(TEN_DAYS_ON, now=False)
    refund(second, staff, TEN_DAYS_ON)
    assert fresh(subscription).cancel_at == dt.date(2027, 2, 10)


def test_while_the_trial_runs_the_subscription_is_in_trial_again(alice, staff):
    plan = PlanFactory(trial_days=14)
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=START)
    payment = paid(subscription, staff, START)
    refund(payment, staff, TEN_DAYS_ON)

    subscription = fresh(subscription)
    assert (subscription.status, subscription.covered_until) == ("trialing", None)
    assert subscription.end_date == subscription.trial_end == dt.date(2027, 1, 24)
    assert subscription.access_until == dt.datetime(2027, 1, 24, tzinfo=dt.UTC)


def test_in_grace_no_covered_day_is_left(payment, subscription, staff):
    refund(payment, staff, at("2027-02-11"))
    assert (fresh(payment).covers_to, fresh(payment).taken_back_on) == (payment.covers_to, None)
    assert fresh(subscription).status == "canceled"


def test_of_what_has_ended_only_money_is_given_back(payment, subscription, staff):
    fresh(subscription).cancel(TEN_DAYS_ON, now=True, forfeit=True)
    refund(payment, staff, TEN_DAYS_ON)
    assert fresh(subscription).cancel_reason == ""
    assert fresh(payment).status == "refunded"


def test_free_days_that_are_gone_leave_the_anchor_day_as_it_was(alice, staff, plan):
    moment = at("2027-01-31")
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=moment)
    paid(subscription, staff, moment)
    free = grant(fresh(subscription), 3, "Sorry", by=staff, moment=moment)
    reverse(free, staff, moment)

    assert paid(subscription, staff, moment).covers_to == dt.date(2027, 3, 31)


def test_unapplied_money_goes_back_from_its_receipt(subscription, staff):
    payment = unapplied(subscription, staff, START)
    refund(payment, staff, START, "300.00")
    assert (fresh(payment).status, fresh(payment).unapplied) == ("confirmed", True)
    assert fresh(payment.receipt).unapplied_amount == Decimal("690.00")

    refund(payment, staff, START)
    assert (fresh(payment).status, fresh(payment).unapplied) == ("refunded", False)
    assert fresh(payment.receipt).unapplied_amount == 0


def test_only_what_is_left_of_unapplied_money_could_settle_something_else(alice, subscription, staff):
    waiting = PaymentFactory(
        subscription=SubscriptionFactory(user=alice, plan=PlanFactory(), moment=START), moment=START
    )
    payment = unapplied(subscription, staff, START)
    assert Payment.objects.could_settle(payment, START) == [waiting.pk]
    refund(payment, staff, START, "1.00")
    assert Payment.objects.could_settle(fresh(payment), START) == []


def test_one_that_is_due_is_paid_once_there_is_evidence(payment, staff):
    due, _new = refund(payment, staff, START)
    with told() as entries:
        assert due.pay("R-1", by=staff, moment=START) is True
    assert (due.status, due.evidence, due.paid_at) == ("paid", "R-1", START.now)
    assert entries == [("refund.paid", "")]
    with nothing_changes():
        assert due.pay("  r-1 ", by=staff, moment=later(START, days=1)) is False
    with refused("confirmed_differently"):
        due.pay("R-2", by=staff, moment=START)


def test_one_evidence_pays_one_refund_of_a_payment(payment, staff):
    refund(payment, staff, START, "1.00", evidence="R-1")
    due, _new = refund(payment, staff, START, "1.00")
    with refused("evidence_already_used"):
        due.pay("R-1", by=staff, moment=START)


def test_what_is_not_owed_any_more_is_not_paid(payment, staff):
    due, _new = refund(payment, staff, START, "1.00")
    reverse(payment, staff, START)
    with refused("transition_not_allowed"):
        fresh(due).pay("R-1", by=staff, moment=START)


def test_with_evidence_it_is_paid_and_a_repeat_changes_nothing(payment, staff):
    given, _new = refund(payment, staff, START, "300.00", evidence="R-1")
    assert (given.status, given.paid_at) == ("paid", START.now)
    with nothing_changes():
        again, new = refund(payment, staff, later(START, days=1), "300.00", evidence=" r-1")
    assert (again.pk, new) == (given.pk, False)
    with refused("evidence_already_used"):
        refund(payment, staff, START, "301.00", evidence="R-1")


def test_a_repeat_finds_its_refund_although_nothing_is_left(payment, staff):
    given, _new = refund(payment, staff, START, evidence="R-1")
    with nothing_changes():
        assert refund(payment, staff, START, evidence="R-1") == (given, False)


def test_nobody_gives_back_to_themselves(payment, alice, staff):
    due, _new = refund(payment, staff, START, "1.00")
    with refused("own_payment"):
        refund(payment, alice, START)
    with refused("own_payment"):
        due.pay("R-1", by=alice, moment=START)


def test_a_stale_sight_is_refused_before_anything_else(payment, staff):
    seen = Expectation.seen(payment.version(START))
    order = RefundOrder(reason="Asked", amount=Decimal("1.00"))
    payment.refund(order, by=staff, moment=START, expected=seen)
    with refused("precondition_failed"):
        payment.refund(order, by=staff, moment=START, expected=seen)


# --- Canceling now with the money given back


def test_ending_now_gives_back_all_of_the_last_payment(payment, subscription, staff):
    second = paid(subscription, staff, TEN_DAYS_ON)
    with told() as entries:
        assert cancel_and_refund(fresh(subscription), "Moving", by=staff, moment=TEN_DAYS_ON) is True

    assert [fresh(one).status for one in (payment, second)] == ["confirmed", "refunded"]
    assert (fresh(subscription).status, fresh(subscription).end_date) == ("canceled", dt.date(2027, 1, 20))
    assert Refund.objects.get().amount == second.amount
    kinds = ("payment.refunded", "refund.created", "subscription.canceled")
    assert entries == [(kind, "Moving") for kind in kinds]
    with nothing_changes():
        assert cancel_and_refund(fresh(subscription), "Moving", by=staff, moment=TEN_DAYS_ON) is False


def test_ending_with_money_where_none_came_changes_nothing(subscription, staff):
    with refused("refund_exceeds_payment"):
        cancel_and_refund(subscription, "", by=staff, moment=START)


def test_nobody_ends_their_own_with_money(payment, subscription, alice):
    with refused("own_payment"):
        cancel_and_refund(fresh(subscription), "", by=alice, moment=START)


def test_money_given_back_before_a_reversal_counts_against_what_comes_again(payment, staff):
    refund(payment, staff, START, "600.00", "keep", evidence="R-1")
    reverse(payment, staff, START)
    with refused("amount_mismatch"):
        confirm(payment, staff, START, evidence="E-2", amount=Decimal("300.00"), accept_difference=True, note="Rest")
    payment = fresh(payment)
    payment.confirm(Facts(evidence="E-2"), by=staff, moment=START)
    assert (payment.status, payment.refundable_amount) == ("confirmed", Decimal("390.00"))
