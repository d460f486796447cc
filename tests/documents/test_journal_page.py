"""What docs/journal.md shows works."""

from itertools import islice

import pytest
from django.db import connection

from accounts.models import Token
from journal.models import Event
from journal.tests.sessions import add_group
from tests.documents.blocks import blocks


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_follower_of_the_page_sees_what_happens_while_it_follows(live_server, staff):
    _token, secret = Token.issue(staff)
    (page,) = blocks("python", "journal.md")
    shown = {}
    exec(page, shown)
    after = Event.objects.order_by("seq").last().seq
    followed = shown["follow"](live_server.url, secret, after, pause=0)
    add_group(connection, "first")
    add_group(connection, "second")
    assert [event["after"]["name"] for event in islice(followed, 2)] == ["first", "second"]
    add_group(connection, "third")
    assert next(followed)["after"]["name"] == "third"
