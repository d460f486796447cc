"""Oneself: looking, changing the address and the password, and getting in again after losing it."""

import re
import smtplib

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.utils.translation import get_language

from accounts.models import Token, User
from accounts.tests.factories import PASSWORD

ME = "/api/auth/me"
CHANGE = "/api/auth/change-password"
RESET = "/api/auth/password-reset"
CONFIRM = "/api/auth/password-reset/confirm"
NEW = "another correct horse"


@pytest.fixture(autouse=True)
def _cheap_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def carol(as_alice) -> User:
    """Alice, with a password."""
    as_alice.user.set_password(PASSWORD)
    as_alice.user.save(update_fields=["password"])
    return as_alice.user


def password_is(user, password) -> bool:
    return User.objects.get(pk=user.pk).check_password(password)


def codes(answer):
    assert answer.status_code == 400, answer.content
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


def test_one_sees_oneself(as_alice, alice):
    assert as_alice.get(ME).json() == {"id": alice.pk, "username": "alice", "email": "alice@example.com"}


def test_the_address_changes_and_is_normalised(as_alice):
    answer = as_alice.patch(ME, {"email": "New@EXAMPLE.org"})
    assert (answer.status_code, answer.json()["email"]) == (200, "New@example.org")
    assert User.objects.find_email("new@example.org") == as_alice.user


@pytest.mark.parametrize("body", [None, {}, {"email": "alice@example.com"}, {"email": "ALICE@example.com"}])
def test_nothing_or_ones_own_address_is_no_error(as_alice, body):
    assert as_alice.patch(ME, body).status_code == 200


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"email": "Bob@example.com"}, {"email": "taken"}),
        ({"email": ""}, {"email": "blank"}),
        ({"email": None}, {"email": "null"}),
        ({"email": 1}, {"email": "invalid"}),
        ({"email": "nonsense"}, {"email": "invalid"}),
        ({"email": " new@example.com"}, {"email": "untidy"}),
        ({"username": "mallory"}, {"username": "unknown_field"}),
        ({"email": "new@example.com", "id": 1}, {"id": "unknown_field"}),
        ({"is_staff": True}, {"is_staff": "unknown_field"}),
        ({"password": NEW}, {"password": "unknown_field"}),
    ],
)
def test_nothing_else_changes(as_alice, bob, body, wrong):
    before = User.objects.values().get(pk=as_alice.user.pk)
    assert codes(as_alice.patch(ME, body)) == wrong
    assert User.objects.values().get(pk=as_alice.user.pk) == before


def test_the_password_changes(as_alice, carol):
    assert as_alice.post(CHANGE, {"old_password": PASSWORD, "new_password": NEW}).status_code == 204
    assert password_is(carol, NEW)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"old_password": "wrong"}, {"old_password": "wrong_password"}),
        ({"old_password": ""}, {"old_password": "blank"}),
        ({"old_password": None}, {"old_password": "null"}),
        ({"new_password": "short"}, {"new_password": "min_length"}),
        ({"new_password": "x" * 257}, {"new_password": "max_length"}),
        ({"new_password": "password"}, {"new_password": "password_too_common"}),
        ({"new_password": "alice@example.com"}, {"new_password": "password_too_similar"}),
        ({"new_password": " " * 8}, {"new_password": "untidy"}),
        ({"new_password": f"{NEW} "}, {"new_password": "untidy"}),
        ({"password": NEW}, {"password": "unknown_field"}),
    ],
)
def test_a_wrong_change_of_password_changes_nothing(as_alice, carol, change, wrong):
    assert codes(as_alice.post(CHANGE, {"old_password": PASSWORD, "new_password": NEW} | change)) == wrong
    assert password_is(carol, PASSWORD)
    assert carol.tokens.count() == 1


def test_who_has_no_password_cannot_change_it(as_alice):
    answer = as_alice.post(CHANGE, {"old_password": "!", "new_password": NEW})
    assert codes(answer) == {"old_password": "wrong_password"}
    assert not User.objects.get(pk=as_alice.user.pk).has_usable_password()


