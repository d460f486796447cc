"""Money that was not received after all, or is gone again; and free time, which is undone the same way."""

import datetime as dt
from decimal import Decimal

import pytest

from payments.grants import grant
from payments.models import Allocation, Payment, Receipt, Reversal
from payments.tests.factories import PaymentFactory
from payments.tests.paying import at, confirm, fresh, later, paid, refund, reverse, told, unapplied
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.ledger import nothing_changes, refused

START = at("2027-01-10")
TEN_DAYS_ON = at("2027-01-20")
KINDS = ["mistake", "returned_by_bank"]


@pytest.fixture
def subscription(alice, plan):
    return SubscriptionFactory(user=alice, plan=plan, moment=START)


@pytest.fixture
def payment(subscription, staff):
    """Paid on 10 January for a month."""
    return paid(subscription, staff, START, evidence="E-1")


@pytest.mark.parametrize("kind", KINDS)
def test_the_payment_counts_no_more_and_the_subscription_waits_again(payment, subscription, staff, kind):
    with told() as entries:
        assert reverse(payment, staff, TEN_DAYS_ON, kind) is True

    payment, subscription = fresh(payment), fresh(subscription)
    assert (payment.status, payment.reversal_kind) == ("reversed", kind)
    assert (payment.covers_to, payment.taken_back_on) == (dt.date(2027, 1, 20), dt.date(2027, 1, 20))
    assert (subscription.status, subscription.access_until, subscription.covered_until) == ("pending", None, None)
    assert subscription.pending_until == later(TEN_DAYS_ON, days=14).now
    assert not Allocation.objects.exists()
    assert Reversal.objects.get().amount == payment.amount
    assert fresh(payment.receipt).unapplied_amount == 0
    kinds = ("allocation.deleted", "payment.reversed", "receipt.changed", "reversal.created", "subscription.pending")
    assert entries == [(kind, "Gone") for kind in kinds]


@pytest.mark.parametrize("kind", KINDS)
def test_again_for_the_same_cause_changes_nothing_and_for_another_is_refused(payment, staff, kind):
    reverse(payment, staff, TEN_DAYS_ON, kind)
    with nothing_changes():
        assert reverse(payment, staff, TEN_DAYS_ON, kind) is False
    with refused("transition_not_allowed"):
        reverse(payment, staff, TEN_DAYS_ON, KINDS[1 - KINDS.index(kind)])


def test_a_mistake_frees_the_evidence_which_confirms_it_again_for_new_days(payment, subscription, staff):
    reverse(payment, staff, TEN_DAYS_ON)
    with told() as entries:
        assert confirm(payment, staff, TEN_DAYS_ON, evidence="E-1") is True

    payment = fresh(payment)
    assert (payment.covers_from, payment.covers_to) == (dt.date(2027, 1, 20), dt.date(2027, 2, 20))
    assert (payment.status, payment.reversal_kind, payment.taken_back_on) == ("confirmed", None, None)
    assert fresh(subscription).status == "active"
    assert list(Receipt.objects.filter(evidence_key="e-1", voided_at__isnull=True)) == [payment.receipt]
    kinds = ("allocation.created", "payment.confirmed", "receipt.created", "subscription.active")
    assert entries == [(kind, "") for kind in kinds]


def test_the_evidence_of_a_mistake_may_settle_another_payment(payment, subscription, staff):
    reverse(payment, staff, TEN_DAYS_ON)
    other = PaymentFactory(subscription=fresh(subscription), moment=TEN_DAYS_ON)
    assert confirm(other, staff, TEN_DAYS_ON, evidence="E-1") is True


def test_what_the_bank_took_back_keeps_its_evidence_and_new_evidence_confirms(payment, staff):
    reverse(payment, staff, TEN_DAYS_ON, "returned_by_bank")
    with refused("payment_not_pending"):
        confirm(payment, staff, TEN_DAYS_ON)
    with refused("evidence_already_used"):
        confirm(payment, staff, TEN_DAYS_ON, evidence="E-1")
    assert confirm(payment, staff, TEN_DAYS_ON, evidence="E-2") is True


