"""The filters of the lists, each with what it includes and what it does not; anything else is 400."""

import datetime as dt

import pytest

from billing_time.clock import Moment
from payments.models import Facts, Payment
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

SUBSCRIPTIONS, PAYMENTS = "/api/subscriptions/", "/api/payments/"


def found(caller, path, **query) -> list[str]:
    """Return the plan names that a list shows, sorted."""
    answer = caller.get(f"{path}?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status_code == 200, answer.content
    return sorted(row["plan_name"] for row in answer.json()["results"])


def at(text: str) -> Moment:
    return Moment.of(dt.datetime.fromisoformat(text))


@pytest.fixture
def states(alice, bob, staff, moment) -> dict[str, Subscription]:
    """One of Alice's in each state; the plan is named for the state. Bob has one too."""
    ago = Moment.of(moment.now - dt.timedelta(days=32))
    made = {}
    for name in ("pending", "active", "ending", "canceled", "expired", "past_due", "over"):
        plan = PlanFactory(name=name, grace_days=20 if name == "past_due" else 0)
        made[name] = SubscriptionFactory(
            user=alice, plan=plan, moment=ago if name in ("expired", "past_due", "over") else moment
        )
        if name not in ("pending", "expired", "canceled"):
            payment = PaymentFactory(subscription=made[name], moment=ago)
            payment.confirm(
                Facts(evidence=f"E-{name}"), by=staff, moment=ago if name in ("past_due", "over") else moment
            )
            made[name].refresh_from_db()
    made["trialing"] = SubscriptionFactory(user=alice, plan=PlanFactory(name="trialing", trial_days=7))
    made["canceled"].cancel(moment, now=True)
    made["ending"].cancel(moment, now=False)
    SubscriptionFactory(user=bob, plan=PlanFactory(name="bobs"))
    return made


BY_STATE = {
    "pending": ["pending"],
    "active": ["active", "ending"],
    "trialing": ["trialing"],
    "canceled": ["canceled"],
    "expired": ["expired", "over"],
    "past_due": ["past_due"],
}


@pytest.mark.parametrize("state", BY_STATE)
def test_a_subscription_is_found_by_the_state_that_is_shown(as_alice, states, state):
    assert found(as_alice, SUBSCRIPTIONS, status=state) == BY_STATE[state]
    shown = as_alice.get(SUBSCRIPTIONS).json()["results"]
    assert sorted(row["plan_name"] for row in shown if row["status"] == state) == BY_STATE[state]


def test_several_states_are_separated_by_commas(as_alice, states):
    assert found(as_alice, SUBSCRIPTIONS, status="pending,trialing") == ["pending", "trialing"]
    assert len(found(as_alice, SUBSCRIPTIONS, status=",".join(BY_STATE))) == 8


def test_access_is_a_filter_of_its_own(as_alice, states):
    with_access = ["active", "ending", "past_due", "trialing"]
    assert found(as_alice, SUBSCRIPTIONS, has_access="true") == with_access
    assert found(as_alice, SUBSCRIPTIONS, has_access="false") == ["canceled", "expired", "over", "pending"]
    assert found(as_alice, SUBSCRIPTIONS, has_access="true", status="past_due,expired") == ["past_due"]


def test_the_list_of_one_user_is_what_gives_access_now(as_alice, as_staff, alice, states):
    path = f"{SUBSCRIPTIONS}{alice.pk}"
    for caller in (as_alice, as_staff):
        assert found(caller, path) == ["active", "ending", "past_due", "trialing"]
        assert found(caller, path, status="pending,expired") == ["expired", "over", "pending"]
        assert len(found(caller, path, status="all")) == 8
    newest_first = [row["id"] for row in as_alice.get(f"{path}?status=all").json()["results"]]
    assert newest_first == sorted(newest_first, reverse=True)


def test_it_has_room_for_two_hundred(as_alice, alice, moment):
    plans = PlanFactory.create_batch(201, trial_days=7)
    for plan in plans:
        subscription = Subscription.sold(alice, plan, 1, moment)
        subscription.begin_trial(moment)
        subscription.save()
    page = as_alice.get(f"{SUBSCRIPTIONS}{alice.pk}").json()
    assert (len(page["results"]), bool(page["next"])) == (200, True)


def test_staff_find_by_user_and_plan(as_staff, alice, bob, states):
    assert found(as_staff, SUBSCRIPTIONS, user_id=bob.pk) == ["bobs"]
    assert found(as_staff, SUBSCRIPTIONS, user_id=alice.pk, plan_name="active") == ["active"]
    assert found(as_staff, SUBSCRIPTIONS, plan_name="no-such-plan") == []
    assert found(as_staff, SUBSCRIPTIONS, user_id=2**62) == []


def test_after_includes_its_day_and_before_does_not(as_alice, states):
    end = states["active"].end_date
    later = end + dt.timedelta(days=1)
    assert "active" in found(as_alice, SUBSCRIPTIONS, ends_after=end, ends_before=later)
    assert "active" not in found(as_alice, SUBSCRIPTIONS, ends_before=end)
    assert "active" not in found(as_alice, SUBSCRIPTIONS, ends_after=later)


@pytest.fixture
def three_payments(alice, staff):
    """Created, and confirmed, a microsecond before midnight in Moscow, at midnight, and an hour after it."""
    instants = ["2026-01-30T20:59:59.999999+00:00", "2026-01-30T21:00:00+00:00", "2026-01-30T22:00:00+00:00"]
    for name, instant in zip(["before", "midnight", "after"], instants, strict=True):
        moment = at(instant)
        subscription = SubscriptionFactory(user=alice, plan=PlanFactory(name=name), moment=moment)
        day = moment.today + dt.timedelta(days=["before", "midnight", "after"].index(name))
        facts = Facts(evidence=f"Bank {name}", received_on=day)
        PaymentFactory(subscription=subscription, moment=moment).confirm(facts, by=staff, moment=moment)


@pytest.mark.parametrize(
    "day", ["2026-01-31", "2026-01-30T21:00:00Z", "2026-01-31T00:00:00%2B03:00", "2026-01-30T21:00:00.000000Z"]
)
@pytest.mark.parametrize(
    ("path", "since", "until"),
    [
        (SUBSCRIPTIONS, "created_after", "created_before"),
        (PAYMENTS, "created_after", "created_before"),
        (PAYMENTS, "confirmed_from", "confirmed_to"),
    ],
)
def test_a_date_means_its_midnight_in_the_billing_zone(as_alice, settings, three_payments, path, since, until, day):
    settings.BILLING_TIME_ZONE = "Europe/Moscow"
    assert found(as_alice, path, **{since: day}) == ["after", "midnight"]
    assert found(as_alice, path, **{until: day}) == ["before"]


def test_payments_are_found_by_the_day_the_money_came(as_alice, three_payments):
    assert found(as_alice, PAYMENTS, received_from="2026-01-31") == ["after", "midnight"]
    assert found(as_alice, PAYMENTS, received_to="2026-01-31") == ["before"]
    assert found(as_alice, PAYMENTS, received_from="2026-01-31", received_to="2026-02-01") == ["midnight"]


@pytest.mark.parametrize("evidence", ["Bank midnight", "bank%20%20MIDNIGHT", "%20bank midnight%20", "ｂank midnight"])
def test_evidence_is_found_however_it_is_typed(as_alice, three_payments, evidence):
    assert found(as_alice, PAYMENTS, evidence=evidence) == ["midnight"]
    assert found(as_alice, PAYMENTS, evidence=f"{evidence}x") == []


def test_a_reference_is_found_however_it_is_typed(as_alice, three_payments):
    reference = Payment.objects.get(plan_id="midnight").reference
    for typed in (reference, reference.lower(), f"{reference[:4]}%20{reference[4:]}"):
        assert found(as_alice, PAYMENTS, reference=typed) == ["midnight"]


def test_payments_are_found_by_subscription_plan_state_and_whether_they_settle(
    as_alice, as_staff, alice, payment, three_payments
):
    assert found(as_alice, PAYMENTS, subscription_id=payment.subscription_id) == ["pro"]
    assert found(as_alice, PAYMENTS, plan_name="after") == ["after"]
    assert found(as_alice, PAYMENTS, status="pending") == ["pro"]
    assert found(as_alice, PAYMENTS, status="pending,confirmed") == ["after", "before", "midnight", "pro"]
    assert found(as_alice, PAYMENTS, unapplied="true") == []
    assert len(found(as_staff, PAYMENTS, unapplied="false", user_id=alice.pk)) == 4


def test_a_payment_past_its_time_is_found_as_expired(as_alice, payment, moment):
    Payment.objects.update(expires_at=moment.now)
    assert found(as_alice, PAYMENTS, status="pending") == []
    assert found(as_alice, PAYMENTS, status="expired") == ["pro"]


IDS = [
    "0",
    "-1",
    "1.0",
    "x",
    "",
    "%201",
    "1%20",
    "01",
    "+1",
    "1e1",
    "%D9%A1",
    "true",
    str(2**63),
    "9" * 5_000,
    "%EF%BC%91",
    "1,2",
]
SIZES = ["0", "-1", "201", "1.5", "x", "", "%D9%A1", "050", "9" * 5_000]
INSTANTS = [
    "",
    "x",
    "2026-13-01",
    "2026-02-29",
    "2026-01-31T09:00:00",
    "31.01.2026",
    "now",
    "0000-01-01",
    "99999-01-01",
    "2026-01-31T25:00:00Z",
]
INSTANTS += [
    "2026-01-31T09:00:00+03:00",
    "%D9%A2026-01-31",
    "2026-01-31%20",
    "1",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00%2B12:00",
]
DAYS = [*INSTANTS, "2026-01-31T00:00:00Z", "20260131"]
WRONG = {
    "status": ["", "unknown", "PENDING", "pending,", ",", "pending,unknown", "pending%20", "all "],
    "ordering": ["", "unknown", "--id", "user", "ID", "id,created_at", "+id", "subscription__user__password", "-"],
    "page_size": SIZES,
    "user_id": IDS,
    "created_after": INSTANTS,
    "created_before": INSTANTS,
    "plan_name": ["", "p" * 201],
}
WRONG_HERE = {
    SUBSCRIPTIONS: {"has_access": ["", "1", "True", "yes"], "ends_after": DAYS, "ends_before": DAYS},
    PAYMENTS: {
        "unapplied": ["", "0", "TRUE"], "subscription_id": IDS, "received_from": DAYS, "received_to": DAYS,
        "confirmed_from": INSTANTS, "confirmed_to": INSTANTS, "reference": ["", "r" * 201], "evidence": ["", "e" * 201],
    },
}  # fmt: skip


@pytest.mark.parametrize("path", WRONG_HERE)
def test_a_parameter_that_makes_no_sense_is_400_and_named(as_alice, path):
    for name, values in (WRONG | WRONG_HERE[path]).items():
        for value in values:
            answer = as_alice.get(f"{path}?{name}={value}")
            assert answer.status_code == 400, (name, value)
            assert {error["field"] for error in answer.json()["errors"]} == {name}, value


@pytest.mark.parametrize(
    "name", ["Status", "state", "limit", "offset", "page", "format", "status__in", "user__password", "plan", ""]
)
@pytest.mark.parametrize("path", [SUBSCRIPTIONS, PAYMENTS, "/api/plans/"])
def test_an_unknown_parameter_is_400_and_named(as_alice, path, name):
    answer = as_alice.get(f"{path}?{name}=1")
    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(name, "unknown_field")]


@pytest.mark.parametrize("query", ["status=pending&status=active", "page_size=1&page_size=1", "x=1&x=2"])
def test_a_parameter_that_stands_twice_is_400(as_alice, query):
    answer = as_alice.get(f"{SUBSCRIPTIONS}?{query}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize(
    "query", ["status=unknown", "status=", "ordering=id", "has_access=true", "user_id=1", "status=all,unknown"]
)
def test_so_it_is_in_the_list_of_one_user(as_alice, query):
    assert as_alice.get(f"{SUBSCRIPTIONS}{as_alice.user.pk}?{query}").status_code == 400


def test_the_columns_of_one_list_do_not_order_the_other(as_alice):
    assert as_alice.get(f"{SUBSCRIPTIONS}?ordering=amount").status_code == 400
    assert as_alice.get(f"{PAYMENTS}?ordering=end_date").status_code == 400