@pytest.mark.parametrize("email", ["alice@example.com", "ALICE@EXAMPLE.COM"])
def test_a_lost_password_is_replaced_with_what_the_letter_says(anyone, carol, email):
    assert anyone.post(RESET, {"email": email}).status_code == 204
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.com"]
    user_id, token = (re.search(rf"^{name}: (\S+)$", letter.body, re.MULTILINE)[1] for name in ("user_id", "token"))
    body = {"user_id": int(user_id), "token": token, "new_password": NEW}
    assert anyone.post(CONFIRM, body).status_code == 204
    assert password_is(carol, NEW)
    assert codes(anyone.post(CONFIRM, body | {"new_password": "a third correct horse"})) == {"token": "invalid_token"}
    assert password_is(carol, NEW)


def test_the_letter_is_in_the_language_of_the_request(anyone, carol, monkeypatch):
    said = []
    monkeypatch.setattr("accounts.mail._", lambda text: said.append(get_language()) or text)
    anyone.post(RESET, {"email": "alice@example.com"}, Accept_Language="ru")
    assert set(said) == {"ru"}


def test_the_answer_does_not_tell_whether_the_address_is_known(anyone, carol, bob):
    inactive = User.objects.create_user("inactive", "inactive@example.com", PASSWORD, is_active=False)
    known = anyone.post(RESET, {"email": "alice@example.com"})
    for email in ("nobody@example.com", bob.email, inactive.email):
        unknown = anyone.post(RESET, {"email": email})
        assert (unknown.status_code, unknown.content) == (known.status_code, known.content) == (204, b"")
        assert set(unknown.headers) == set(known.headers)
    assert [letter.to for letter in mail.outbox] == [["alice@example.com"]]


@pytest.mark.parametrize("failure", [ConnectionRefusedError(), smtplib.SMTPRecipientsRefused({}), TimeoutError()])
def test_nor_does_a_mail_server_that_fails(anyone, carol, monkeypatch, caplog, failure):
    def fail(*_args, **_kwargs):
        raise failure

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    assert anyone.post(RESET, {"email": "alice@example.com"}).status_code == 204
    assert f"user {carol.pk}" in caplog.text


@pytest.mark.parametrize(
    "email", ["nonsense", "", None, 1, " alice@example.com", "alice@example.com\nBcc: bob@example.com"]
)
def test_no_letter_goes_to_what_is_no_address(anyone, carol, email):
    assert set(codes(anyone.post(RESET, {"email": email}))) == {"email"}
    assert mail.outbox == []


def spoiled(user: User, spoil: str) -> str:
    token = default_token_generator.make_token(user)
    match spoil:
        case "password":
            user.change_password(PASSWORD)
        case "email":
            user.change_email("new@example.com")
        case "inactive":
            User.objects.filter(pk=user.pk).update(is_active=False)
        case "forged":
            token = token[:-1] + ("0" if token[-1] != "0" else "1")
        case "another":
            token = default_token_generator.make_token(User.objects.get(username="bob"))
    return token


@pytest.mark.parametrize("spoil", ["password", "email", "inactive", "forged", "another"])
def test_a_reset_ends_with_what_it_was_asked_for(anyone, carol, bob, spoil):
    token = spoiled(carol, spoil)
    before = User.objects.values().get(pk=carol.pk)
    body = {"user_id": carol.pk, "token": token, "new_password": NEW}
    assert codes(anyone.post(CONFIRM, body)) == {"token": "invalid_token"}
    assert User.objects.values().get(pk=carol.pk) == before


def test_a_reset_ends_after_its_time(anyone, carol, settings):
    token = default_token_generator.make_token(carol)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert codes(anyone.post(CONFIRM, {"user_id": carol.pk, "token": token, "new_password": NEW}))
    assert password_is(carol, PASSWORD)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": 2**62}, "token"),
        ({"user_id": "1"}, "user_id"),
        ({"user_id": 2**63}, "user_id"),
        ({"user_id": True}, "user_id"),
        ({"token": "x" * 201}, "token"),
        ({"token": "-"}, "token"),
        ({"token": "\u00e9-\u00e9"}, "token"),
        ({"token": None}, "token"),
        ({"new_password": "password"}, "new_password"),
        ({"new_password": "short"}, "new_password"),
    ],
)
def test_a_wrong_reset_changes_nothing(anyone, carol, change, field):
    body = {"user_id": carol.pk, "token": default_token_generator.make_token(carol), "new_password": NEW}
    assert set(codes(anyone.post(CONFIRM, body | change))) == {field}
    assert password_is(carol, PASSWORD)
    assert Token.objects.filter(user=carol).exists()
    assert anyone.post(CONFIRM, body).status_code == 204
