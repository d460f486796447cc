import datetime as dt

import pytest

from payments.models import Allocation, Payment, Receipt
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

CONFIRM = "/api/payments/confirm-payment"


def unchanged(payment):
    """Assert that nobody has confirmed the payment."""
    payment.refresh_from_db()
    payment.subscription.refresh_from_db()
    assert payment.status == "pending"
    assert payment.subscription.status == "pending"
    assert not Receipt.objects.exists()
    assert not Allocation.objects.exists()


def test_it_activates_the_subscription_from_today(as_staff, payment, moment):
    answer = as_staff.post(CONFIRM, {"payment_id": payment.pk})

    assert answer.status_code == 200
    body = answer.json()
    assert body["already_confirmed"] is False
    assert "could_settle" not in body
    assert body["payment"]["status"] == "confirmed"
    assert body["payment"]["covers_from"] == moment.today.isoformat()
    assert body["subscription"]["status"] == "active"
    assert body["subscription"]["has_access"] is True
    assert body["subscription"]["start_date"] == moment.today.isoformat()
    assert body["subscription"]["end_date"] == body["payment"]["covers_to"]
    assert body["subscription"]["covered_until"] == body["payment"]["covers_to"]


def test_access_lasts_for_the_coverage_and_its_grace(as_staff, payment):
    body = as_staff.post(CONFIRM, {"payment_id": payment.pk}).json()

    end = dt.date.fromisoformat(body["payment"]["covers_to"])
    assert body["subscription"]["access_until"] == f"{end + dt.timedelta(days=3)}T00:00:00Z"


def test_it_makes_one_receipt_and_allocates_it_whole(as_staff, staff, payment):
    facts = {"evidence": "0117-22", "received_on": payment.created_at.date().isoformat(), "note": "by hand"}
    as_staff.post(CONFIRM, {"payment_id": payment.pk} | facts)

    receipt = Receipt.objects.get()
    assert (receipt.source, receipt.evidence, receipt.note) == ("manual", "0117-22", "by hand")
    assert (receipt.amount, receipt.currency, receipt.recorded_by) == (payment.amount, "RUB", staff)
    assert receipt.allocated_amount == receipt.amount
    assert Allocation.objects.get().payment == payment
    assert Payment.objects.get().confirmed_by == staff


def test_a_customer_confirms_nothing_and_gets_no_free_subscription(as_alice, payment):
    answer = as_alice.post(CONFIRM, {"payment_id": payment.pk})

    assert answer.status_code == 403
    unchanged(payment)


def test_a_customer_without_the_right_learns_nothing_of_which_payments_exist(as_alice):
    assert as_alice.post(CONFIRM, {"payment_id": 999}).status_code == 403


def test_nobody_confirms_their_own_payment_superusers_included(as_alice, alice, payment):
    alice.is_superuser = True
    alice.save()

    answer = as_alice.post(CONFIRM, {"payment_id": payment.pk})

    assert answer.status_code == 403
    assert answer.json()["code"] == "own_payment"
    unchanged(payment)


def test_a_payment_that_does_not_exist_is_404(as_staff):
    assert as_staff.post(CONFIRM, {"payment_id": 999}).status_code == 404


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"amount": "900.00"}, "amount_mismatch"),
        ({"amount": "990.01"}, "amount_mismatch"),
        ({"currency": "EUR"}, "currency_mismatch"),
    ],
)
def test_another_amount_or_currency_than_asked_is_refused(as_staff, payment, facts, code):
    answer = as_staff.post(CONFIRM, {"payment_id": payment.pk} | facts)

    assert answer.status_code == 409
    assert answer.json()["code"] == code
    unchanged(payment)


@pytest.mark.parametrize("amount", ["990.00", "990", 990, 990.0])
def test_the_amount_asked_is_accepted_however_it_is_written(as_staff, payment, amount):
    assert as_staff.post(CONFIRM, {"payment_id": payment.pk, "amount": amount}).status_code == 200


@pytest.mark.parametrize(
    "facts",
    [
        {"evidence": ""},
        {"evidence": "  "},
        {"evidence": 7},
        {"received_on": "2026-02-30"},
        {"received_on": "01.02.2026"},
        {"source": " "},
        {"amount": None},
        {"currency": "rub"},
        {"currency": "JPY"},
        {"currency": "РUB"},
        {"confirmed_at": "2026-01-01"},
    ],
)
def test_malformed_facts_are_refused(as_staff, payment, facts):
    answer = as_staff.post(CONFIRM, {"payment_id": payment.pk} | facts)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] in facts
    unchanged(payment)


def test_the_value_date_may_be_tomorrow_but_not_later(as_staff, payment, moment):
    tomorrow, later = (moment.today + dt.timedelta(days=days) for days in (1, 2))

    assert as_staff.post(CONFIRM, {"payment_id": payment.pk, "received_on": f"{later}"}).status_code == 400
    unchanged(payment)
    assert as_staff.post(CONFIRM, {"payment_id": payment.pk, "received_on": f"{tomorrow}"}).status_code == 200


