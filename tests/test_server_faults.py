"""The real server, when it is killed, when its database loses an answer, and when that is no primary any more."""

import json
import secrets

import pytest
from django.db import connection

from accounts.models import Token
from api.models import IdempotencyKey
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory
from tests.losing import losing_wire
from tests.racing import race
from tests.serving import NOWHERE, serving
from tests.sessions import database_url, locked, session, wait_until, waiting

SUBSCRIBE = "/api/subscriptions/"
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def subscribe(alice, plan):
    """Subscribe Alice through a server, under one key unless told otherwise."""
    token = Token.issue(alice)[1]

    def send(server, key="k-1", plan_name="pro"):
        headers = {"Authorization": f"Token {token}"} | ({"Idempotency_Key": key} if key else {})
        status, headers, body = server.request("POST", SUBSCRIBE, json.dumps({"plan_name": plan_name}), **headers)
        return status, headers, json.loads(body)

    return send


def replayed(answer) -> bool:
    return answer[1]["Idempotent-Replayed"] == "true"


def sessions_called(name: str) -> int:
    """Return how many sessions of this database say that they are called so."""
    with session() as other:
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
        return other.execute(count, [name]).fetchone()[0]


def test_of_twenty_at_once_at_two_processes_one_is_done(subscribe):
    with serving(database_url(), workers=2) as server:
        answers = race(*[lambda: subscribe(server)] * 20)
    assert [answer[0] for answer in answers] == [201] * 20
    assert sum(map(replayed, answers)) == 19
    assert len({answer[2]["id"] for answer in answers}) == 1
    assert Subscription.objects.count() == IdempotencyKey.objects.count() == 1


def test_a_kept_answer_outlives_the_server(subscribe):
    secret = secrets.token_urlsafe(64)
    with serving(database_url(), SECRET_KEY=secret) as server:
        first = subscribe(server)
    with serving(database_url(), SECRET_KEY=secret) as server:
        again = subscribe(server)
    assert (first[0], first[2]) == (again[0], again[2])
    assert replayed(again)


def test_killed_in_the_middle_it_leaves_neither_work_nor_key(subscribe, alice):
    with serving(f"{database_url()}?application_name=killed") as server:

        def kill():
            with locked("accounts_user", "id", alice.pk):
                wait_until(waiting)
                assert sessions_called("killed")
                server.kill()

        broken, killed = race(lambda: subscribe(server), kill)
        assert isinstance(broken, OSError)
        assert killed is None, killed
    wait_until(lambda: not sessions_called("killed"))
    assert not Subscription.objects.exists()
    assert not IdempotencyKey.objects.exists()
    with serving(database_url()) as server:
        answer = subscribe(server)
    assert (answer[0], replayed(answer)) == (201, False)


def test_where_the_answer_to_a_commit_is_lost_the_caller_is_told_so_and_a_repeat_is_harmless(subscribe):
    given = connection.settings_dict
    with losing_wire(given["HOST"], int(given["PORT"])) as wire, serving(database_url(wire.port)) as server:
        wire.losing.set()
        status, headers, problem = subscribe(server)
        assert wire.lost.wait(10)
        assert (status, problem["code"]) == (503, "unavailable")
        assert "not known" in problem["detail"]
        assert headers["Retry-After"]
        wait_until(Subscription.objects.exists)
        again = subscribe(server)
        assert (again[0], replayed(again)) == (201, True)
        assert again[2]["id"] == Subscription.objects.get().pk
        without_key = subscribe(server, key=None)
        assert (without_key[0], without_key[2]["code"]) == (409, "subscription_exists")


def test_a_pool_of_connections_to_a_server_that_is_not_the_primary_any_more_is_emptied(subscribe):
    PlanFactory(name="another")
    role = "ALTER ROLE CURRENT_USER IN DATABASE {} {} default_transaction_read_only {}"
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with session() as other, serving(database_url()) as server:
        other.execute(role.format(name, "SET", "= on"))
        try:
            race(*[lambda: server.request("GET", "/api/plans/")] * 6)
        finally:
            other.execute(role.format(name, "RESET", ""))
        assert subscribe(server)[0] == 503
        answers = race(lambda: subscribe(server), lambda: subscribe(server, "k-2", "another"))
        assert [answer[0] for answer in answers] == [201, 201]


@pytest.mark.parametrize(("language", "words"), [("en", "not available at the moment"), ("ru", "недоступ")])
def test_people_are_told_in_words_that_the_database_is_away(language, words):
    with serving(NOWHERE) as server:
        status, headers, body = server.request(
            "GET", "/admin/", Cookie="sessionid=0123456789abcdef", Accept_Language=language
        )
    assert (status, headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert int(headers["Retry-After"]) > 0
    assert words in body.decode()
