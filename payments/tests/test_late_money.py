"""Money that comes when nobody waits for it any more: it is never refused and never lost in silence."""

import datetime as dt

from billing_time.clock import Moment
from payments.models import Payment, Receipt
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

CONFIRM = "/api/payments/confirm-payment"
LONG_AGO = Moment.of(dt.datetime.now(dt.UTC) - dt.timedelta(days=60))


def stale(user, plan):
    """Return a payment asked for two months ago, with its subscription; both have expired since."""
    return PaymentFactory(subscription=SubscriptionFactory(user=user, plan=plan, moment=LONG_AGO), moment=LONG_AGO)


def test_an_expired_payment_needs_evidence(as_staff, alice, plan):
    payment = stale(alice, plan)
    answer = as_staff.post(CONFIRM, {"payment_id": payment.pk})

    assert answer.status_code == 409
    assert answer.json()["code"] == "payment_not_pending"
    assert not Receipt.objects.exists()


def test_an_expired_payment_with_evidence_revives_its_subscription(as_staff, alice, plan, moment):
    payment = stale(alice, plan)
    body = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "late"}).json()

    assert body["payment"]["covers_from"] == moment.today.isoformat()
    assert body["subscription"]["status"] == "active"


def test_a_canceled_payment_with_evidence_is_confirmed(as_staff, as_alice, payment):
    as_alice.post(f"/api/payments/{payment.pk}/cancel")
    assert as_staff.post(CONFIRM, {"payment_id": payment.pk}).json()["code"] == "payment_not_pending"
    body = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "paid after all"}).json()

    assert (body["payment"]["status"], body["subscription"]["status"]) == ("confirmed", "active")


def test_confirming_a_replaced_payment_cancels_the_one_that_replaced_it(as_staff, as_alice, payment):
    asked = {"plan_name": "pro", "amount": "2970.00", "duration": 3}
    replacement = as_alice.post("/api/payments/create-checkout-session", asked).json()
    as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "the old one"})

    assert as_alice.get(f"/api/payments/{replacement['id']}").json()["status"] == "canceled"


def test_two_payments_for_one_subscription_both_paid_the_second_extends(as_staff, as_alice, payment):
    asked = {"plan_name": "pro", "amount": "2970.00", "duration": 3}
    replacement = as_alice.post("/api/payments/create-checkout-session", asked).json()
    second = as_staff.post(CONFIRM, {"payment_id": replacement["id"]}).json()["payment"]
    first = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "the old one"}).json()["payment"]

    assert first["covers_from"] == second["covers_to"]


def test_money_for_a_canceled_subscription_stays_unapplied(as_staff, as_alice, payment):
    subscription = payment.subscription
    as_alice.post(f"/api/subscriptions/{subscription.user_id}/{subscription.pk}/cancel", {"when": "now"})
    body = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "too late"}).json()

    assert body["payment"]["status"] == "confirmed"
    assert body["payment"]["unapplied"] is True
    assert body["payment"]["covers_from"] is None
    assert body["subscription"]["status"] == "canceled"
    assert body["could_settle"] == []
    queue = as_staff.get("/api/payments/?unapplied=true").json()["results"]
    assert [row["id"] for row in queue] == [payment.pk]


def test_a_newer_subscription_that_nobody_paid_for_makes_room(as_staff, alice, plan):
    payment = stale(alice, plan)
    newer = SubscriptionFactory(user=alice, plan=plan)
    waiting = PaymentFactory(subscription=newer)
    body = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "late"}).json()

    assert body["subscription"]["id"] == payment.subscription_id
    assert body["subscription"]["status"] == "active"
    assert Subscription.objects.get(pk=newer.pk).status == "canceled"
    assert Payment.objects.get(pk=waiting.pk).status == "canceled"


def test_a_newer_subscription_that_was_paid_displaces_the_old_one(as_staff, alice, plan):
    payment = stale(alice, plan)
    newer = SubscriptionFactory(user=alice, plan=plan)
    as_staff.post(CONFIRM, {"payment_id": PaymentFactory(subscription=newer).pk})
    renewal = PaymentFactory(subscription=newer)
    body = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "late"}).json()

    assert body["payment"]["unapplied"] is True
    assert body["subscription"]["status"] == "expired"
    assert body["could_settle"] == [renewal.pk]


def test_a_newer_subscription_in_trial_displaces_the_old_one(as_staff, alice):
    plan = PlanFactory(name="tried")
    payment = stale(alice, plan)
    plan.trial_days = 7
    plan.save()
    newer = SubscriptionFactory(user=alice, plan=plan)
    assert newer.status == "trialing"

    body = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "late"}).json()
    assert body["payment"]["unapplied"] is True


def test_unapplied_money_confirmed_again_says_so(as_staff, as_alice, payment):
    subscription = payment.subscription
    as_alice.post(f"/api/subscriptions/{subscription.user_id}/{subscription.pk}/cancel", {"when": "now"})
    as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "too late"})
    again = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "TOO  LATE"}).json()

    assert again["already_confirmed"] is True
    assert again["could_settle"] == []