def test_the_value_date_moves_no_day_of_coverage(as_staff, payment, moment):
    body = as_staff.post(CONFIRM, {"payment_id": payment.pk, "received_on": "2020-01-01"}).json()

    assert body["payment"]["received_on"] == "2020-01-01"
    assert body["payment"]["covers_from"] == moment.today.isoformat()


# --- Repeats


def test_the_same_facts_again_answer_already_confirmed(as_staff, payment):
    facts = {"payment_id": payment.pk, "evidence": "E-1", "amount": "990.00"}
    first = as_staff.post(CONFIRM, facts).json()
    again = as_staff.post(CONFIRM, facts)

    assert again.status_code == 200
    assert again.json() == first | {"already_confirmed": True}
    assert Receipt.objects.count() == 1


def test_facts_are_compared_as_far_as_both_give_them(as_staff, payment):
    as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "E-1"})

    assert as_staff.post(CONFIRM, {"payment_id": payment.pk}).json()["already_confirmed"] is True


def test_an_absent_fact_is_added_by_the_repeat(as_staff, payment):
    as_staff.post(CONFIRM, {"payment_id": payment.pk})
    again = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "E-1", "received_on": "2026-01-30"})

    assert again.json()["already_confirmed"] is True
    assert again.json()["payment"]["received_on"] == "2026-01-30"
    assert Receipt.objects.get().evidence == "E-1"


@pytest.mark.parametrize(
    "other",
    [
        {"evidence": "E-2"},
        {"amount": "900.00"},
        {"currency": "EUR"},
        {"source": "bank"},
        {"received_on": "2026-01-29"},
    ],
)
def test_a_different_fact_is_refused(as_staff, payment, other):
    facts = {"payment_id": payment.pk, "evidence": "E-1", "received_on": "2026-01-30"}
    first = as_staff.post(CONFIRM, facts).json()
    answer = as_staff.post(CONFIRM, facts | other)

    assert answer.status_code == 409
    assert answer.json()["code"] == "confirmed_differently"
    assert as_staff.get(f"/api/payments/{payment.pk}").json() == first["payment"]
    assert Receipt.objects.get().evidence == "E-1"


def test_evidence_is_the_same_after_folding_case_and_spaces(as_staff, payment):
    as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": " ab  12 "})

    assert as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "AB 12"}).json()["already_confirmed"] is True


# --- Evidence


def test_one_evidence_settles_one_payment(as_staff, payment, plan):
    other = PaymentFactory(subscription=SubscriptionFactory(plan=plan))
    as_staff.post(CONFIRM, {"payment_id": other.pk, "evidence": "e-1"})
    answer = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": " E-1"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "evidence_already_used"
    payment.refresh_from_db()
    assert payment.status == "pending"


def test_a_repeat_cannot_add_evidence_of_another_payment(as_staff, payment, plan):
    other = PaymentFactory(subscription=SubscriptionFactory(plan=plan))
    as_staff.post(CONFIRM, {"payment_id": other.pk, "evidence": "e-1"})
    as_staff.post(CONFIRM, {"payment_id": payment.pk})
    answer = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "E-1"})

    assert answer.json()["code"] == "evidence_already_used"


def test_the_same_evidence_of_another_source_is_another_evidence(as_staff, payment, plan):
    other = PaymentFactory(subscription=SubscriptionFactory(plan=plan))
    as_staff.post(CONFIRM, {"payment_id": other.pk, "evidence": "1", "source": "bank a"})

    answer = as_staff.post(CONFIRM, {"payment_id": payment.pk, "evidence": "1", "source": "bank b"})
    assert answer.status_code == 200


# --- Terms


def test_what_was_agreed_holds_when_the_plan_has_another_price_by_now(as_staff, as_alice, plan, subscription):
    plan.price, plan.grace_days = 1200, 1
    plan.save()
    asked = as_alice.post("/api/payments/create-checkout-session", {"plan_name": "pro", "amount": "990.00"})
    plan.price = 1500
    plan.save()
    body = as_staff.post(CONFIRM, {"payment_id": asked.json()["id"]}).json()

    assert body["payment"]["amount"] == "990.00"
    assert body["subscription"]["grace_days"] == 3


def test_the_payment_s_own_duration_counts(as_staff, subscription, moment):
    payment = PaymentFactory(subscription=subscription, duration=12)
    body = as_staff.post(CONFIRM, {"payment_id": payment.pk}).json()

    assert int(body["payment"]["covers_to"][:4]) == moment.today.year + 1


def test_money_that_would_reach_over_ten_years_ahead_stays_unapplied(as_staff, alice, moment):
    plan = PlanFactory(name="decade", interval="year", interval_count=9, grace_days=0)
    subscription = SubscriptionFactory(user=alice, plan=plan)
    first = PaymentFactory(subscription=subscription)
    assert first.cancel(moment)
    second = PaymentFactory(subscription=subscription)
    as_staff.post(CONFIRM, {"payment_id": second.pk})
    body = as_staff.post(CONFIRM, {"payment_id": first.pk, "evidence": "E-1"}).json()

    assert body["payment"]["unapplied"] is True
    assert body["payment"]["covers_from"] is None
    assert body["could_settle"] == []
    assert Receipt.objects.get(evidence="E-1").allocated_amount == 0