def test_days_on_which_later_ones_stand_are_kept_and_counted_once(payment, subscription, staff):
    second = paid(subscription, staff, TEN_DAYS_ON)
    reverse(payment, staff, TEN_DAYS_ON)

    kept = fresh(payment)
    assert (kept.status, kept.covers_to, kept.keeps_coverage) == ("reversed", payment.covers_to, True)
    assert (fresh(subscription).status, fresh(subscription).covered_until) == ("active", second.covers_to)

    confirm(payment, staff, TEN_DAYS_ON, evidence="E-1")
    again = fresh(payment)
    assert (again.status, again.covers_from, again.covers_to) == ("confirmed", payment.covers_from, payment.covers_to)
    assert fresh(subscription).covered_until == second.covers_to


def test_while_the_trial_runs_the_subscription_is_in_trial_again(alice, staff):
    subscription = SubscriptionFactory(user=alice, plan=PlanFactory(trial_days=14), moment=START)
    payment = paid(subscription, staff, START)
    fresh(subscription).cancel(START, now=False)
    reverse(payment, staff, TEN_DAYS_ON)

    subscription = fresh(subscription)
    assert (subscription.status, subscription.end_date) == ("trialing", subscription.trial_end)
    assert (subscription.cancel_at, fresh(payment).covers_from) == (subscription.trial_end, None)


def test_a_subscription_waits_as_long_as_the_payment_that_is_asked(payment, subscription, staff):
    waiting = PaymentFactory(subscription=fresh(subscription), moment=START)
    reverse(payment, staff, START)
    assert waiting.expires_at > later(START, days=14).now
    assert fresh(subscription).pending_until == waiting.expires_at


@pytest.mark.parametrize("end", ["expired", "canceled"])
def test_what_has_ended_stays_ended(payment, subscription, staff, end):
    moment = at("2027-04-01") if end == "expired" else TEN_DAYS_ON
    if end == "canceled":
        fresh(subscription).cancel(moment, now=True, forfeit=True)
    reverse(payment, staff, moment)
    assert (fresh(payment).status, fresh(subscription).status) == ("reversed", end)


def test_what_is_owed_is_owed_no_more_and_what_was_paid_stays(payment, staff):
    due, _new = refund(payment, staff, START, "100.00")
    gone, _new = refund(payment, staff, START, "50.00", evidence="R-1")
    reverse(payment, staff, START)

    assert (fresh(due).status, fresh(gone).status) == ("canceled", "paid")
    assert fresh(payment).refunded_amount == Decimal("50.00")


def test_unapplied_money_is_gone_with_what_was_given_back_of_it(subscription, staff):
    payment = unapplied(subscription, staff, START)
    refund(payment, staff, START, "300.00", evidence="R-1")
    reverse(payment, staff, START)

    receipt = fresh(payment.receipt)
    assert (receipt.refunded_amount, receipt.reversed_amount) == (0, receipt.amount)
    assert (fresh(payment).unapplied, fresh(payment).refunded_amount) == (False, Decimal("300.00"))


def test_unapplied_money_may_be_gone_come_again_and_be_gone_again(subscription, staff):
    payment = unapplied(subscription, staff, START)
    refund(payment, staff, START, "300.00", evidence="R-1")
    for evidence in ("late", "later"):
        reverse(payment, staff, START)
        confirm(payment, staff, START, evidence=evidence)
    assert fresh(payment).unapplied
    assert fresh(fresh(payment).receipt).unapplied_amount == payment.amount


@pytest.fixture
def shared(alice, staff):
    """Two payments of one receipt, and some of it left over."""
    first, second = (
        PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory(), moment=START), moment=START)
        for _one in range(2)
    )
    amount = first.amount * 2 + 10
    confirm(first, staff, START, evidence="both", amount=amount, accept_difference=True, note="For two")
    confirm(second, staff, START, evidence="both")
    return fresh(first), fresh(second)


def test_of_a_shared_receipt_only_the_payments_part_is_gone_until_the_last(shared, staff):
    first, second = shared
    reverse(first, staff, START)
    receipt = Receipt.objects.get()
    assert (receipt.reversed_amount, receipt.unapplied_amount, receipt.voided_at) == (first.amount, 10, None)
    with refused("evidence_already_used"):
        confirm(first, staff, START, evidence="both")

    reverse(second, staff, START)
    receipt.refresh_from_db()
    assert (receipt.reversed_amount, receipt.unapplied_amount) == (receipt.amount, 0)
    assert receipt.voided_at == START.now


