"""Ids, amounts, durations and days in bodies: taken for what they are in JSON, and nothing is coerced."""

import json

import pytest

from payments.models import Payment
from subscriptions.models import Subscription

CHECKOUT, CONFIRM, SUBSCRIBE = (
    "/api/payments/create-checkout-session",
    "/api/payments/confirm-payment",
    "/api/subscriptions/",
)


def body(**literals: str) -> bytes:
    """Return a JSON object of these literals, as they are written."""
    return b"{" + b", ".join(f'"{name}": {literal}'.encode() for name, literal in literals.items()) + b"}"


def quoted(*texts: str) -> list[str]:
    return [json.dumps(text) for text in texts]


def fields(answer) -> set[str]:
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    return {error["field"] for error in answer.json()["errors"]}


NO_INTEGERS = ["true", "false", "null", "1.0", "1.5", "1e0", "1E2", "1e400", "-0.0", "{}", "[]", "[1]", '{"id": 1}']
NO_INTEGERS += quoted("1", " 1 ", "1 ", "+1", "1_0", "1.0", "", "one", "0x1", "\u0661", "\u0967", "\uff11", "\u00b2")
NO_IDS = [*NO_INTEGERS, "0", "-0", "-1", str(2**63), str(2**64), "9" * 40, "9" * 41, "9" * 5_000]


@pytest.mark.parametrize("literal", NO_IDS)
def test_an_id_is_a_positive_json_integer_below_2_to_63(as_staff, payment, literal):
    plan = '"pro"'
    answers = [as_staff.post(CONFIRM, body(payment_id=literal))]
    answers += [as_staff.post(SUBSCRIBE, body(plan_name=plan, user_id=literal))]
    for name in ("user_id", "subscription_id"):
        answers += [as_staff.post(CHECKOUT, body(plan_name=plan, amount='"990.00"', **{name: literal}))]
    if len(literal) > 40:
        assert [fields(answer) for answer in answers] == [{""}] * 4
    else:
        assert [fields(answer) for answer in answers] == [{"payment_id"}, {"user_id"}, {"user_id"}, {"subscription_id"}]
    assert list(Payment.objects.values_list("pk", "status")) == [(payment.pk, "pending")]
    assert Subscription.objects.count() == 1


def test_the_largest_id_is_looked_for(as_staff, plan):
    largest = 2**63 - 1
    assert as_staff.post(CONFIRM, {"payment_id": largest}).status_code == 404
    assert fields(as_staff.post(SUBSCRIBE, {"plan_name": "pro", "user_id": largest})) == {"user_id"}
    order = {"plan_name": "pro", "amount": "990.00", "subscription_id": largest}
    assert as_staff.post(CHECKOUT, order).status_code == 404
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("literal", [*NO_INTEGERS, "0", "-1", "121", "100000000", str(10**39), "9" * 5_000])
@pytest.mark.parametrize("path", [SUBSCRIBE, CHECKOUT])
def test_a_duration_is_a_json_integer_from_1_to_120(as_alice, plan, path, literal):
    order = {"plan_name": '"pro"', "duration": literal} | ({"amount": '"990.00"'} if path == CHECKOUT else {})
    assert fields(as_alice.post(path, body(**order))) in ({"duration"}, {""})
    assert not Subscription.objects.exists()
    assert as_alice.post(path, body(**order | {"duration": "1"})).status_code == 201


@pytest.mark.parametrize("duration", [1, 2, 120])
def test_a_duration_in_bounds_is_taken(as_alice, plan, duration):
    answer = as_alice.post(SUBSCRIBE, {"plan_name": "pro", "duration": duration})
    assert (answer.status_code, answer.json()["duration"]) == (201, duration)


@pytest.mark.parametrize("literal", ['"990.00"', '"990.0"', '"990"', "990", "990.0", "990.00", "990.000", "99.0e1"])
def test_an_amount_is_a_string_or_a_number_that_is_exact_at_two_places(as_alice, plan, literal):
    answer = as_alice.post(CHECKOUT, body(plan_name='"pro"', amount=literal))
    assert (answer.status_code, answer.json()["amount"]) == (201, "990.00")


NO_AMOUNTS = quoted(
    "1_000", "\u0661\u0662", "\uff19\uff19\uff10", "+5", "+990.00", " 5 ", "990.00 ", " 990.00", "990.00\n", "1e2", "1E2",
    "9.9e2", "-0", "-0.00", "-990.00", "0", "0.00", "0.001", "0.009", "990.000", "990.001", "NaN", "nan", "sNaN", "Infinity",
    "-inf", "1e1000000", "1e-1000000", "", " ", ".5", "5.", "0990.00", "00", "990,00", "1,000.00", "1 000", "990.00 RUB",
    "₽990", "0x10", "1000000000000", "1000000000000.00", "9" * 30, "9" * 5_000, "null", "990.00\u200b", "−5",
)  # fmt: skip
NO_AMOUNTS += [
    "0",
    "0.0",
    "-0",
    "-0.0",
    "-1",
    "-990.00",
    "0.001",
    "990.001",
    "990.0000000000000000000000001",
    "1e2",
    "9.9E2",
]
NO_AMOUNTS += ["1e400", "1e-400", "1000000000000", "999999999999.999", str(10**39), "true", "false", "null", "[]", "{}"]
NO_AMOUNTS += ["[990]", '{"amount": "990.00"}', '["990.00"]', "0e999999", "1e999999", "1e-999999"]


