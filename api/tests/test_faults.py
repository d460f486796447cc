"""What a caller is told when the database fails, by a real PostgreSQL wherever it can be made to fail so."""

import time
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import User
from api.models import IdempotencyKey
from api.problems import Conflict, answers_constraint, constraint_answers
from api.tests.counting import CountViewSet, hits
from tests.calling import Caller
from tests.racing import race
from tests.sessions import locked, trigger
from transactions import retrying

COUNTS, TABLE = "/api/counts", "api_ratewindow"
pytestmark = [pytest.mark.urls("api.tests.counting"), pytest.mark.django_db(transaction=True, serialized_rollback=True)]


@pytest.fixture(autouse=True)
def connection_of_its_own():
    """Leave no timeout of this test to the next."""
    yield
    connection.close()


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def unavailable(answer):
    """Return what the answer says of itself, which is that the database is away or busy."""
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert int(answer["Retry-After"]) > 0
    return answer.json()["detail"]


def works(caller, **headers):
    """Tell whether the same request is done now."""
    before = hits()
    return caller.post(COUNTS, **headers).status_code == 201 and hits() == before + 1


@pytest.mark.parametrize("limit", ["lock_timeout", "statement_timeout"])
def test_what_waits_too_long_for_a_row_is_503_and_works_later(as_alice, limit):
    assert works(as_alice)
    run(f"SET {limit} = '200ms'")
    with locked(TABLE, "key", "one"):
        assert "committed" not in unavailable(as_alice.post(COUNTS, Idempotency_Key="k-1"))
    assert hits() == 1
    assert not IdempotencyKey.objects.exists()
    assert works(as_alice, Idempotency_Key="k-1")


@pytest.mark.parametrize("state", ["53100", "53200", "53300", "57014", "55P03", "25P03", "08006", "57P03"])
def test_a_disk_that_is_full_and_the_like_are_503_and_nothing_has_changed(as_alice, state):
    with trigger(TABLE, f"RAISE EXCEPTION 'no' USING ERRCODE = '{state}';"):
        unavailable(as_alice.post(COUNTS, Idempotency_Key="k-1"))
    assert hits() == 0
    assert works(as_alice, Idempotency_Key="k-1")


# --- Retried


def crossing(monkeypatch):
    """Have two requests each take the first of two rows before either takes the second; later tries are on their own."""
    point, met = Barrier(2), []

    def meet(_view):
        met.append(1)
        if len(met) <= 2:
            point.wait(10)

    monkeypatch.setattr(CountViewSet, "between", meet)


def crosswise(alice, bob):
    hers, his = Caller(alice), Caller(bob)
    return race(
        lambda: hers.post(COUNTS, {"names": ["one", "two"]}, Idempotency_Key="k-1"),
        lambda: his.post(COUNTS, {"names": ["two", "one"]}),
    )


@pytest.fixture
def two_rows(as_alice):
    as_alice.post(COUNTS, {"names": ["one", "two"]})


def test_the_victim_of_a_deadlock_is_done_again(alice, bob, two_rows, monkeypatch):
    crossing(monkeypatch)
    assert [answer.status_code for answer in crosswise(alice, bob)] == [201, 201]
    assert (hits("one"), hits("two")) == (3, 3)


def test_in_a_control_without_a_second_try_it_is_503(alice, bob, two_rows, monkeypatch):
    crossing(monkeypatch)
    monkeypatch.setattr(retrying, "TRIES", 1)
    assert sorted(answer.status_code for answer in crosswise(alice, bob)) == [201, 503]
    assert (hits("one"), hits("two")) == (2, 2)


@pytest.mark.parametrize("at_commit", [False, True])
@pytest.mark.parametrize("state", ["40001", "40P01"])
@pytest.mark.parametrize(("failures", "status"), [(2, 201), (3, 503)])
def test_three_tries_and_no_more_are_made_also_where_commit_fails(as_alice, at_commit, state, failures, status):
    run("CREATE SEQUENCE tries")
    body = f"IF nextval('tries') <= {failures} THEN RAISE EXCEPTION 'again' USING ERRCODE = '{state}'; END IF;"
    try:
        with trigger("api_idempotencykey", body, at_commit=at_commit):
            answer = as_alice.post(COUNTS, Idempotency_Key="k-1")
    finally:
        run("DROP SEQUENCE tries")
    assert answer.status_code == status
    assert hits() == (status == 201)
    assert IdempotencyKey.objects.count() == (status == 201)


def test_a_second_try_begins_from_the_beginning(alice, settings):
    """The first try has set the new password on its copy of the user, which a second must not find there."""
    settings.ROOT_URLCONF = "billing_project.urls"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    alice.set_password("correct horse battery")
    alice.save(update_fields=["password"])
    caller = Caller(alice)
    run("CREATE SEQUENCE tries")
    body = "IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF;"
    change = {"old_password": "correct horse battery", "new_password": "another correct horse"}
    try:
        with trigger("accounts_user", body, at_commit=True):
            assert caller.post("/api/auth/change-password", change).status_code == 204
    finally:
        run("DROP SEQUENCE tries")
    assert User.objects.get(pk=alice.pk).check_password("another correct horse")


# --- Connections that end


def test_a_connection_killed_in_the_middle_has_changed_nothing(as_alice):
    with trigger(TABLE, "PERFORM pg_terminate_backend(pg_backend_pid());"):
        detail = unavailable(as_alice.post(COUNTS, Idempotency_Key="k-1"))
    assert "not known" not in detail
    assert hits() == 0
    assert works(as_alice, Idempotency_Key="k-1")


@pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "k-1"}])
def test_one_killed_at_commit_is_said_to_be_in_doubt_and_not_tried_again(as_alice, key):
    with trigger(TABLE, "PERFORM pg_terminate_backend(pg_backend_pid());", at_commit=True):
        detail = unavailable(as_alice.post(COUNTS, **key))
    assert "not known" in detail
    assert hits() == 0
    assert works(as_alice, **key)


def test_one_that_idled_within_its_transaction_is_503(as_alice, monkeypatch):
    monkeypatch.setattr(CountViewSet, "between", lambda _view: time.sleep(0.5))
    run("SET idle_in_transaction_session_timeout = '100ms'")
    unavailable(as_alice.post(COUNTS, {"names": ["one", "two"]}))
    assert hits() == 0
    assert works(as_alice)


def test_a_server_that_is_not_the_primary_any_more_is_left(as_alice):
    assert works(as_alice)
    run("SET default_transaction_read_only = on")
    assert as_alice.get(f"{COUNTS}/one").status_code == 200
    unavailable(as_alice.post(COUNTS))
    assert works(as_alice), "the next request connects anew"


# --- What triggers say


def test_a_trigger_answers_by_the_name_that_it_gives(as_alice):
    class Stubborn(Conflict):
        code = "stubborn"

    answers_constraint("never_again", "nor_this")(Stubborn)
    try:
        for name, code in (("never_again", "stubborn"), ("nor_this", "stubborn"), ("unheard_of", "conflict")):
            with trigger(TABLE, f"RAISE EXCEPTION 'no' USING ERRCODE = 'P0001', CONSTRAINT = '{name}';"):
                refused, again = (as_alice.post(COUNTS, Idempotency_Key=name) for _ in range(2))
            assert (refused.status_code, refused.json()["code"]) == (409, code)
            assert again.content == refused.content
    finally:
        del constraint_answers["never_again"], constraint_answers["nor_this"]
    assert hits() == 0
