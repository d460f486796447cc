"""Every error is a problem of RFC 9457, whoever raised it, and tells nothing that is not the caller's business."""

import re

import psycopg.errors
import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from django.test import RequestFactory
from django.views.csrf import csrf_failure

from accounts.models import User
from api.faults import problem_of_database_error
from api.middleware import ProblemsOnlyMiddleware
from subscriptions.views import PlanViewSet

MEMBERS = ["type", "title", "status", "code", "detail", "request_id"]

CASES = {
    "no such route": (("GET", "/api/x"), {}, 404, "not_found"),
    "no such object": (("GET", "/api/plans/x"), {}, 404, "not_found"),
    "wrong method": (("PUT", "/api/plans/"), {}, 405, "method_not_allowed"),
    "wrong Accept": (("GET", "/api/plans/"), {"Accept": "text/html"}, 406, "not_acceptable"),
    "no token": (("GET", "/api/payments/"), {}, 401, "not_authenticated"),
    "no JSON": (("POST", "/api/auth/login", b"x"), {}, 400, "invalid"),
    "wrong fields": (("POST", "/api/auth/login", {}), {}, 400, "invalid"),
    "wrong query": (("GET", "/api/plans/?x=1"), {}, 400, "invalid"),
    "wrong Host": (("GET", "/api/plans/"), {"Host": "evil.example"}, 400, "invalid"),
    "wrong password": (("POST", "/api/auth/login", {"username": "x", "password": "x"}), {}, 401, "invalid_credentials"),
    "too large": (("POST", "/api/auth/login", b" " * 70_000), {}, 413, "payload_too_large"),
    "not JSON": (("POST", "/api/auth/login", b"x"), {"Content_Type": "text/plain"}, 415, "unsupported_media_type"),
}


@pytest.mark.parametrize(("request_line", "headers", "status", "code"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("public_url", ["", "https://billing.example"])
def test_it_has_the_members_of_the_contract(anyone, settings, request_line, headers, status, code, public_url):
    settings.PUBLIC_URL = public_url
    answer = anyone.request(*request_line, **headers)
    problem = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert list(problem) == MEMBERS + (["errors"] if status == 400 else [])
    assert (problem["status"], problem["code"]) == (status, code)
    base = public_url or ("" if headers.get("Host") else "http://localhost")
    assert problem["type"] == f"{base}/problems/{code.replace('_', '-')}"
    assert problem["title"]
    assert problem["detail"]
    assert re.fullmatch("[0-9a-f]{24}", problem["request_id"])
    assert answer["X-Request-Id"] == problem["request_id"]
    assert all(sorted(error) == ["code", "detail", "field"] for error in problem.get("errors", []))


@pytest.mark.parametrize(("request_line", "headers", "status", "code"), CASES.values(), ids=CASES)
def test_its_type_is_a_page(anyone, request_line, headers, status, code):
    assert anyone.get(f"/problems/{code.replace('_', '-')}").status_code == 200


def test_401_says_how_to_authenticate(anyone):
    assert anyone.get("/api/payments/")["WWW-Authenticate"] == "Token"
    wrong = {"username": "nobody", "password": "x"}
    assert anyone.post("/api/auth/login", wrong)["WWW-Authenticate"] == "Token"


def test_answers_have_names_of_their_own(anyone, plan):
    names = {anyone.get("/api/plans/pro")["X-Request-Id"] for _ in range(20)}
    assert len(names) == 20


def test_a_request_id_of_the_caller_is_not_believed(anyone, plan):
    assert anyone.get("/api/plans/pro", X_Request_Id="forged")["X-Request-Id"] != "forged"


def test_words_follow_the_language_and_codes_do_not(anyone):
    english, russian = (anyone.get("/api/payments/", Accept_Language=language) for language in ("en", "ru"))
    assert (english["Content-Language"], russian["Content-Language"]) == ("en", "ru")
    assert english.json()["detail"] != russian.json()["detail"]
    assert re.search("[а-я]", russian.json()["detail"])
    assert english.json()["code"] == russian.json()["code"]


@pytest.mark.parametrize("language", ["ru-RU,ru;q=0.9,en;q=0.8", "xx, ru;q=0.5", "RU"])
def test_the_best_language_that_there_is_is_taken(anyone, language):
    assert anyone.get("/api/payments/", Accept_Language=language)["Content-Language"] == "ru"


@pytest.mark.parametrize("language", ["", "xx", "*", "\u00ff" * 5_000, "a" * 10_000, ";;,,=="])
def test_other_languages_get_english(anyone, language):
    assert anyone.get("/api/payments/", Accept_Language=language)["Content-Language"] == "en"


@pytest.mark.parametrize("debug", [False, True])
def test_what_nobody_foresaw_is_a_problem_that_leaks_nothing(anyone, plan, monkeypatch, caplog, settings, debug):
    settings.DEBUG = debug

    def break_down(self, request, name):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(PlanViewSet, "retrieve", break_down)
    answer = anyone.get("/api/plans/pro")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "error"
    assert b"secret" not in answer.content
    assert b"RuntimeError" not in answer.content
    assert "the secret of the house" in caplog.text
    assert answer["X-Request-Id"] == answer.json()["request_id"]


def test_a_form_without_its_token_is_a_problem_below_api_and_a_page_elsewhere():
    refuse = ProblemsOnlyMiddleware(csrf_failure)
    below, elsewhere = (refuse(RequestFactory().post(path)) for path in ("/api/x", "/admin/"))
    assert (below.status_code, below["Content-Type"]) == (403, "application/problem+json")
    assert (elsewhere.status_code, elsewhere["Content-Type"]) == (403, "text/html; charset=utf-8")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "a b", "localhost:x", "", "[::1"])
