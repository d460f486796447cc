"""Becoming a customer: what a name, an address and a password may be."""

import pytest

from accounts.models import User
from accounts.names import email_key, normalise_email

REGISTER = "/api/auth/register"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap_hashes(settings):
    """Passwords are hashed in most of these, and that is not what they are about."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def register(anyone, **fields):
    return anyone.post(REGISTER, {"username": "carol", "email": "carol@example.com", "password": PASSWORD} | fields)


def refused(answer, field, code=None):
    """Assert that the field alone was refused and that nobody was registered."""
    assert answer.status_code == 400, answer.content
    errors = answer.json()["errors"]
    assert {error["field"] for error in errors} == {field}
    assert code is None or code in {error["code"] for error in errors}
    assert not User.objects.filter(is_staff=False).exclude(username="alice").exists()


def test_a_customer_registers(anyone):
    answer = register(anyone)
    user = User.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {"id": user.pk, "username": "carol", "email": "carol@example.com"}
    assert user.check_password(PASSWORD)
    assert (user.is_active, user.is_staff, user.is_superuser, user.is_service) == (True, False, False, False)


def test_a_bad_token_does_not_matter(anyone):
    assert anyone.post(REGISTER, {}, Authorization="Token wrong").status_code == 400


@pytest.mark.parametrize("username", ["abc", "a" * 32, "A.b_c-9", "...", "123", "-_-"])
def test_a_name_of_ascii_letters_digits_and_three_signs_is_taken_as_it_is(anyone, username):
    assert register(anyone, username=username).json()["username"] == username


BAD_USERNAMES = {
    "two characters": "ab",
    "33 characters": "a" * 33,
    "10,000 characters": "a" * 10_000,
    "nothing": "",
    "white space": "   ",
    "a space in it": "ca rol",
    "a space before it": " carol",
    "a space after it": "carol ",
    "a newline after it": "carol\n",
    "a tab after it": "carol\t",
    "a no-break space after it": "carol\u00a0",
    "an escape": "car\u001bol",
    "a zero-width space": "car\u200bol",
    "a zero-width joiner": "carol\u200d",
    "a soft hyphen": "car\u00adol",
    "a right-to-left mark": "carol\u202e",
    "a byte order mark": "\ufeffcarol",
    "a Cyrillic look-alike": "c\u0430rol",
    "a Greek look-alike": "car\u03bfl",
    "a long s that folds to s": "aliſe",
    "a Kelvin sign that folds to k": "\u212aarol",
    "a dotted capital i": "\u0130van",
    "full-width letters": "ｃａｒｏｌ",
    "composed": "ren\u00e9e",
    "decomposed": "rene\u0301e",
    "other scripts' digits": "carol\u0661",
    "an at sign": "carol@example.com",
    "a plus": "carol+1",
    "a slash": "ca/rol",
    "emoji": "carol🙂",
}


@pytest.mark.parametrize("username", BAD_USERNAMES.values(), ids=BAD_USERNAMES)
def test_any_other_name_is_refused(anyone, username):
    refused(register(anyone, username=username), "username")


@pytest.mark.parametrize("username", ["alice", "Alice", "ALICE"])
def test_a_name_is_taken_in_whatever_case(anyone, alice, username):
    refused(register(anyone, username=username), "username", "taken")


@pytest.mark.parametrize("email", ["alice@example.com", "ALICE@example.com", "Alice@Example.COM"])
def test_an_address_is_taken_in_whatever_case(anyone, alice, email):
    refused(register(anyone, email=email), "email", "taken")


@pytest.mark.parametrize(
    ("email", "kept"),
    [
        ("Carol@Example.COM", "Carol@example.com"),
        ("carol+tag@example.com", "carol+tag@example.com"),
        ("carol@почта.рф", "carol@почта.рф"),
        ("carol@ПОЧТА.рф", "carol@почта.рф"),
        ("carol@ｅｘａｍｐｌｅ.com", "carol@example.com"),
        ("o'carol@example.com", "o'carol@example.com"),
        ("c@" + "a" * 60 + ".example", "c@" + "a" * 60 + ".example"),
    ],
)
def test_an_address_keeps_its_local_part_and_has_its_domain_in_lower_case(anyone, email, kept):
    answer = register(anyone, email=email)
    assert (answer.status_code, answer.json()["email"]) == (201, kept)


def test_a_domain_in_either_of_its_forms_is_one_address(anyone):
    assert register(anyone, email="carol@почта.рф").status_code == 201
    answer = register(anyone, username="dave", email="Carol@xn--80a1acny.xn--p1ai")
    assert [error["code"] for error in answer.json()["errors"]] == ["taken"]
    assert User.objects.count() == 1


LONGEST = "c" * 60 + "@" + ".".join(["a" * 60] * 3) + "." + "b" * 10
BAD_EMAILS = {
    "nothing": "",
    "no at sign": "carol.example.com",
    "no local part": "@example.com",
    "no domain": "carol@",
    "two at signs": "carol@@example.com",
    "two addresses": "carol@example.com,dave@example.com",
    "255 characters": LONGEST.replace("@", "@a"),
    "10,000 characters": "a" * 10_000 + "@example.com",
    "a domain that is too long in ASCII": "c@" + "中." * 120 + "com",
    "a domain that grows when it is normalised": "c@" + "ﷺ" * 60 + ".com",
    "a name beside it": "Carol <carol@example.com>",
    "only brackets": "<carol@example.com>",
    "a scheme": "mailto:carol@example.com?x",
    "a dot after it": "carol@example.com.",
    "two dots": "carol@example..com",
    "a dot before the at sign": "carol.@example.com",
    "a space before it": " carol@example.com",
    "a space after it": "carol@example.com ",
    "a space in it": "ca rol@example.com",
    "a newline after it": "carol@example.com\n",
    "a header in it": "carol@example.com\nBcc: dave@example.com",
    "a NUL-like control": "carol\u0001@example.com",
    "a control in quotes": '"\u0001"@example.com',
    "a delete in quotes": '"\u007f"@example.com',
    "a space in quotes": '"ca rol"@example.com',
    "a no-break space after it": "carol@example.com\u00a0",
    "a zero-width space": "carol\u200b@example.com",
    "a Cyrillic local part": "кэрол@example.com",
    "a Kelvin sign in the local part": "\u212aarol@example.com",
    "a dotless i in the local part": "m\u0131ke@example.com",
    "an underscore in the domain": "carol@exa_mple.com",
    "a hyphen before the domain": "carol@-example.com",
}


@pytest.mark.parametrize("email", BAD_EMAILS.values(), ids=BAD_EMAILS)
def test_what_is_no_plain_address_is_refused(anyone, email):
    refused(register(anyone, email=email), "email")


def test_254_characters_of_an_address_are_kept(anyone):
    assert len(LONGEST) == 254
    assert register(anyone, email=LONGEST).json()["email"] == LONGEST


@pytest.mark.parametrize("email", ["A@B.example", "a@Ｂ.example", "a@б.рф", "a@faß.de"])
def test_what_is_normal_stays_so_and_has_the_same_key(email):
    normal = normalise_email(email)
    assert normalise_email(normal) == normal
    assert email_key(normal) == email_key(email)


@pytest.mark.parametrize("password", ["xk7qvw2m", "пароль-для-кассы", "🙂" * 8, "x y" * 85 + "z", "tab\tinside it"])
def test_8_to_256_characters_are_a_password(anyone, password):
    assert register(anyone, password=password).status_code == 201
    assert User.objects.get().check_password(password)


BAD_PASSWORDS = {
    "7 characters": "aB3$xyz",
    "257 characters": "aB3$" * 64 + "x",
    "10,000 characters": "aB3$" * 2_500,
    "nothing": "",
    "8 spaces": " " * 8,
    "a space before it": " correct horse",
    "a space after it": "correct horse ",
    "a newline after it": "correct horse\n",
    "a no-break space after it": "correct horse\u00a0",
    "digits only": "8472910365",
    "the commonest": "password",
    "a common one": "iloveyou",
    "a common one in capitals": "SUNSHINE1",
    "the username": "carol-of-the-bells",
    "nearly the username": "carol-of-the-bell5",
    "the address": "carol@bells.example",
}


@pytest.mark.parametrize("password", BAD_PASSWORDS.values(), ids=BAD_PASSWORDS)
def test_a_password_that_is_easily_guessed_or_mistyped_is_refused(anyone, password):
    names = {"username": "carol-of-the-bells", "email": "carol@bells.example"}
    refused(register(anyone, password=password, **names), "password")


@pytest.mark.parametrize("field", ["username", "email", "password"])
@pytest.mark.parametrize("value", [None, True, 0, 12345678, 1.5, [], ["carol-dave"], {}, {"a": "b"}], ids=repr)
def test_text_is_a_json_string_and_nothing_else(anyone, field, value):
    refused(register(anyone, **{field: value}), field)


@pytest.mark.parametrize("field", ["username", "email", "password"])
def test_each_field_is_required(anyone, field):
    body = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    del body[field]
    refused(anyone.post(REGISTER, body), field, "required")


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "is_active", "id", "groups", "password_hash"])
def test_nobody_makes_themself_staff(anyone, field):
    refused(register(anyone, **{field: True}), field, "unknown_field")
