"""Routing: either slash, never a redirect; ids in paths; what no path, query or form may contain."""

import pytest

from subscriptions.models import Subscription

NO_IDS = {
    "a word": "abc",
    "zero": "0",
    "negative": "-1",
    "with a sign": "%2B1",
    "a fraction": "1.0",
    "an exponent": "1e0",
    "with an underscore": "1_0",
    "a leading zero": "01",
    "2^63": str(2**63),
    "2^64": str(2**64),
    "20 digits": "9" * 20,
    "5,000 digits": "9" * 5_000,
    "Arabic digits": "%D9%A1",
    "Devanagari digits": "%E0%A5%A7",
    "full-width digits": "%EF%BC%91",
    "a superscript": "%C2%B9",
    "white space": "%201",
    "a newline after it": "1%0A",
    "a NUL": "%00",
    "a NUL after it": "1%00",
    "a lone surrogate": "%ED%A0%80",
    "invalid UTF-8": "%FF",
    "a quoted slash": "%2F",
    "hexadecimal": "0x1",
    "null": "null",
}
WITH_ID = [
    "/api/payments/{}",
    "/api/subscriptions/{}",
    "/api/subscriptions/{}/1",
    "/api/subscriptions/1/{}",
]


@pytest.mark.parametrize("path", WITH_ID)
@pytest.mark.parametrize("text", NO_IDS.values(), ids=NO_IDS)
def test_what_is_no_id_is_no_route(as_staff, path, text):
    answer = as_staff.get(path.format(text))
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("text", NO_IDS.values(), ids=NO_IDS)
def test_what_is_no_id_can_not_be_canceled(as_staff, subscription, text):
    for path in (f"/api/payments/{text}/cancel", f"/api/subscriptions/{subscription.user_id}/{text}/cancel"):
        assert as_staff.post(path).status_code == 404
    subscription.refresh_from_db()
    assert subscription.status == "pending"


@pytest.mark.parametrize("path", WITH_ID)
def test_the_largest_id_is_looked_for(as_staff, path):
    answer = as_staff.get(path.format(2**63 - 1))
    assert answer.status_code == 404
    assert answer.json()["detail"] == as_staff.get(path.format(2**62)).json()["detail"]


