import datetime as dt

import pytest

from billing_time.clock import Moment
from payments.models import Payment
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

CHECKOUT = "/api/payments/create-checkout-session"
ASKED = {"plan_name": "pro", "amount": "990.00"}


def test_it_asks_for_the_price_agreed(as_alice, subscription):
    answer = as_alice.post(CHECKOUT, ASKED)

    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["amount"], body["currency"]) == ("pending", "990.00", "RUB")
    assert (body["unit_price"], body["duration"], body["interval"]) == ("990.00", 1, "month")
    assert body["subscription_id"] == subscription.pk


def test_a_payment_expires_after_14_days(as_alice, subscription):
    body = as_alice.post(CHECKOUT, ASKED).json()
    created, expires = (dt.datetime.fromisoformat(body[name]) for name in ("created_at", "expires_at"))

    assert expires - created == dt.timedelta(days=14)


def test_without_a_subscription_a_pending_one_is_made_with_it(as_alice, alice, plan):
    body = as_alice.post(CHECKOUT, ASKED | {"amount": "1980.00", "duration": 2}).json()
    subscription = Subscription.objects.get(user=alice)

    assert body["subscription_id"] == subscription.pk
    assert (subscription.status, subscription.duration) == ("pending", 2)


def test_asking_again_on_the_same_terms_answers_with_the_payment_that_waits(as_alice, subscription):
    first = as_alice.post(CHECKOUT, ASKED)
    again = as_alice.post(CHECKOUT, ASKED | {"subscription_id": subscription.pk, "currency": "RUB"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


def test_asking_on_other_terms_cancels_the_one_that_waits(as_alice, subscription):
    first = as_alice.post(CHECKOUT, ASKED).json()
    other = as_alice.post(CHECKOUT, ASKED | {"amount": "2970.00", "duration": 3})

    assert other.status_code == 201
    assert as_alice.get(f"/api/payments/{first['id']}").json()["status"] == "canceled"
    assert Payment.objects.filter(status="pending").count() == 1


def test_an_expired_payment_is_replaced_by_a_new_one(as_alice, subscription):
    old = PaymentFactory(subscription=subscription)
    Payment.objects.update(expires_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    new = as_alice.post(CHECKOUT, ASKED)

    assert new.status_code == 201
    old.refresh_from_db()
    assert old.status == "expired"


@pytest.mark.parametrize("amount", ["989.99", "990.01", "1980.00", "0.01"])
def test_no_price_is_taken_from_a_client(as_alice, subscription, amount):
    answer = as_alice.post(CHECKOUT, ASKED | {"amount": amount})

    assert answer.status_code == 409
    assert answer.json()["code"] == "amount_mismatch"
    assert answer.json()["amount"] == "990.00"
    assert not Payment.objects.exists()


def test_another_currency_than_agreed_is_refused(as_alice, subscription):
    answer = as_alice.post(CHECKOUT, ASKED | {"currency": "EUR"})

    assert answer.json()["code"] == "currency_mismatch"
    assert not Payment.objects.exists()


def test_the_price_agreed_holds_when_the_plan_s_price_changes(as_alice, plan, subscription):
    plan.price = 1500
    plan.save()

    assert as_alice.post(CHECKOUT, ASKED).status_code == 201


def test_a_live_subscription_can_be_paid_though_its_plan_is_not_sold_any_more(as_alice, plan, subscription):
    plan.is_active = False
    plan.save()

    assert as_alice.post(CHECKOUT, ASKED).status_code == 201


def test_a_plan_that_is_not_sold_makes_no_subscription(as_alice, plan):
    plan.is_active = False
    plan.save()
    answer = as_alice.post(CHECKOUT, ASKED)

    assert answer.json()["code"] == "plan_not_available"
    assert not Subscription.objects.exists()


def test_payments_are_asked_for_live_subscriptions_only(as_alice, subscription, moment):
    subscription.cancel(moment, now=True)
    answer = as_alice.post(CHECKOUT, ASKED | {"subscription_id": subscription.pk})

    assert answer.json()["code"] == "subscription_not_live"
    assert not Payment.objects.exists()


def test_a_subscription_that_ended_by_its_date_is_not_live_though_nobody_wrote_it_down(as_alice, alice, plan):
    long_ago = Moment.of(dt.datetime.now(dt.UTC) - dt.timedelta(days=60))
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=long_ago)
    answer = as_alice.post(CHECKOUT, ASKED | {"subscription_id": subscription.pk})

    assert answer.json()["code"] == "subscription_not_live"


def test_whoever_comes_back_subscribes_anew_at_today_s_price(as_alice, alice, plan):
    long_ago = Moment.of(dt.datetime.now(dt.UTC) - dt.timedelta(days=60))
    old = SubscriptionFactory(user=alice, plan=plan, moment=long_ago)
    plan.price = 1500
    plan.save()
    body = as_alice.post(CHECKOUT, ASKED | {"amount": "1500.00"}).json()

    assert body["subscription_id"] != old.pk


def test_a_coverage_over_ten_years_ahead_is_not_sold(as_alice, alice, moment):
    plan = PlanFactory(name="year", interval="year", grace_days=0)
    SubscriptionFactory(user=alice, plan=plan)
    answer = as_alice.post(CHECKOUT, {"plan_name": "year", "amount": "10890.00", "duration": 11})

    assert answer.status_code == 409
    assert answer.json()["code"] == "too_far_ahead"
    assert as_alice.post(CHECKOUT, {"plan_name": "year", "amount": "9900.00", "duration": 10}).status_code == 201


def test_another_user_s_subscription_is_like_one_that_does_not_exist(as_bob, subscription):
    theirs = as_bob.post(CHECKOUT, ASKED | {"subscription_id": subscription.pk})
    nobody_s = as_bob.post(CHECKOUT, ASKED | {"subscription_id": 999999})

    assert theirs.status_code == nobody_s.status_code == 404
    same = [{key: value for key, value in a.json().items() if key != "request_id"} for a in (theirs, nobody_s)]
    assert same[0] == same[1]
    assert not Payment.objects.exists()


@pytest.mark.parametrize("user_id", [1, 999999])
def test_a_customer_pays_for_themself_alone(as_bob, subscription, user_id):
    user_id = subscription.user_id if user_id == 1 else user_id
    assert as_bob.post(CHECKOUT, ASKED | {"user_id": user_id}).status_code == 403
    assert not Payment.objects.exists()


def test_staff_check_out_for_a_user(as_staff, alice, subscription):
    body = as_staff.post(CHECKOUT, ASKED | {"user_id": alice.pk}).json()

    assert (body["user_id"], body["subscription_id"]) == (alice.pk, subscription.pk)


def test_staff_who_name_only_the_subscription_act_for_its_owner(as_staff, alice, subscription):
    body = as_staff.post(CHECKOUT, ASKED | {"subscription_id": subscription.pk}).json()

    assert body["user_id"] == alice.pk


def test_staff_learn_that_there_is_no_such_user(as_staff, plan):
    answer = as_staff.post(CHECKOUT, ASKED | {"user_id": 999999})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "user_id"


def test_a_subscription_must_be_the_user_s_and_the_plan_s(as_staff, bob, subscription):
    PlanFactory(name="other")
    named = {"subscription_id": subscription.pk}

    assert as_staff.post(CHECKOUT, ASKED | named | {"user_id": bob.pk}).status_code == 400
    assert as_staff.post(CHECKOUT, ASKED | named | {"plan_name": "other"}).status_code == 400
    assert not Payment.objects.exists()


# --- Giving a payment up


def test_a_pending_payment_can_be_canceled_by_its_owner_and_by_staff(as_alice, as_staff, payment):
    answer = as_alice.post(f"/api/payments/{payment.pk}/cancel")
    again = as_staff.post(f"/api/payments/{payment.pk}/cancel")

    assert (answer.status_code, again.status_code) == (200, 200)
    assert answer.json()["status"] == again.json()["status"] == "canceled"


def test_another_user_s_payment_is_not_canceled(as_bob, payment):
    assert as_bob.post(f"/api/payments/{payment.pk}/cancel").status_code == 404
    payment.refresh_from_db()
    assert payment.status == "pending"


def test_a_confirmed_payment_is_not_canceled(as_alice, as_staff, payment):
    as_staff.post("/api/payments/confirm-payment", {"payment_id": payment.pk})
    answer = as_alice.post(f"/api/payments/{payment.pk}/cancel")

    assert answer.status_code == 409
    assert answer.json()["code"] == "payment_not_pending"
    assert as_alice.get(f"/api/payments/{payment.pk}").json()["status"] == "confirmed"
