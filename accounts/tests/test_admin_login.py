"""The door of the admin: the same answer for whatever is wrong, and not too many tries."""

import pytest
from django.contrib import admin
from django.test import Client

from accounts.tests.factories import PASSWORD, UserFactory

LOGIN = "/admin/login/"


@pytest.fixture
def door(settings):
    """A browser before the door, with the limits in force."""
    settings.RATE_LIMITS = True
    settings.RATES = settings.RATES | {"login_address": (100, 60), "login_name": (5, 900)}
    return Client(HTTP_HOST="localhost")


def log_in(client, username, password=PASSWORD, **headers):
    return client.post(LOGIN, {"username": username, "password": password, "next": "/admin/"}, **headers)


def words(answer):
    return [str(error) for error in answer.context["form"].non_field_errors()]


@pytest.fixture
def olga(db):
    return UserFactory(username="olga", is_staff=True, with_password=True)


def test_staff_enter_whatever_the_case_of_their_name(door, olga):
    assert log_in(door, "OLGA").status_code == 302
    assert door.get("/admin/").status_code == 200


def test_unknown_wrong_inactive_and_customers_get_the_same_words(door, olga):
    UserFactory(username="gone", is_staff=True, is_active=False, with_password=True)
    UserFactory(username="alice", with_password=True)
    answers = [log_in(door, "olga", "wrong"), log_in(door, "nobody"), log_in(door, "gone"), log_in(door, "alice")]
    assert {answer.status_code for answer in answers} == {200}
    assert len({tuple(words(answer)) for answer in answers}) == 1


def test_the_sixth_try_for_a_name_is_refused_in_words_even_with_the_right_password(door, olga):
    for _ in range(5):
        log_in(door, "olga", "wrong")
    answer = log_in(door, "Olga")
    assert "Too many attempts" in words(answer)[0]
    assert door.get("/admin/").status_code == 302


def test_the_api_and_the_admin_count_together(door, olga):
    for _ in range(5):
        door.post("/api/auth/login", {"username": "olga", "password": "wrong!"}, content_type="application/json")
    assert "Too many attempts" in words(log_in(door, "olga"))[0]


def test_another_address_is_not_locked_out(door, olga):
    for _ in range(6):
        log_in(door, "olga", "wrong")
    assert log_in(door, "olga", REMOTE_ADDR="192.0.2.7").status_code == 302


def test_a_forged_header_makes_no_new_address(door, olga):
    for number in range(5):
        log_in(door, "olga", "wrong", headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert "Too many attempts" in words(log_in(door, "olga", headers={"X-Forwarded-For": "198.51.100.9"}))[0]


def test_one_address_cannot_try_many_names(door, settings, olga):
    settings.RATES = settings.RATES | {"login_address": (3, 60)}
    for number in range(3):
        log_in(door, f"name{number}", "wrong")
    assert "Too many attempts" in words(log_in(door, "olga"))[0]


@pytest.mark.parametrize("name", ["", "x" * 5000, "ольга", "olga\u200b", "' OR 1=1 --"])
def test_odd_names_are_only_wrong(door, olga, name):
    assert log_in(door, name).status_code == 200
    assert door.get("/admin/").status_code == 302


def test_a_password_of_a_megabyte_is_no_fault_of_the_server(door, olga):
    assert log_in(door, "olga", "x" * 1_000_000).status_code in (200, 400)


def test_every_model_in_the_admin_is_meant_to_be_there():
    names = {model._meta.label for model in admin.site._registry}
    assert names == {
        "accounts.User", "auth.Group", "journal.Event", "payments.Payment", "payments.Receipt", "payments.Refund",
        "payments.Reversal", "subscriptions.Plan", "subscriptions.Subscription",
    }  # fmt: skip
