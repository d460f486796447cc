"""The indexes by which staff search the journal hold whatever comes: a row that they have no room for is not written."""

import pytest
from django.db import OperationalError, connection, transaction

from journal.tests.sessions import execute

# Some ranges of 128 pages, in which nothing stands twice.
STRANGERS = """
    INSERT INTO journal_event
        (kind, object_type, object_id, actor_type, actor_name, channel, request_id, reason, before, after)
    SELECT 'test.made', 'test', n, 'user', md5('actor' || n), md5('channel' || n), md5('request' || n), '', '{}', '{}'
    FROM generate_series(1, 12000) AS n
"""
OF_RANGES = """
    SELECT indexrelid::regclass::text FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
    WHERE indrelid = 'journal_event'::regclass AND amname = 'brin'
"""


@pytest.fixture(autouse=True)
def _written_by_hand(db):
    """Let the test write events itself, as many and as different as no set-based change would."""
    execute(connection, "ALTER TABLE journal_event DISABLE TRIGGER USER")


def test_the_indexes_of_ranges_hold_a_range_of_strangers():
    execute(connection, STRANGERS)
    names = {name for (name,) in execute(connection, OF_RANGES)}
    assert names == {"event_channel", "event_request", "event_actor_name"}
    for name in names:
        execute(connection, f"REINDEX INDEX {name}")
    execute(connection, STRANGERS)
    assert execute(connection, "SELECT count(*) FROM journal_event WHERE kind = 'test.made'") == [(24000,)]


def test_control_one_index_for_all_three_columns_has_no_room_for_them():
    execute(connection, STRANGERS)
    with pytest.raises(OperationalError, match="index row size"), transaction.atomic():
        execute(
            connection,
            "CREATE INDEX event_all ON journal_event USING brin"
            " (channel text_bloom_ops, request_id text_bloom_ops, upper(actor_name) text_bloom_ops)",
        )
