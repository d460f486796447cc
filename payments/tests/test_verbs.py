"""Each verb from each state: what the table of steps allows is done, a repeat changes nothing, all else is refused."""

import datetime as dt

import pytest

from payments.checkout import Order, check_out
from payments.endings import cancel_and_refund
from payments.grants import grant
from payments.models import Payment
from payments.states import PAYMENT, Status
from payments.tests.factories import PaymentFactory
from payments.tests.paying import at, confirm, fresh, paid, refund, reverse
from subscriptions.states import LIVE, SUBSCRIPTION
from subscriptions.states import Status as SubscriptionStatus
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.ledger import nothing_changes, refused

START, LATE = at("2027-01-10"), at("2027-01-26")


@pytest.fixture
def rows(alice, staff):
    """Return a payment brought into a state by the verb that leads there, and the moment at which it is in it."""

    def bring(state):
        subscription = SubscriptionFactory(user=alice, plan=PlanFactory(), moment=START)
        payment = PaymentFactory(subscription=subscription, moment=START)
        if state in ("confirmed", "refunded", "reversed"):
            confirm(payment, staff, START, evidence="E-1")
        act = {"refunded": refund, "reversed": reverse}.get(state)
        if act:
            act(payment, staff, START)
        if state == "canceled":
            payment.cancel(START)
        return fresh(payment), LATE if state == "expired" else START

    return bring


REFUSED = "transition_not_allowed"
VERBS = {
    "confirm": (
        Status.CONFIRMED,
        lambda payment, staff, moment: confirm(payment, staff, moment),
        "payment_not_pending",
    ),
    "confirm late": (
        Status.CONFIRMED,
        lambda payment, staff, moment: confirm(payment, staff, moment, evidence="E-1" if payment.receipt else "E-2"),
        None,
    ),
    "cancel": (Status.CANCELED, lambda payment, staff, moment: payment.cancel(moment), "payment_not_pending"),
    "refund": (Status.REFUNDED, lambda payment, staff, moment: refund(payment, staff, moment)[1], REFUSED),
    "reverse": (Status.REVERSED, lambda payment, staff, moment: reverse(payment, staff, moment), REFUSED),
}
REPEATS = {
    ("confirm", "confirmed"),
    ("confirm", "refunded"),
    ("confirm late", "confirmed"),
    ("confirm late", "refunded"),
    ("cancel", "canceled"),
    ("reverse", "reversed"),
}
# Money that is late needs evidence, and of what was given back whole nothing is left.
OTHERWISE = {
    ("confirm", "canceled"): "payment_not_pending",
    ("confirm", "expired"): "payment_not_pending",
    ("confirm", "reversed"): "payment_not_pending",
    ("refund", "refunded"): "refund_exceeds_payment",
}


@pytest.mark.parametrize("state", Status)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_of_a_payment_follows_the_table(rows, staff, verb, state):
    payment, moment = rows(state)
    target, act, code = VERBS[verb]
    code = OTHERWISE.get((verb, state), code)
    if (verb, state) in REPEATS:
        with nothing_changes():
            assert act(payment, staff, moment) is False
    elif PAYMENT.allows(state, target) and (verb, state) not in OTHERWISE:
        assert act(payment, staff, moment) is True
        assert fresh(payment).status == target
    else:
        with refused(code):
            act(payment, staff, moment)


@pytest.fixture
def subscribed(alice, staff):
    """Return a subscription brought into a state, and the moment at which it is in it."""

    def bring(state):
        plan = PlanFactory(trial_days=5 if state == "trialing" else 0)
        subscription = SubscriptionFactory(user=alice, plan=plan, moment=START)
        if state in ("active", "past_due"):
            paid(subscription, staff, START)
        if state == "canceled":
            subscription.cancel(START, now=True)
        moments = {"past_due": at("2027-02-11"), "expired": LATE}
        return fresh(subscription), moments.get(state, START)

    return bring


def asked(subscription, moment):
    order = Order(plan=subscription.plan, amount=subscription.unit_price)
    return check_out(subscription.user, order, moment, subscription=subscription)[1]


OF_SUBSCRIPTIONS = {
    "cancel now": (lambda row, staff, moment: row.cancel(moment, now=True), ["pending", "trialing", "past_due"]),
    "cancel and forfeit": (
        lambda row, staff, moment: row.cancel(moment, now=True, forfeit=True),
        ["pending", "trialing", "active", "past_due"],
    ),
    "cancel at the end": (lambda row, staff, moment: row.cancel(moment, now=False), list(LIVE)),
    "cancel and refund": (
        lambda row, staff, moment: cancel_and_refund(row, "", by=staff, moment=moment),
        ["active", "past_due"],
    ),
    "resume": (lambda row, staff, moment: row.resume(moment), []),
    "grant": (lambda row, staff, moment: bool(grant(row, 7, "Sorry", by=staff, moment=moment)), list(LIVE)),
    "check out": (lambda row, staff, moment: asked(row, moment), list(LIVE)),
}
CODES = {"grant": "subscription_not_live", "check out": "subscription_not_live"}


@pytest.mark.parametrize("state", SubscriptionStatus)
@pytest.mark.parametrize("verb", OF_SUBSCRIPTIONS)
def test_a_verb_of_a_subscription_follows_the_table(subscribed, staff, verb, state):
    row, moment = subscribed(state)
    act, allowed = OF_SUBSCRIPTIONS[verb]
    assert row.status_at(moment) == state
    if state in allowed:
        assert act(row, staff, moment) is True
        now = fresh(row).status
        assert now == row.status_at(moment) or SUBSCRIPTION.allows(state, now)
    elif verb.startswith("cancel") and state == "canceled":
        with nothing_changes():
            assert act(row, staff, moment) is False
    else:
        code = CODES.get(verb, "transition_not_allowed")
        if verb == "cancel and refund" and state in ("pending", "trialing"):
            code = "refund_exceeds_payment"
        with refused(code):
            act(row, staff, moment)


def test_what_is_to_end_is_resumed_once(subscribed, staff):
    row, moment = subscribed("active")
    row.cancel(moment, now=False)
    assert (fresh(row).cancel_at, fresh(row).access_until) == (row.covered_until, row.access_until)
    row.resume(moment)
    assert fresh(row).cancel_at is None
    assert fresh(row).access_until == row.access_until > dt.datetime(2027, 2, 10, tzinfo=dt.UTC)
    with refused("transition_not_allowed"):
        row.resume(moment)


def test_canceling_again_changes_nothing(subscribed, staff):
    row, moment = subscribed("active")
    assert row.cancel(moment, now=False) is True
    with nothing_changes():
        assert row.cancel(moment, now=False) is False
    assert Payment.objects.get().status == "confirmed"
