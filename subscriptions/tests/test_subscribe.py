import datetime as dt

import pytest

from billing_time.clock import Moment
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

SUBSCRIBE = "/api/subscriptions/"


def test_a_subscription_waits_for_its_payment_and_shows_the_forecast(as_alice, alice, plan, moment):
    answer = as_alice.post(SUBSCRIBE, {"plan_name": "pro"})

    assert answer.status_code == 201
    body = answer.json()
    assert (body["user_id"], body["plan_name"], body["status"]) == (alice.pk, "pro", "pending")
    assert (body["has_access"], body["access_until"], body["covered_until"]) == (False, None, None)
    assert body["start_date"] == moment.today.isoformat()
    assert body["end_date"] > body["start_date"]


def test_the_forecast_of_a_pending_one_moves_with_the_day(as_alice, alice, plan, moment):
    yesterday = Moment.of(moment.now - dt.timedelta(days=1))
    subscription = SubscriptionFactory(user=alice, plan=plan, moment=yesterday)
    body = as_alice.get(f"/api/subscriptions/{alice.pk}/{subscription.pk}").json()

    assert body["start_date"] == moment.today.isoformat()


def test_it_is_sold_with_the_terms_of_today(as_alice, plan):
    body = as_alice.post(SUBSCRIBE, {"plan_name": "pro", "duration": 3}).json()

    assert (body["unit_price"], body["currency"], body["grace_days"], body["duration"]) == ("990.00", "RUB", 3, 3)


def test_a_trial_runs_at_once(as_alice, moment):
    PlanFactory(name="tried", trial_days=7)
    body = as_alice.post(SUBSCRIBE, {"plan_name": "tried"}).json()
    end = (moment.today + dt.timedelta(days=7)).isoformat()

    assert (body["status"], body["has_access"]) == ("trialing", True)
    assert (body["start_date"], body["end_date"], body["trial_end"]) == (moment.today.isoformat(), end, end)
    assert body["access_until"] == f"{end}T00:00:00Z"


def test_a_trial_is_had_once_per_user_and_plan(as_alice, as_bob, alice, moment):
    PlanFactory(name="tried", trial_days=7)
    first = as_alice.post(SUBSCRIBE, {"plan_name": "tried"}).json()
    as_alice.post(f"/api/subscriptions/{alice.pk}/{first['id']}/cancel", {"when": "now"})

    assert as_alice.post(SUBSCRIBE, {"plan_name": "tried"}).json()["status"] == "pending"
    assert as_bob.post(SUBSCRIBE, {"plan_name": "tried"}).json()["status"] == "trialing"


def test_a_second_live_one_for_the_plan_is_refused_and_named(as_alice, subscription):
    answer = as_alice.post(SUBSCRIBE, {"plan_name": "pro"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "subscription_exists"
    assert answer.json()["subscription_id"] == subscription.pk
    assert Subscription.objects.count() == 1


def test_another_plan_is_another_subscription(as_alice, subscription):
    PlanFactory(name="other")
    assert as_alice.post(SUBSCRIBE, {"plan_name": "other"}).status_code == 201


def test_one_that_ended_by_its_date_is_not_in_the_way_though_nobody_wrote_it_down(as_alice, alice, plan, moment):
    old = SubscriptionFactory(user=alice, plan=plan, moment=Moment.of(moment.now - dt.timedelta(days=15)))
    assert as_alice.post(SUBSCRIBE, {"plan_name": "pro"}).status_code == 201
    old.refresh_from_db()
    assert old.status == "expired"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"plan_name": "unknown"},
        {"plan_name": " pro"},
        {"plan_name": None},
        {"plan_name": 7},
        {"plan_name": "pro", "duration": 0},
        {"plan_name": "pro", "duration": 121},
        {"plan_name": "pro", "duration": None},
        {"plan_name": "pro", "status": "active"},
        {"plan_name": "pro", "user_id": "1"},
    ],
)
def test_a_malformed_wish_is_refused(as_alice, plan, body):
    assert as_alice.post(SUBSCRIBE, body).status_code == 400
    assert not Subscription.objects.exists()


def test_a_plan_that_is_not_sold_is_refused(as_alice, plan):
    plan.is_active = False
    plan.save()
    answer = as_alice.post(SUBSCRIBE, {"plan_name": "pro"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "plan_not_available"


def test_more_than_ten_years_are_not_sold(as_alice):
    PlanFactory(name="year", interval="year", interval_count=366)
    answer = as_alice.post(SUBSCRIBE, {"plan_name": "year", "duration": 120})

    assert answer.status_code == 409
    assert answer.json()["code"] == "too_far_ahead"
    assert not Subscription.objects.exists()


def test_120_months_are_sold(as_alice, plan):
    assert as_alice.post(SUBSCRIBE, {"plan_name": "pro", "duration": 120}).status_code == 201


def test_nobody_subscribes_for_somebody_else(as_bob, alice, plan):
    assert as_bob.post(SUBSCRIBE, {"plan_name": "pro", "user_id": alice.pk}).status_code == 403
    assert as_bob.post(SUBSCRIBE, {"plan_name": "pro", "user_id": 999999}).status_code == 403
    assert not Subscription.objects.exists()


def test_staff_subscribe_any_user(as_staff, alice, plan):
    body = as_staff.post(SUBSCRIBE, {"plan_name": "pro", "user_id": alice.pk}).json()

    assert body["user_id"] == alice.pk
    assert as_staff.post(SUBSCRIBE, {"plan_name": "pro", "user_id": 999999}).status_code == 400
