"""Logging in: the same answer, after the same work, whatever was wrong."""

import pytest
from django.contrib.auth.hashers import get_hasher

from accounts.hashers import BoundedArgon2PasswordHasher
from accounts.models import PasswordChanged, Token, User
from accounts.tests.factories import PASSWORD, UserFactory
from tests.racing import race

LOGIN = "/api/auth/login"


@pytest.fixture
def carol(db) -> User:
    return UserFactory(username="carol", email="Carol@example.com", with_password=True)


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """Passwords in the order in which they were hashed."""
    seen = []
    encode, verify = BoundedArgon2PasswordHasher.encode, BoundedArgon2PasswordHasher.verify
    monkeypatch.setattr(
        BoundedArgon2PasswordHasher,
        "encode",
        lambda self, password, salt: seen.append(password) or encode(self, password, salt),
    )
    monkeypatch.setattr(
        BoundedArgon2PasswordHasher,
        "verify",
        lambda self, password, encoded: seen.append(password) or verify(self, password, encoded),
    )
    return seen


@pytest.mark.parametrize(
    "name",
    [{"username": "carol"}, {"username": "CAROL"}, {"email": "carol@example.com"}, {"email": "CAROL@EXAMPLE.COM"}],
)
def test_a_password_is_exchanged_for_a_token(anyone, carol, name):
    answer = anyone.post(LOGIN, name | {"password": PASSWORD})
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["token", "expiry", "user"]
    assert body["user"] == {"id": carol.pk, "username": "carol", "email": "Carol@example.com"}
    assert body["expiry"].endswith("Z")
    assert anyone.get("/api/auth/me", Authorization=f"Token {body['token']}").json() == body["user"]


def test_the_token_is_kept_as_a_digest_only(anyone, carol):
    secret = anyone.post(LOGIN, {"username": "carol", "password": PASSWORD}).json()["token"]
    token = Token.objects.get()
    assert len(secret) >= 43
    assert token.digest == Token.digest_of(secret)
    assert secret not in str(vars(token))


@pytest.mark.parametrize("hours", [1, 336])
def test_a_token_lives_as_long_as_the_settings_say(anyone, carol, settings, hours):
    settings.TOKEN_TTL_HOURS = hours
    anyone.post(LOGIN, {"username": "carol", "password": PASSWORD})
    token = Token.objects.get()
    assert (token.expires_at - token.created_at).total_seconds() == hours * 3600


@pytest.mark.parametrize("authorization", ["Token wrong", "Token \u00ff", "Basic x", ""])
def test_logging_in_ignores_the_token_that_one_has(anyone, carol, authorization):
    body = {"username": "carol", "password": PASSWORD}
    assert anyone.post(LOGIN, body, Authorization=authorization).status_code == 200


def everyone_who_fails() -> dict[str, dict[str, str]]:
    return {
        "unknown": {"username": "nobody", "password": PASSWORD},
        "unknown address": {"email": "nobody@example.com", "password": PASSWORD},
        "wrong": {"username": "carol", "password": "wrong"},
        "wrong with the address": {"email": "carol@example.com", "password": "wrong"},
        "inactive": {"username": "inactive", "password": PASSWORD},
        "inactive and wrong": {"username": "inactive", "password": "wrong"},
        "service account": {"username": "robot", "password": "wrong"},
        "without a password": {"username": "alice", "password": "wrong"},
        "the mark of no password": {"username": "alice", "password": "!"},
        "a name that cannot be": {"username": "nobody at all", "password": PASSWORD},
        "an address that cannot be": {"email": "@", "password": PASSWORD},
    }


@pytest.mark.parametrize("case", everyone_who_fails())
def test_whatever_is_wrong_gets_one_answer_after_one_hash(anyone, carol, alice, hashed, case):
    User.objects.create_service_account("robot")
    UserFactory(username="inactive", with_password=True, is_active=False)
    hashed.clear()
    answer = anyone.post(LOGIN, everyone_who_fails()[case])
    problem = answer.json()
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
    del problem["request_id"]
    assert problem == {
        "type": "http://localhost/problems/invalid-credentials",
        "title": "The name or the password is wrong",
        "status": 401,
        "code": "invalid_credentials",
        "detail": "The name or the password is wrong",
    }
    assert len(hashed) == 1
    assert not Token.objects.exists()


def test_a_login_that_succeeds_costs_one_hash_too(anyone, carol, hashed):
    hashed.clear()
    anyone.post(LOGIN, {"username": "carol", "password": PASSWORD})
    assert len(hashed) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"password": PASSWORD},
        {"username": "carol"},
        {"username": "carol", "email": "carol@example.com", "password": PASSWORD},
        {"username": None, "password": PASSWORD},
        {"username": "carol", "email": None, "password": PASSWORD},
        {"username": "", "password": PASSWORD},
        {"username": "carol", "password": ""},
        {"username": "carol", "password": None},
        {"username": "carol", "password": 12345678},
        {"username": 7, "password": PASSWORD},
        {"username": ["carol"], "password": PASSWORD},
        {"username": " carol", "password": PASSWORD},
        {"username": "carol", "password": f"{PASSWORD} "},
        {"username": "carol", "password": "x" * 257},
        {"username": "c" * 257, "password": PASSWORD},
    ],
)
def test_a_malformed_login_is_400_and_hashes_nothing(anyone, carol, hashed, body):
    hashed.clear()
    assert anyone.post(LOGIN, body).status_code == 400
    assert hashed == []
    assert not Token.objects.exists()


def test_a_hash_takes_a_bounded_amount_of_memory(carol):
    hasher = get_hasher()
    assert (hasher.algorithm, hasher.memory_cost, hasher.time_cost, hasher.parallelism) == ("argon2", 19456, 2, 1)
    assert carol.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_eleventh_token_ends_the_oldest(alice):
    secrets = [Token.issue(alice)[1] for _ in range(13)]
    left = set(Token.objects.values_list("pk", flat=True))
    assert left == {Token.digest_of(secret) for secret in secrets[-10:]}


def test_expired_tokens_do_not_count_and_are_swept(alice, moment):
    for _ in range(3):
        Token.issue(alice)
    alice.tokens.update(expires_at=moment.now)
    secrets = [Token.issue(alice)[1] for _ in range(10)]
    left = set(Token.objects.values_list("pk", flat=True))
    assert left == {Token.digest_of(secret) for secret in secrets}


def test_the_tokens_of_others_stay(alice, bob):
    Token.issue(bob)
    for _ in range(11):
        Token.issue(alice)
    assert (alice.tokens.count(), bob.tokens.count()) == (10, 1)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_logins_at_once_leave_ten_tokens():
    alice = User.objects.create_user("alice")
    for _ in range(9):
        Token.issue(alice)
    outcomes = race(*[lambda: Token.issue(alice)] * 6)
    assert all(isinstance(outcome, tuple) for outcome in outcomes)
    assert alice.tokens.count() == 10


def test_a_password_that_was_changed_after_it_was_checked_gives_no_token(carol):
    stale = User.objects.get(pk=carol.pk)
    carol.change_password("another correct horse")
    with pytest.raises(PasswordChanged):
        Token.issue(stale)
    assert not Token.objects.exists()


def test_a_login_overtaken_by_a_change_of_password_is_401(anyone, carol, monkeypatch):
    stale = User.objects.get(pk=carol.pk)
    carol.change_password("another correct horse")
    monkeypatch.setattr("accounts.views.authenticate", lambda *_args, **_kwargs: stale)
    answer = anyone.post(LOGIN, {"username": "carol", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
