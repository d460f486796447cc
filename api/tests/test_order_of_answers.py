"""Where several answers apply, the contract says which one is given: each against the one after it, and all after."""

import pytest

from accounts.models import User

# Each step is one thing wrong with a request, from the first answer to the last.
STEPS = {
    404: {"path": "/api/no-such-route"},
    406: {"Accept": "application/xml"},
    405: {"method": "PUT"},
    401: {"Authorization": "Token wrong"},
    403: {"as": "alice"},
    413: {"body": b" " * (64 * 1024 + 1)},
    415: {"Content_Type": "text/plain"},
    400: {"body": b"[]"},
}
PAIRS = [(first, second) for first in STEPS for second in STEPS if list(STEPS).index(first) < list(STEPS).index(second)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_answers_the_earlier_one_is_given(as_alice, as_staff, payment, first, second):
    wrong = {"method": "POST", "path": "/api/payments/confirm-payment", "body": b"{}x", "as": "staff"}
    wrong |= STEPS[second] | STEPS[first]
    if {first, second} == {413, 415}:
        wrong |= STEPS[413]
    caller = as_alice if wrong.pop("as") == "alice" else as_staff
    answer = caller.request(**wrong)
    assert answer.status_code == first
    assert answer["Content-Type"] == "application/problem+json"
    payment.refresh_from_db()
    assert payment.status == "pending"


@pytest.mark.parametrize("wrong", [STEPS[413], STEPS[415] | {"body": b"x"}, STEPS[400], {"body": {}}])
def test_a_limit_comes_before_the_body_is_read(anyone, settings, wrong):
    settings.RATE_LIMITS, settings.RATES = True, settings.RATES | {"register": (1, 60)}
    anyone.request("POST", "/api/auth/register")
    assert anyone.request("POST", "/api/auth/register", **wrong).status_code == 429
    assert not User.objects.exists()


@pytest.mark.parametrize("status", [404, 406, 405])
def test_what_comes_before_a_limit_is_not_counted(anyone, settings, status):
    settings.RATE_LIMITS, settings.RATES = True, settings.RATES | {"register": (1, 60)}
    request = {"method": "POST", "path": "/api/auth/register"} | STEPS[status]
    assert [anyone.request(**request).status_code for _ in range(3)] == [status] * 3
    assert anyone.post("/api/auth/register").status_code == 400


def test_a_wrong_query_comes_after_the_token_and_the_body(anyone, as_alice):
    assert anyone.get("/api/payments/?status=%00").status_code == 401
    assert anyone.get("/api/payments/?status=no-such").status_code == 401
    too_large = b" " * (64 * 1024 + 1)
    assert as_alice.post("/api/subscriptions/?a=%00", too_large).status_code == 413
    assert as_alice.post("/api/subscriptions/?a=%00", b"x", Content_Type="text/plain").status_code == 415


def test_fields_come_before_somebody_elses_id_and_that_before_the_object(as_alice, bob, subscription, plan):
    path = "/api/payments/create-checkout-session"
    order = {"plan_name": "pro", "amount": "990.00", "user_id": bob.pk, "subscription_id": 2**62}
    assert as_alice.post(path, order | {"plan_name": "no-such"}).status_code == 400
    assert as_alice.post(path, order).status_code == 403
    assert as_alice.post(path, order | {"user_id": as_alice.user.pk}).status_code == 404
    order |= {"user_id": as_alice.user.pk, "subscription_id": subscription.pk}
    assert as_alice.post(path, order | {"amount": "1.00"}).status_code == 409
    assert not subscription.payments.exists()


def test_an_object_that_does_not_fit_comes_before_its_state(as_staff, bob, subscription, plan):
    path = "/api/payments/create-checkout-session"
    order = {"plan_name": "pro", "amount": "1.00", "user_id": bob.pk, "subscription_id": subscription.pk}
    answer = as_staff.post(path, order)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "subscription_id")


def test_an_unknown_parameter_comes_before_an_unknown_user(as_staff):
    assert as_staff.get(f"/api/subscriptions/{2**62}?no_such=1").status_code == 400
    assert as_staff.get(f"/api/subscriptions/{2**62}").status_code == 404


def test_an_unknown_payment_comes_before_own_payment(as_staff, staff, plan):
    assert as_staff.post("/api/payments/confirm-payment", {"payment_id": 2**62}).status_code == 404
    body = {"plan_name": "pro", "amount": "990.00"}
    own = as_staff.post("/api/payments/create-checkout-session", body).json()["id"]
    wrong = as_staff.post("/api/payments/confirm-payment", {"payment_id": own, "amount": "1.00"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "own_payment")
    assert as_staff.post("/api/payments/confirm-payment", {"payment_id": own, "amount": "x"}).status_code == 400