def test_nobody_reverses_their_own(payment, alice):
    with refused("own_payment"):
        reverse(payment, alice, START)


def test_a_reversal_refuses_a_stale_sight(payment, staff):
    from api.expectations import Expectation
    from payments.models import ReversalOrder

    seen = Expectation.seen("another")
    with refused("precondition_failed"):
        payment.reverse(ReversalOrder(kind="mistake", reason="x"), by=staff, moment=START, expected=seen)


# --- Free time


@pytest.mark.parametrize("days", [1, 366])
def test_free_days_make_a_waiting_subscription_run(subscription, staff, days):
    with told() as entries:
        payment = grant(subscription, days, "Sorry", by=staff, moment=START)

    subscription = fresh(subscription)
    assert (payment.amount, payment.provider, payment.receipt_id, payment.status) == (0, "grant", None, "confirmed")
    assert (payment.covers_to - payment.covers_from).days == days
    assert (subscription.status, subscription.covered_until) == ("active", payment.covers_to)
    assert entries == [("payment.created", "Sorry"), ("subscription.active", "Sorry")]


def test_free_days_of_a_trial_begin_at_its_end(alice, staff):
    subscription = SubscriptionFactory(user=alice, plan=PlanFactory(trial_days=14), moment=START)
    payment = grant(subscription, 7, "Sorry", by=staff, moment=START)
    assert payment.covers_from == subscription.trial_end
    reverse(payment, staff, START)
    assert fresh(subscription).status == "trialing"


def test_free_days_move_the_end_that_was_asked_for(payment, subscription, staff):
    subscription = fresh(subscription)
    subscription.cancel(START, now=False)
    free = grant(subscription, 7, "Sorry", by=staff, moment=START)
    assert fresh(subscription).cancel_at == free.covers_to == payment.covers_to + dt.timedelta(days=7)


@pytest.mark.parametrize("end", ["expired", "canceled"])
def test_what_has_ended_is_given_nothing(payment, subscription, staff, end):
    moment = at("2027-04-01") if end == "expired" else START
    if end == "canceled":
        fresh(subscription).cancel(moment, now=True, forfeit=True)
    with refused("subscription_not_live"):
        grant(fresh(subscription), 7, "Sorry", by=staff, moment=moment)


def test_free_days_reach_ten_years_ahead_at_most(subscription, staff):
    for _year in range(9):
        grant(fresh(subscription), 366, "Sorry", by=staff, moment=START)
    with refused("too_far_ahead"):
        grant(fresh(subscription), 366, "Sorry", by=staff, moment=START)


def test_nobody_grants_themselves(subscription, alice):
    with refused("own_payment"):
        grant(subscription, 7, "Sorry", by=alice, moment=START)


def test_free_days_are_no_money(subscription, staff):
    payment = grant(subscription, 7, "Sorry", by=staff, moment=START)
    with refused("refund_exceeds_payment"):
        refund(payment, staff, START)
    with refused("transition_not_allowed"):
        reverse(payment, staff, START, "returned_by_bank")
    with nothing_changes():
        assert confirm(payment, staff, START, accept_difference=True, note="Again") is False
    with refused("confirmed_differently"):
        confirm(payment, staff, START, evidence="E-1")
    reverse(payment, staff, START)
    with refused("payment_not_pending"):
        confirm(payment, staff, START, evidence="E-1")
    assert Payment.objects.get().status == "reversed"


def test_days_that_are_over_count_again_in_grace_with_the_payment(payment, subscription, staff):
    in_grace = at("2027-02-11")
    reverse(payment, staff, in_grace)
    assert (fresh(subscription).status, fresh(payment).keeps_coverage) == ("pending", True)

    confirm(payment, staff, in_grace, evidence="E-1")
    again = fresh(subscription)
    assert (again.status_at(in_grace), again.covered_until) == ("past_due", dt.date(2027, 2, 10))
    assert again.has_access_at(in_grace)
    assert (fresh(payment).covers_from, fresh(payment).covers_to) == (payment.covers_from, payment.covers_to)


def test_once_their_grace_is_over_it_waits_for_other_money(payment, subscription, staff):
    reverse(payment, staff, at("2027-02-11"))
    confirm(payment, staff, at("2027-02-14"), evidence="E-1")

    assert (fresh(payment).status, fresh(subscription).status) == ("confirmed", "pending")
