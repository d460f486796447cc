"""Rate limits are exact, believe no header that anybody can write, and cannot be turned against a victim."""

import datetime as dt

import pytest
from django.db.models import F

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from api.models import RateWindow
from tests.calling import Caller
from tests.racing import race

LOGIN, REGISTER, RESET = "/api/auth/login", "/api/auth/register", "/api/auth/password-reset"


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.RATE_LIMITS = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def at(address: str) -> Caller:
    caller = Caller()
    caller.client.defaults["REMOTE_ADDR"] = address
    return caller


def log_in(caller, username="nobody", password="wrong", **headers) -> int:
    answer = caller.post(LOGIN, {"username": username, "password": password}, **headers)
    if answer.status_code == 429:
        assert answer.json()["code"] == "throttled"
        assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code


def pass_time(seconds: int) -> None:
    """Let the windows be that much older."""
    RateWindow.objects.update(ends_at=F("ends_at") - dt.timedelta(seconds=seconds))


def test_an_address_logs_in_ten_times_a_minute(anyone):
    assert [log_in(anyone, f"name{number}") for number in range(12)] == [401] * 10 + [429] * 2
    pass_time(61)
    assert log_in(anyone) == 401


def test_a_name_is_tried_five_times_in_fifteen_minutes_from_an_address(anyone, db):
    UserFactory(username="carol", with_password=True)
    tries = [log_in(anyone, "carol") for _ in range(7)]
    assert tries == [401] * 5 + [429] * 2
    assert log_in(anyone, "CAROL", PASSWORD) == 429
    assert log_in(at("10.0.0.2"), "carol", PASSWORD) == 200
    pass_time(899)
    assert log_in(anyone, "carol", PASSWORD) == 429
    pass_time(2)
    assert log_in(anyone, "carol", PASSWORD) == 200


def test_more_tries_do_not_make_it_longer(anyone):
    for _ in range(6):
        log_in(anyone)
    ends = list(RateWindow.objects.order_by("key").values_list("ends_at", flat=True))
    waits = [int(anyone.post(LOGIN, {"username": "nobody", "password": "x"})["Retry-After"]) for _ in range(3)]
    assert list(RateWindow.objects.order_by("key").values_list("ends_at", flat=True)) == ends
    assert waits == sorted(waits, reverse=True)
    assert 880 < waits[0] <= 900


def test_the_name_and_the_address_of_a_user_are_one_name(anyone, alice):
    bodies = [{"username": "alice"}, {"email": "alice@example.com"}, {"email": "ALICE@example.com"}] * 2
    statuses = [anyone.post(LOGIN, body | {"password": "x"}).status_code for body in bodies]
    assert statuses == [401] * 5 + [429]


def test_an_address_registers_twenty_an_hour(anyone):
    statuses = [anyone.post(REGISTER, {}).status_code for _ in range(21)]
    assert statuses == [400] * 20 + [429]
    answer = anyone.post(REGISTER, {"username": "carol", "email": "c@example.com", "password": PASSWORD})
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert not User.objects.exists()
    assert at("10.0.0.2").post(REGISTER, {}).status_code == 400


def test_an_address_asks_for_five_resets_an_hour(anyone, mailoutbox, db):
    UserFactory(username="carol", with_password=True)
    statuses = [anyone.post(RESET, {"email": "carol@example.com"}).status_code for _ in range(6)]
    assert statuses == [204] * 5 + [429]
    assert len(mailoutbox) == 5


def test_a_stolen_token_does_not_try_passwords_for_long(as_alice):
    body = {"old_password": "wrong", "new_password": "another correct horse"}
    statuses = [as_alice.post("/api/auth/change-password", body).status_code for _ in range(6)]
    assert statuses == [400] * 5 + [429]


def test_what_needs_no_limit_has_none(anyone, as_alice, plan):
    assert {anyone.get("/api/plans/").status_code for _ in range(30)} == {200}
    assert {as_alice.get("/api/auth/me").status_code for _ in range(30)} == {200}
    assert not RateWindow.objects.exists()


def test_switched_off_they_count_nothing(anyone, settings):
    settings.RATE_LIMITS = False
    assert {log_in(anyone) for _ in range(12)} == {401}
    assert not RateWindow.objects.exists()


def test_each_limit_is_a_setting(anyone, settings):
    settings.RATES = settings.RATES | {"login_address": (2, 60)}
    assert [log_in(anyone, f"name{number}") for number in range(3)] == [401, 401, 429]


@pytest.mark.parametrize("forged", ["X_Forwarded_For", "Forwarded", "X_Real_IP", "X_Client_IP", "Client_IP"])
def test_without_a_proxy_no_header_is_believed(anyone, forged):
    tries = [log_in(anyone, f"name{n}", **{forged: f"10.0.0.{n}"}) for n in range(11)]
    assert tries == [401] * 10 + [429]


def behind(settings, proxies: int) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": proxies}


@pytest.mark.parametrize(("proxies", "trail"), [(1, "10.9.9.{}, 10.0.0.1"), (2, "10.9.9.{}, 10.0.0.1, 10.0.0.2")])
def test_behind_proxies_the_entry_that_they_wrote_is_believed(anyone, settings, proxies, trail):
    behind(settings, proxies)
    tries = [log_in(anyone, f"name{n}", X_Forwarded_For=trail.format(n)) for n in range(11)]
    assert tries == [401] * 10 + [429]


def test_behind_a_proxy_callers_are_told_apart(anyone, settings):
    behind(settings, 1)
    tries = [log_in(anyone, f"name{n}", X_Forwarded_For=f"10.0.0.{n}") for n in range(11)]
    assert tries == [401] * 11


def test_no_address_is_stored(anyone):
    log_in(anyone, "carol-the-nobody")
    assert not [window for window in RateWindow.objects.values_list("key", flat=True) if len(window) != 64]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_many_at_once_exactly_as_many_pass_as_may():
    outcomes = race(*[lambda: log_in(Caller(), "carol")] * 16)
    assert sorted(outcomes) == [401] * 5 + [429] * 11
