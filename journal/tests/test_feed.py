"""GET /api/events/: who may read, how an event reads, what is asked for and how to go on."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from journal.models import Event
from journal.tests.sessions import add_group, execute
from journal.triggers import attach
from tests.calling import Caller
from transactions.acting import Actor, Channel, acting, because

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
FEED = "/api/events/"


@pytest.fixture
def as_auditor(powerless_staff):
    """Pavel, who may read the journal and nothing else."""
    powerless_staff.user_permissions.add(Permission.objects.get(codename="view_event"))
    return Caller(powerless_staff)


@pytest.fixture
def start(as_auditor):
    """The number of the last event before the test does anything."""
    return Event.objects.order_by("seq").last().seq


def test_an_event_reads_as_the_contract_says(as_auditor, alice, staff):
    start = Event.objects.order_by("seq").last().seq
    with acting(Actor.of(staff), Channel.ADMIN, "5f1c2d"):
        because("She asked.")
        execute(connection, "UPDATE accounts_user SET is_active = false WHERE id = %s", alice.pk)
    answer = as_auditor.get(f"{FEED}?after={start}")
    assert answer.status_code == 200
    page = answer.json()
    assert (page["next"], page["previous"], len(page["results"])) == (None, None, 1)
    (event,) = page["results"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event.pop("at"))
    assert event.pop("seq") > start
    assert event == {
        "kind": "user.changed",
        "object": {"type": "user", "id": alice.pk},
        "user_id": alice.pk,
        "actor": {"type": "user", "id": staff.pk, "name": "olga"},
        "channel": "admin",
        "request_id": "5f1c2d",
        "before": {"is_active": True},
        "after": {"is_active": False},
        "reason": "She asked.",
    }


def test_what_has_a_name_for_an_id_is_called_by_it(as_auditor, start):
    execute(connection, "CREATE TABLE thing (name text)")
    try:
        execute(connection, attach("thing", "thing", key="name")[0])
        execute(connection, "INSERT INTO thing VALUES ('pro')")
        (event,) = as_auditor.get(f"{FEED}?after={start}").json()["results"]
    finally:
        execute(connection, "DROP TABLE thing")
    assert (event["object"], event["user_id"]) == ({"type": "thing", "id": "pro"}, None)
    assert event["actor"] == {"type": "database", "id": None, "name": connection.settings_dict["USER"]}


def test_pages_follow_each_other_to_the_end(as_auditor, start):
    for number in range(5):
        add_group(connection, f"g{number}")
    read, address = [], f"{FEED}?after={start}&page_size=2"
    while address:
        page = as_auditor.get(address).json()
        read += [event["after"]["name"] for event in page["results"]]
        address = page["next"]
    assert read == ["g0", "g1", "g2", "g3", "g4"]


def test_a_full_page_says_how_to_go_on_even_where_nothing_follows_yet(as_auditor, start):
    add_group(connection, "one")
    page = as_auditor.get(f"{FEED}?after={start}&page_size=1").json()
    following = as_auditor.get(page["next"]).json()
    assert following == {"next": None, "previous": None, "results": []}
    add_group(connection, "two")
    assert [event["after"]["name"] for event in as_auditor.get(page["next"]).json()["results"]] == ["two"]


def test_without_a_place_to_go_on_from_it_begins_at_the_beginning(as_auditor, start):
    first = Event.objects.order_by("seq").first().seq
    assert as_auditor.get(FEED).json()["results"][0]["seq"] == first
    assert as_auditor.get(f"{FEED}?after=0").json()["results"][0]["seq"] == first


def test_there_are_fifty_on_a_page_and_at_most_two_hundred(as_auditor, start):
    for number in range(60):
        add_group(connection, f"g{number}")
    assert len(as_auditor.get(f"{FEED}?after={start}").json()["results"]) == 50
    assert len(as_auditor.get(f"{FEED}?after={start}&page_size=200").json()["results"]) == 60
    assert as_auditor.get(f"{FEED}?page_size=201").status_code == 400


def test_beyond_the_last_event_there_is_nothing(as_auditor, start):
    assert as_auditor.get(f"{FEED}?after={2**63 - 1}").json()["results"] == []


@pytest.mark.parametrize(
    "query",
    [
        "after=-1", f"after={2**63}", "after=x", "after=1.0", "after=%201", "after=", "after=1&after=2", "after=%D9%A1",
        "page_size=0", "page_size=201", "page_size=x", "cursor=abc", "ordering=-seq", "user_id=1", "kind=user.created",
    ],
)  # fmt: skip
def test_what_it_does_not_understand_is_400_with_the_name_of_it(as_auditor, query):
    answer = as_auditor.get(f"{FEED}?{query}")
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {query.partition("=")[0]}


def test_only_who_may_see_events_reads_them(anyone, as_alice, as_powerless_staff):
    assert anyone.get(FEED).status_code == 401
    assert as_alice.get(FEED).status_code == 403
    assert as_powerless_staff.get(FEED).status_code == 403
    assert as_alice.get(f"{FEED}?after=x").status_code == 403


def test_it_is_read_only(as_auditor):
    assert as_auditor.post(FEED, {}).status_code == 405
