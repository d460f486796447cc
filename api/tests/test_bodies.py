"""What is no strict JSON object is refused before any field is looked at, and quickly."""

import time

import pytest

from accounts.models import User
from subscriptions.models import Subscription

SUBSCRIBE = "/api/subscriptions/"
GOOD = b'{"plan_name": "pro"}'


def refused(answer, status=400, code="invalid"):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert not Subscription.objects.exists()


def nested(depth: int) -> bytes:
    """Return a body in which objects and arrays stand `depth` deep."""
    return b'{"plan_name": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


MALFORMED = {
    "a NUL as an escape": rb'{"plan_name": "pr\u0000o"}',
    "a NUL as a byte": b'{"plan_name": "pr\0o"}',
    "a NUL in a key": rb'{"plan_name": "pro", "x\u0000": 1}',
    "a NUL deep inside": rb'{"plan_name": "pro", "x": [{"y": ["\u0000"]}]}',
    "a lone high surrogate": rb'{"plan_name": "\ud800"}',
    "a lone low surrogate": rb'{"plan_name": "\udc00pro"}',
    "a lone surrogate in a key": rb'{"\udfff": 1, "plan_name": "pro"}',
    "surrogates in the wrong order": rb'{"plan_name": "\udc00\ud800"}',
    "a surrogate in UTF-8": b'{"plan_name": "\xed\xa0\x80"}',
    "a control character in a string": b'{"plan_name": "pro\n"}',
    "33 levels": nested(33),
    "10,000 levels": nested(10_000),
    "10,000 open brackets": b"[" * 10_000,
    "10,000 open objects": b'{"a":' * 10_000,
    "10,000 levels after a string that looks like their end": b'{"a": "' + b"]" * 10_000 + b'", "b": ' + b"[" * 10_000,
    "a key that stands twice": b'{"plan_name": "pro", "plan_name": "pro"}',
    "a key that stands twice, once as an escape": rb'{"plan_name": "pro", "plan\u005fname": "pro"}',
    "a key that stands twice further in": b'{"plan_name": "pro", "x": [{"a": 1, "a": 2}]}',
    "NaN": b'{"plan_name": "pro", "duration": NaN}',
    "Infinity": b'{"plan_name": "pro", "duration": Infinity}',
    "-Infinity": b'{"plan_name": "pro", "duration": -Infinity}',
    "an exponent beyond every limit": b'{"plan_name": "pro", "duration": 1e99999999999999999999}',
    "an exponent below every limit": b'{"plan_name": "pro", "duration": 1e-99999999999999999999}',
    "an integer of 60,000 digits": b'{"plan_name": "pro", "duration": ' + b"9" * 60_000 + b"}",
    "a fraction of 60,000 digits": b'{"plan_name": "pro", "duration": 1.' + b"9" * 60_000 + b"}",
    "a list": b'[{"plan_name": "pro"}]',
    "an empty list": b"[]",
    "a string": b'"pro"',
    "an empty string": b'""',
    "null": b"null",
    "true": b"true",
    "a number": b"7",
    "invalid UTF-8": b'{"plan_name": "\xff"}',
    "Latin-1": '{"plan_name": "é"}'.encode("latin-1"),
    "UTF-16": '{"plan_name": "pro"}'.encode("utf-16"),
    "UTF-16 without its mark": '{"plan_name": "pro"}'.encode("utf-16-le"),
    "UTF-32": '{"plan_name": "pro"}'.encode("utf-32"),
    "two marks of the byte order": b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD,
    "two objects": GOOD + GOOD,
    "a comment": b'{"plan_name": "pro" /* the best */}',
    "a comma at the end": b'{"plan_name": "pro",}',
    "single quotes": b"{'plan_name': 'pro'}",
    "a string without an end": b'{"plan_name": "pro',
    "a body cut short": GOOD[:-1],
    "a string of escaped quotes without an end": b'{"plan_name": "' + rb"\"" * 32_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_body_is_refused_quickly_and_the_corrected_one_works(as_alice, plan, body):
    began = time.process_time()
    answer = as_alice.post(SUBSCRIBE, body)
    refused(answer)
    assert [error["field"] for error in answer.json()["errors"]] == [""], "it got as far as the fields"
    assert time.process_time() - began < 0.5
    assert as_alice.post(SUBSCRIBE, GOOD).status_code == 201


def test_32_levels_are_read(as_alice, plan):
    answer = as_alice.post(SUBSCRIBE, nested(32))
    assert [error["field"] for error in answer.json()["errors"]] == ["plan_name"]


WELL_FORMED = {
    "a mark of the byte order": b"\xef\xbb\xbf" + GOOD,
    "CRLF": b'{\r\n"plan_name":\r\n"pro"\r\n}\r\n',
    "white space around it": b" \t\n" + GOOD + b"\n ",
    "escapes": rb'{"plan\u005fname": "\u0070ro"}',
}


@pytest.mark.parametrize("body", WELL_FORMED.values(), ids=WELL_FORMED)
def test_what_other_programs_put_around_json_works(as_alice, plan, body):
    assert as_alice.post(SUBSCRIBE, body).status_code == 201


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain", "application/x-www-form-urlencoded"])
def test_nothing_as_the_body_is_the_empty_object(as_alice, payment, body, content_type):
    assert as_alice.post(f"/api/payments/{payment.pk}/cancel", body, Content_Type=content_type).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_of_nothing_each_field_that_is_missing_is_named(as_alice, body):
    errors = as_alice.post(SUBSCRIBE, body).json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("plan_name", "required")]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=no-such-charset",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/json",
        "application/xml",
        "application/jsonp",
        "json",
        "",
    ],
)
def test_what_does_not_call_itself_json_in_utf8_is_415(as_alice, plan, content_type):
    refused(as_alice.post(SUBSCRIBE, GOOD, Content_Type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_json_in_utf8_is_read_however_it_is_written(as_alice, plan, content_type):
    assert as_alice.post(SUBSCRIBE, GOOD, Content_Type=content_type).status_code == 201


def test_a_body_of_64_kib_is_read_and_one_byte_more_is_413(as_alice, plan):
    full = GOOD.ljust(64 * 1024)
    refused(as_alice.post(SUBSCRIBE, full + b" "), 413, "payload_too_large")
    assert as_alice.post(SUBSCRIBE, full).status_code == 201


def test_a_password_of_a_megabyte_is_413(anyone):
    body = {"username": "carol", "email": "carol@example.com", "password": "x" * 1_000_000}
    refused(anyone.post("/api/auth/register", body), 413, "payload_too_large")
    assert not User.objects.exists()


UNKNOWN = ["status", "is_staff", "id", "confirmed_at", "unit_price", "plan", "Plan_name", "", "__proto__", "user"]


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_field_is_refused_by_its_name(as_alice, plan, name):
    answer = as_alice.post(SUBSCRIBE, {"plan_name": "pro", name: 1})
    refused(answer)
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(name, "unknown_field")]


def test_unknown_fields_are_named_beside_the_wrong_ones(as_alice, plan):
    errors = as_alice.post(SUBSCRIBE, {"status": "active", "duration": 0}).json()["errors"]
    assert {error["field"] for error in errors} == {"status", "duration", "plan_name"}


def test_every_writing_route_refuses_an_unknown_field(as_staff, as_alice, subscription, payment):
    own, paid = f"/api/subscriptions/{subscription.user_id}/{subscription.pk}", f"/api/payments/{payment.pk}"
    auth = ["register", "login", "logout", "logout-all", "change-password", "password-reset", "password-reset/confirm"]
    paths = [f"/api/auth/{name}" for name in auth] + [f"{own}/cancel", f"{own}/resume", f"{paid}/cancel", SUBSCRIBE]
    paths += ["/api/payments/create-checkout-session", "/api/payments/confirm-payment"]
    for path in paths:
        answer = as_staff.post(path, {"no_such_field": 1})
        assert answer.status_code == 400, path
        assert ("no_such_field", "unknown_field") in [(e["field"], e["code"]) for e in answer.json()["errors"]], path
    assert as_alice.patch("/api/auth/me", {"username": "mallory"}).status_code == 400
    payment.refresh_from_db()
    subscription.refresh_from_db()
    assert (payment.status, subscription.status) == ("pending", "pending")
    assert as_staff.get("/api/auth/me").status_code == 200