@pytest.mark.parametrize("name", ["%00", "pro%00", "%ED%A0%80", "%FF", "pr%EF%BF%BD", "p" * 5_000, "pro%0A", "%D1%80"])
def test_a_plan_name_that_cannot_be_is_not_found(anyone, plan, name):
    answer = anyone.get(f"/api/plans/{name}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_percent_encoding_changes_nothing_about_a_path(as_alice, plan):
    assert as_alice.get("/api/plans/pr%6F").json() == as_alice.get("/api/plans/pro").json()
    assert (
        as_alice.get(f"/%61pi/subscriptions/%{ord(str(as_alice.user.pk)[0]):x}{str(as_alice.user.pk)[1:]}").status_code
        == 200
    )


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api//", "/api/x", "/api//plans/", "/api/Plans/", "/api/plans/../plans", "/api/auth"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_address_is_a_problem(as_staff, path, method):
    answer = as_staff.request(method, path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_each_route_answers_with_either_slash_and_never_redirects(as_alice, anyone, subscription, payment):
    paths = ["/api/plans", "/api/plans/pro", "/api/subscriptions", "/api/payments", f"/api/payments/{payment.pk}"]
    paths += ["/api/auth/me", f"/api/subscriptions/{as_alice.user.pk}"]
    paths += [f"/api/subscriptions/{as_alice.user.pk}/{subscription.pk}"]
    for path in paths:
        short, long = (as_alice.get(f"{path}{slash}?") for slash in ("", "/"))
        assert (short.status_code, long.status_code) == (200, 200), path
        assert short.content.replace(b"/?", b"?") == long.content.replace(b"/?", b"?")
    auth = [f"/api/auth/{name}" for name in ("register", "login", "password-reset", "password-reset/confirm")]
    for path in auth:
        assert [anyone.post(f"{path}{slash}", {}).status_code for slash in ("", "/")] == [400, 400], path
    written = [f"/api/subscriptions/{as_alice.user.pk}/{subscription.pk}/cancel", f"/api/payments/{payment.pk}/cancel"]
    written += ["/api/payments/create-checkout-session", "/api/auth/change-password", "/api/subscriptions"]
    for path in written:
        assert [as_alice.post(f"{path}{slash}", {"x": 1}).status_code for slash in ("", "/")] == [400, 400], path
    assert [anyone.post(f"/api/payments/confirm-payment{slash}").status_code for slash in ("", "/")] == [401, 401]


def test_a_body_and_a_query_survive_the_other_slash(as_alice, plan):
    assert as_alice.post("/api/subscriptions", {"plan_name": "pro"}).status_code == 201
    assert Subscription.objects.count() == 1
    assert as_alice.get("/api/subscriptions?status=canceled").json()["results"] == []
    assert len(as_alice.get("/api/subscriptions?status=pending").json()["results"]) == 1
    assert as_alice.get("/api/subscriptions?no_such=1").status_code == 400


BAD_QUERIES = ["a=%00", "%00=a", "user_id=1%00", "plan_name=%ED%A0%80", "plan_name=%FF", "%C0%80=1", "cursor=%00"]


@pytest.mark.parametrize("query", BAD_QUERIES)
@pytest.mark.parametrize(
    "path", ["/api/subscriptions/", "/api/payments/", "/api/plans/", "/api/plans/pro", "/api/auth/me"]
)
def test_a_query_that_cannot_be_stored_is_400(as_alice, plan, path, query):
    answer = as_alice.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_page_for_people_refuses_such_a_query_too(anyone, query):
    answer = anyone.get(f"/?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/html")


def test_a_thousand_parameters_too_many_are_400(as_alice):
    answer = as_alice.get("/api/subscriptions/?" + "&".join(f"a{number}=1" for number in range(2_000)))
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("form", [b"username=%00", b"%00=1", b"username=%ED%A0%80", b"username=%FF"])
def test_a_form_with_what_cannot_be_stored_is_400(anyone, form):
    answer = anyone.post("/admin/login/", form, Content_Type="application/x-www-form-urlencoded")
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "FOO"])
def test_a_wrong_method_is_405_and_says_which_are_right(as_alice, method):
    answer = as_alice.request(method, "/api/subscriptions/")
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Allow"] == "GET, HEAD, POST"
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(("path", "allowed"), [("/api/auth/login", "POST"), ("/api/auth/me", "GET, HEAD, PATCH")])
def test_allow_names_what_the_route_has(as_alice, path, allowed):
    answer = as_alice.request("PUT", path)
    assert (answer.status_code, answer["Allow"]) == (405, allowed)


def test_head_answers_as_get_without_a_body(as_alice, plan):
    answer = as_alice.request("HEAD", "/api/plans/pro")
    assert (answer.status_code, answer.content) == (200, b"")
    assert as_alice.request("HEAD", "/api/auth/login").status_code == 405


WANTED = {
    "": 200,
    "*/*": 200,
    "application/*": 200,
    "application/json": 200,
    "application/json; charset=utf-8": 200,
    "Application/JSON": 200,
    "application/problem+json": 200,
    "text/html, application/xml;q=0.9, */*;q=0.8": 200,
    "application/xml, application/json;q=0.1": 200,
    "application/json;q=0.001": 200,
    "application/xml": 406,
    "text/html": 406,
    "text/*": 406,
    "application/json;q=0": 406,
    "application/json; q=0.000, text/html": 406,
    "application/json;q=0, */*": 406,
    "*/*;q=0": 406,
    "nonsense": 406,
}


@pytest.mark.parametrize(("accept", "status"), WANTED.items())
def test_json_is_what_can_be_had(anyone, plan, accept, status):
    answer = anyone.get("/api/plans/", Accept=accept)
    assert answer.status_code == status
    assert answer["Content-Type"] == ("application/json" if status == 200 else "application/problem+json")
