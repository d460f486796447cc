"""When a token works, and that it stops on the very next request."""

import datetime as dt

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import RequestFactory
from rest_framework.request import Request

from accounts.models import Token
from accounts.tests.factories import PASSWORD
from accounts.tokens import TokenAuthentication
from tests.calling import Caller

ME = "/api/auth/me"
NEW = "another correct horse"


@pytest.fixture
def _password(as_alice, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    as_alice.user.set_password(PASSWORD)
    as_alice.user.save(update_fields=["password"])


@pytest.fixture
def elsewhere(as_alice) -> Caller:
    """Alice with another token."""
    return Caller(as_alice.user)


def works(caller) -> bool:
    answer = caller.get(ME)
    assert answer.status_code in (200, 401)
    if answer.status_code == 401:
        assert (answer.json()["code"], answer["WWW-Authenticate"]) == ("not_authenticated", "Token")
    return answer.status_code == 200


def test_logging_out_ends_this_token_and_no_other(as_alice, elsewhere, as_bob):
    assert as_alice.post("/api/auth/logout").status_code == 204
    assert [works(caller) for caller in (as_alice, elsewhere, as_bob)] == [False, True, True]
    assert as_alice.post("/api/auth/logout").status_code == 401


def test_logging_out_everywhere_ends_every_token_of_this_user(as_alice, elsewhere, as_bob):
    assert as_alice.post("/api/auth/logout-all").status_code == 204
    assert [works(caller) for caller in (as_alice, elsewhere, as_bob)] == [False, False, True]


@pytest.mark.usefixtures("_password")
def test_changing_the_password_ends_every_other_token(as_alice, elsewhere, as_bob):
    body = {"old_password": PASSWORD, "new_password": NEW}
    assert as_alice.post("/api/auth/change-password", body).status_code == 204
    assert [works(caller) for caller in (as_alice, elsewhere, as_bob)] == [True, False, True]


@pytest.mark.usefixtures("_password")
def test_a_reset_ends_every_token(anyone, as_alice, elsewhere, as_bob):
    token = default_token_generator.make_token(as_alice.user)
    body = {"user_id": as_alice.user.pk, "token": token, "new_password": NEW}
    assert anyone.post("/api/auth/password-reset/confirm", body).status_code == 204
    assert [works(caller) for caller in (as_alice, elsewhere, as_bob)] == [False, False, True]


def test_deactivation_stops_every_token(as_alice, elsewhere, as_bob):
    as_alice.user.is_active = False
    as_alice.user.save(update_fields=["is_active"])
    assert [works(caller) for caller in (as_alice, elsewhere, as_bob)] == [False, False, True]


def test_an_expired_token_stops(as_alice, elsewhere, moment):
    expired = Token.objects.filter(pk=Token.digest_of(as_alice.token))
    expired.update(expires_at=moment.now + dt.timedelta(minutes=1))
    assert works(as_alice)
    expired.update(expires_at=moment.now)
    assert [works(as_alice), works(elsewhere)] == [False, True]


def test_a_token_without_an_end_works(alice):
    caller = Caller(alice)
    Token.objects.update(expires_at=None)
    assert works(caller)


HEADERS = {
    "nothing": "",
    "no token": "Token",
    "white space": "Token   ",
    "a wrong one": "Token wrong",
    "another scheme": "Bearer {}",
    "Basic": "Basic YWxpY2U6eA==",
    "no scheme": "{}",
    "two tokens": "Token {} {}",
    "two headers in one": "Token {}, Token {}",
    "something after it": "Token {} x",
    "a non-ASCII byte": "Token \u00e9",
    "a non-ASCII byte after it": "Token {}\u00ff",
    "a no-break space": "Token\u00a0{}",
    "a non-ASCII scheme": "T\u00f6ken {}",
    "10,000 characters": "Token " + "x" * 10_000,
    "a quoted one": 'Token "{}"',
    "the digest": "Token digest",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_any_other_header_is_401(as_alice, header):
    header = header.replace("digest", Token.digest_of(as_alice.token))
    answer = as_alice.get(ME, Authorization=header.format(as_alice.token, as_alice.token))
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
def test_the_scheme_is_known_in_whatever_case(as_alice, scheme):
    assert as_alice.get(ME, Authorization=f"{scheme} {as_alice.token}").status_code == 200


def test_a_session_of_the_admin_is_no_token(staff):
    caller = Caller()
    caller.client.force_login(staff)
    assert caller.get(ME).status_code == 401


def test_authentication_is_one_look_up_by_key_however_many_tokens_there_are(as_alice, alice, django_assert_num_queries):
    for _ in range(9):
        Token.issue(alice)
    request = Request(RequestFactory().get(ME, headers={"Authorization": f"Token {as_alice.token}"}))
    with django_assert_num_queries(1) as captured:
        user, token = TokenAuthentication().authenticate(request)
    assert (user, token.pk) == (alice, Token.digest_of(as_alice.token))
    assert f"\"digest\" = ('{token.pk}'" in captured[0]["sql"]
    assert Token._meta.pk.name == "digest"