@pytest.mark.parametrize("literal", NO_AMOUNTS)
def test_no_other_amount_is_taken(as_alice, plan, literal):
    assert fields(as_alice.post(CHECKOUT, body(plan_name='"pro"', amount=literal))) == {"amount"}
    assert not Subscription.objects.exists()
    assert not Payment.objects.exists()


@pytest.mark.parametrize("literal", NO_AMOUNTS)
def test_nor_when_it_is_confirmed(as_staff, payment, literal):
    assert fields(as_staff.post(CONFIRM, body(payment_id=str(payment.pk), amount=literal))) == {"amount"}
    payment.refresh_from_db()
    assert payment.status == "pending"


@pytest.mark.parametrize(
    "literal", ['"0.01"', "0.01", "1", '"999999999999.99"', "999999999999.99", '"989.99"', "990.01"]
)
def test_another_amount_in_bounds_is_a_mismatch(as_alice, plan, literal):
    answer = as_alice.post(CHECKOUT, body(plan_name='"pro"', amount=literal))
    assert (answer.status_code, answer.json()["code"]) == (409, "amount_mismatch")
    assert not Payment.objects.exists()


NO_DAYS = quoted(
    "2026-1-1", "2026-02-29", "2026-13-01", "20260101", "2026-W01-1", "2026-01-01T00:00:00Z", "01.01.2026", ""
)
NO_DAYS += quoted(
    " 2026-01-01", "2026-01-01\n", "-2026-01-01", "0000-01-01", "9999-12-31", "\u0662\u0660\u0662\u0666-01-01"
)
NO_DAYS += ["20260101", "null", "true", "{}", "[]", "1.5"]


@pytest.mark.parametrize("literal", NO_DAYS)
def test_a_day_is_four_digits_two_and_two_and_not_later_than_tomorrow(as_staff, payment, literal):
    assert fields(as_staff.post(CONFIRM, body(payment_id=str(payment.pk), received_on=literal))) == {"received_on"}
    payment.refresh_from_db()
    assert payment.status == "pending"


@pytest.mark.parametrize("literal", ["1", "true", "{}", "[]", "null", *quoted("RU", "RUBL", "")])
def test_a_currency_is_a_string_of_three(as_alice, plan, literal):
    answer = as_alice.post(CHECKOUT, body(plan_name='"pro"', amount='"990.00"', currency=literal))
    assert fields(answer) == {"currency"}
    assert not Payment.objects.exists()


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_another_currency_is_a_mismatch(as_alice, plan, currency):
    answer = as_alice.post(CHECKOUT, {"plan_name": "pro", "amount": "990.00", "currency": currency})
    assert (answer.status_code, answer.json()["code"]) == (409, "currency_mismatch")
    assert not Payment.objects.exists()


NO_PLANS = [
    "null",
    "1",
    "true",
    "{}",
    "[]",
    '["pro"]',
    *quoted("", " ", "pro ", " pro", "pro\n", "Pro", "PRO", "рro", "pro\u200b"),
]
NO_PLANS += quoted("p" * 51, "p" * 10_000, "no-such-plan", "../pro", "pro/", "%70ro")


@pytest.mark.parametrize("literal", NO_PLANS)
def test_a_plan_is_named_exactly(as_alice, plan, literal):
    assert fields(as_alice.post(SUBSCRIBE, body(plan_name=literal))) == {"plan_name"}
    assert fields(as_alice.post(CHECKOUT, body(plan_name=literal, amount='"990.00"'))) == {"plan_name"}
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("name", ["user_id", "duration", "subscription_id", "currency", "provider"])
def test_null_is_not_the_same_as_not_given(as_alice, plan, name):
    order = {"plan_name": "pro", "amount": "990.00"}
    assert fields(as_alice.post(CHECKOUT, order | {name: None})) == {name}
    assert not Payment.objects.exists()
    assert as_alice.post(CHECKOUT, order).status_code == 201


@pytest.mark.parametrize("name", ["amount", "currency", "received_on", "evidence", "source", "note"])
def test_nor_when_a_payment_is_confirmed(as_staff, payment, name):
    assert fields(as_staff.post(CONFIRM, {"payment_id": payment.pk, name: None})) == {name}
    payment.refresh_from_db()
    assert payment.status == "pending"


@pytest.mark.parametrize("name", ["when", "reason", "money"])
@pytest.mark.parametrize("literal", ["null", "1", "true", "{}", "[]"])
def test_how_to_cancel_is_said_in_strings(as_alice, subscription, name, literal):
    path = f"/api/subscriptions/{subscription.user_id}/{subscription.pk}/cancel"
    assert fields(as_alice.post(path, body(**{name: literal}))) == {name}
    subscription.refresh_from_db()
    assert subscription.status == "pending"


@pytest.mark.parametrize("currency", ["rub", "РУБ", "JPY", "XYZ"])
def test_what_is_no_currency_with_two_decimals_is_refused(as_alice, subscription, currency):
    answer = as_alice.post(CHECKOUT, {"plan_name": "pro", "amount": "990.00", "currency": currency})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "currency")
    assert not Payment.objects.exists()
