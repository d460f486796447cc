"""The same key many times at once, and what a control without the lock, or without the key, does instead."""

from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import connection, transaction

from api.models import IdempotencyKey
from api.repeats import Repeat
from api.tests.counting import CountViewSet, hits
from tests.calling import Caller
from tests.racing import race
from tests.sessions import locked, session, wait_until, waiting

COUNTS = "/api/counts"
pytestmark = [pytest.mark.urls("api.tests.counting"), pytest.mark.django_db(transaction=True, serialized_rollback=True)]


def at_once(user, number, **headers):
    """Post so many times at once."""
    callers = [Caller() for _ in range(number)]
    token = f"Token {Caller(user).token}"
    return race(*[lambda caller=caller: caller.post(COUNTS, Authorization=token, **headers) for caller in callers])


KEY = {"Idempotency_Key": "k-1"}


def kinds(answers):
    """Return how each was answered: done, replayed, or the code of the refusal."""
    return sorted(
        answer.json()["code"]
        if answer.status_code >= 400
        else "replayed"
        if "Idempotent-Replayed" in answer.headers
        else "done"
        for answer in answers
    )


def test_of_twenty_at_once_one_is_done_and_all_others_get_its_answer(alice):
    answers = at_once(alice, 20, **KEY)
    assert kinds(answers) == ["done", *["replayed"] * 19]
    assert len({answer.content for answer in answers}) == 1
    assert hits() == 1


def test_in_a_control_without_a_key_each_is_done(alice):
    at_once(alice, 5)
    assert hits() == 5


def test_in_a_control_without_the_lock_the_second_works_for_nothing_and_gets_no_answer(alice, monkeypatch):
    point = Barrier(2)
    monkeypatch.setattr(Repeat, "lock", lambda repeat: None)
    monkeypatch.setattr(CountViewSet, "count_one", meeting_once(point, CountViewSet.count_one))
    assert kinds(at_once(alice, 2, **KEY)) == ["conflict", "done"]
    assert hits() == 1


def test_with_the_lock_they_do_not_even_meet(alice, monkeypatch):
    monkeypatch.setattr(CountViewSet, "count_one", meeting_once(Barrier(2), CountViewSet.count_one, patience=0.3))
    assert kinds(at_once(alice, 2, **KEY)) == ["done", "replayed"]
    assert hits() == 1


def meeting_once(point, act, patience=10):
    """Return `act` made to wait for a second one, for a while."""

    def wait_and_act(*args):
        with suppress(BrokenBarrierError):
            point.wait(patience)
        return act(*args)

    return wait_and_act


def keys_held() -> int:
    with session() as other:
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        return other.execute(held).fetchone()[0]


def test_while_the_first_runs_the_second_is_told_to_come_again(alice):
    assert Caller(alice).post(COUNTS).status_code == 201

    def second():
        wait_until(lambda: keys_held() and waiting())
        answer = Caller(alice).post(COUNTS, Idempotency_Key="k-1")
        others = Caller(alice).post(COUNTS, {"names": ["two"]}, Idempotency_Key="k-2")
        released.append(answer)
        return answer, others

    def hold():
        with locked("api_ratewindow", "key", "one"):
            wait_until(lambda: released)

    def first():
        wait_until(holding)
        return Caller(alice).post(COUNTS, Idempotency_Key="k-1")

    def holding():
        with session() as other:
            return not other.execute("SELECT 1 FROM api_ratewindow WHERE key = 'one' FOR UPDATE SKIP LOCKED").fetchall()

    released = []
    _held, done, (answer, others) = race(hold, first, second)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
    assert int(answer["Retry-After"]) > 0
    assert (done.status_code, others.status_code) == (201, 201)
    again = Caller(alice).post(COUNTS, Idempotency_Key="k-1")
    assert (again["Idempotent-Replayed"], again.content) == ("true", done.content)
    assert hits() == 2
    assert IdempotencyKey.objects.count() == 2


def test_waiting_for_a_key_leaves_the_time_to_wait_for_rows_as_it_was(alice):
    repeat = Repeat("ab" * 32, "")
    number = int.from_bytes(bytes.fromhex("ab" * 8), signed=True)

    def hold():
        with session() as other, other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(%s)", [number])
            wait_until(waiting)

    def wait():
        wait_until(keys_held)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '7s'")
            repeat.lock()
            cursor.execute("SHOW lock_timeout")
            return cursor.fetchone()

    assert race(hold, wait)[1] == ("7s",)
