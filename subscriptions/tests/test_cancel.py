import datetime as dt

import pytest

from billing_time.clock import Moment
from payments.models import Facts, Payment
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory


def path(subscription, verb="cancel"):
    return f"/api/subscriptions/{subscription.user_id}/{subscription.pk}/{verb}"


@pytest.fixture
def active(payment, staff, moment):
    """Alice's, paid today."""
    payment.confirm(Facts(), by=staff, moment=moment)
    return payment.subscription


@pytest.mark.parametrize("body", [{}, {"when": "now"}, {"when": "period_end"}])
def test_a_pending_one_ends_at_once(as_alice, payment, moment, body):
    answer = as_alice.post(path(payment.subscription), body)

    assert answer.status_code == 200
    assert answer.json()["status"] == "canceled"
    assert answer.json()["end_date"] == moment.today.isoformat()
    assert answer.json()["access_until"] is None
    assert Payment.objects.get().status == "canceled"


def test_an_active_one_ends_with_what_is_paid_and_without_grace(as_alice, active):
    body = as_alice.post(path(active), {"reason": "too dear"}).json()

    assert (body["status"], body["has_access"]) == ("active", True)
    assert body["cancel_at"] == body["covered_until"]
    assert body["access_until"] == f"{body['covered_until']}T00:00:00Z"
    active.refresh_from_db()
    assert active.cancel_reason == "too dear"
    assert active.status_at(Moment.on(active.covered_until)) == "canceled"


def test_money_confirmed_meanwhile_extends_the_term_and_the_end_moves_with_it(as_alice, as_staff, active):
    as_alice.post(path(active))
    renewal = PaymentFactory(subscription=active)
    body = as_staff.post("/api/payments/confirm-payment", {"payment_id": renewal.pk}).json()["subscription"]

    assert body["cancel_at"] == body["covered_until"] > active.covered_until.isoformat()
    assert body["access_until"] == f"{body['covered_until']}T00:00:00Z"


def test_a_customer_cannot_end_paid_days_now(as_alice, active):
    answer = as_alice.post(path(active), {"when": "now"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "transition_not_allowed"
    active.refresh_from_db()
    assert (active.status, active.cancel_at) == ("active", None)


def test_staff_who_end_paid_days_now_say_what_becomes_of_the_money(as_staff, active, moment):
    assert as_staff.post(path(active), {"when": "now"}).status_code == 400
    body = as_staff.post(path(active), {"when": "now", "money": "forfeit"}).json()

    assert (body["status"], body["has_access"], body["end_date"]) == ("canceled", False, moment.today.isoformat())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"money": "forfeit"}, 400),
        ({"when": "now", "money": "forfeit"}, 409),
        ({"when": "now", "money": "refund"}, 409),
    ],
)
def test_customers_do_not_say_what_becomes_of_the_money(as_alice, active, body, status):
    assert as_alice.post(path(active), body).status_code == status
    active.refresh_from_db()
    assert (active.status, active.cancel_at) == ("active", None)


def test_a_trial_ends_at_its_end_or_now(as_alice, as_bob, alice, bob, moment):
    plan = PlanFactory(trial_days=7)
    hers, his = (SubscriptionFactory(user=user, plan=plan) for user in (alice, bob))
    at_end = as_alice.post(path(hers)).json()
    now = as_bob.post(path(his), {"when": "now"}).json()

    assert (at_end["status"], at_end["cancel_at"]) == ("trialing", at_end["trial_end"])
    assert (now["status"], now["end_date"]) == ("canceled", moment.today.isoformat())


def test_one_in_grace_ends_at_once(as_alice, alice, plan, staff, moment):
    begin = Moment.of(moment.now - dt.timedelta(days=32))
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=begin)
    PaymentFactory(subscription=subscription, moment=begin).confirm(Facts(), by=staff, moment=begin)
    assert as_alice.get(f"/api/subscriptions/{alice.pk}/{subscription.pk}").json()["status"] == "past_due"

    assert as_alice.post(path(subscription)).json()["status"] == "canceled"


@pytest.mark.parametrize("body", [{}, {"when": "now"}])
def test_a_second_cancel_changes_nothing(as_alice, subscription, body):
    first = as_alice.post(path(subscription), body).json()
    again = as_alice.post(path(subscription), body)

    assert again.status_code == 200
    assert again.json() == first


def test_what_has_expired_cannot_be_canceled(as_alice, alice, plan, moment):
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=Moment.of(moment.now - dt.timedelta(days=15)))
    answer = as_alice.post(path(subscription))

    assert answer.status_code == 409
    assert answer.json()["code"] == "transition_not_allowed"


def test_another_user_s_is_like_one_that_does_not_exist(as_bob, subscription):
    assert as_bob.post(path(subscription)).status_code == 404
    assert as_bob.post(path(subscription, "resume")).status_code == 404
    subscription.refresh_from_db()
    assert subscription.status == "pending"


@pytest.mark.parametrize("body", [{"when": "never"}, {"when": None}, {"reason": 7}, {"money": "keep"}, {"x": 1}])
def test_a_malformed_cancel_is_refused(as_alice, subscription, body):
    assert as_alice.post(path(subscription), body).status_code == 400
    subscription.refresh_from_db()
    assert subscription.status == "pending"


def test_resume_takes_a_cancellation_back(as_alice, active):
    before = as_alice.get(f"/api/subscriptions/{active.user_id}/{active.pk}").json()
    as_alice.post(path(active))
    answer = as_alice.post(path(active, "resume"))

    assert answer.status_code == 200
    assert answer.json() == before


def test_resume_of_what_is_not_ending_is_refused(as_alice, active):
    assert as_alice.post(path(active, "resume")).json()["code"] == "transition_not_allowed"


def test_a_canceled_one_does_not_come_back(as_alice, subscription):
    as_alice.post(path(subscription))

    assert as_alice.post(path(subscription, "resume")).json()["code"] == "transition_not_allowed"
    assert as_alice.post("/api/subscriptions/", {"plan_name": "pro"}).status_code == 201