def test_a_host_that_is_not_ours_is_a_problem_below_api_and_a_page_elsewhere(anyone, host):
    for path, content_type in (("/api/plans/", "application/problem+json"), ("/", "text/html; charset=utf-8")):
        answer = anyone.get(path, Host=host)
        assert (answer.status_code, answer["Content-Type"]) == (400, content_type)


def test_elsewhere_errors_are_pages(anyone):
    assert anyone.get("/no-such-page")["Content-Type"] == "text/html; charset=utf-8"
    assert anyone.get("/apiary")["Content-Type"] == "text/html; charset=utf-8"


def database_error(kind, cause=None):
    """Return an error of Django's as it wraps one of psycopg's."""
    error = kind("x")
    error.__cause__ = cause
    return error


MEANINGS = [
    (IntegrityError, psycopg.errors.UniqueViolation, 409),
    (IntegrityError, psycopg.errors.ExclusionViolation, 409),
    (ProgrammingError, psycopg.errors.RaiseException, 409),
    (IntegrityError, psycopg.errors.ForeignKeyViolation, 400),
    (IntegrityError, psycopg.errors.CheckViolation, 400),
    (DataError, psycopg.errors.StringDataRightTruncation, 400),
    (DataError, psycopg.errors.NumericValueOutOfRange, 400),
    (OperationalError, psycopg.errors.LockNotAvailable, 503),
    (OperationalError, psycopg.errors.SerializationFailure, 503),
    (OperationalError, psycopg.errors.DeadlockDetected, 503),
    (OperationalError, psycopg.errors.QueryCanceled, 503),
    (OperationalError, psycopg.errors.DiskFull, 503),
    (OperationalError, psycopg.errors.TooManyConnections, 503),
    (OperationalError, psycopg.errors.AdminShutdown, 503),
    (OperationalError, psycopg.errors.CannotConnectNow, 503),
    (OperationalError, psycopg.errors.ConnectionFailure, 503),
    (DataError, psycopg.errors.ReadOnlySqlTransaction, 503),
    (OperationalError, psycopg.errors.IdleInTransactionSessionTimeout, 503),
    (OperationalError, psycopg.OperationalError, 503),
    (InterfaceError, psycopg.InterfaceError, 503),
]


@pytest.mark.parametrize(("kind", "cause", "status"), MEANINGS)
def test_an_error_of_the_database_has_one_meaning(kind, cause, status):
    problem = problem_of_database_error(database_error(kind, cause("x")))
    assert problem.status_code == status
    assert (getattr(problem, "wait", None) is not None) is (status == 503)


def test_a_fault_of_the_program_is_not_the_callers():
    assert problem_of_database_error(database_error(ProgrammingError, psycopg.errors.UndefinedTable("x"))) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("names", "field"),
    [
        ({"username": "carol", "email": "other@example.com"}, "username"),
        ({"username": "CAROL", "email": "other@example.com"}, "username"),
        ({"username": "other", "email": "Carol@EXAMPLE.com"}, "email"),
    ],
)
def test_a_name_that_was_taken_in_a_race_is_400_like_one_seen_before(names, field):
    User.objects.create_user("carol", "carol@example.com")
    with pytest.raises(IntegrityError) as caught:
        User.objects.create_user(**names)
    problem = problem_of_database_error(caught.value)
    assert problem.status_code == 400
    assert [error.code for error in problem.detail[field]] == ["taken"]


@pytest.mark.parametrize("path", ["/api/x", "/api/subscriptions/x", "/api/auth/%00"])
def test_an_unknown_route_is_a_problem_with_debug_on_as_well(anyone, settings, path):
    settings.DEBUG = True
    answer = anyone.get(path, Accept="text/html")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
