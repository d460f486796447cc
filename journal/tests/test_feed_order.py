"""The feed while many write: it shows everything that was committed, once, in one order, and never goes back."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from journal.models import Event
from journal.tests.sessions import add_group, execute, sessions

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
WRITERS = 6
TRANSACTIONS = 40


@pytest.fixture
def start():
    """Where the journal stands before the test."""
    return last_of(Event.objects.settled())


def last_of(rows):
    return max(rows.values_list("seq", flat=True), default=0)


def names(rows):
    """Return which groups came into being, in the order of the feed."""
    return [event.after["name"] for event in rows.filter(kind="group.created").order_by("seq")]


def feed(after):
    return names(Event.objects.settled().filter(seq__gt=after))


def naive(after):
    """Return what a feed shows that does not know what is settled."""
    return names(Event.objects.filter(seq__gt=after))


def test_what_is_committed_waits_for_what_was_drawn_before_it(start):
    with sessions(2) as (slow, quick):
        slow.set_autocommit(False)
        add_group(slow, "first")
        add_group(quick, "second")
        assert feed(start) == []
        slow.commit()
        assert feed(start) == ["first", "second"]


def test_control_a_feed_that_does_not_wait_misses_what_is_committed_late(start):
    with sessions(2) as (slow, quick):
        slow.set_autocommit(False)
        add_group(slow, "first")
        add_group(quick, "second")
        assert naive(start) == ["second"]
        seen = last_of(Event.objects.all())
        slow.commit()
        assert naive(seen) == []


def test_what_is_rolled_back_leaves_a_gap_and_holds_up_nothing(start):
    with sessions(2) as (slow, quick):
        slow.set_autocommit(False)
        add_group(slow, "never")
        add_group(quick, "second")
        slow.rollback()
        assert feed(start) == ["second"]


def test_a_writer_that_breaks_off_holds_up_nothing(start):
    with sessions(2) as (slow, quick):
        slow.set_autocommit(False)
        add_group(slow, "never")
        add_group(quick, "second")
        slow.close()
        deadline = time.monotonic() + 10
        while feed(start) != ["second"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_what_was_committed_before_a_writer_began_is_shown_while_it_writes(start):
    with sessions(2) as (quick, slow):
        add_group(quick, "first")
        slow.set_autocommit(False)
        add_group(slow, "second")
        assert feed(start) == ["first"]


def test_a_savepoint_rolled_back_gives_up_its_lock_and_the_next_event_takes_another(start):
    with sessions(2) as (slow, quick):
        slow.set_autocommit(False)
        execute(slow, "SAVEPOINT here")
        add_group(slow, "never")
        execute(slow, "ROLLBACK TO SAVEPOINT here")
        add_group(quick, "first")
        assert feed(start) == ["first"]
        add_group(slow, "second")
        add_group(quick, "third")
        assert feed(start) == ["first"]
        slow.commit()
        assert feed(start) == ["first", "second", "third"]


def test_a_savepoint_rolled_back_after_an_event_keeps_the_lock_of_that_event(start):
    with sessions(2) as (slow, quick):
        slow.set_autocommit(False)
        add_group(slow, "first")
        execute(slow, "SAVEPOINT here")
        add_group(slow, "never")
        execute(slow, "ROLLBACK TO SAVEPOINT here")
        add_group(quick, "second")
        assert feed(start) == []
        slow.commit()
        assert feed(start) == ["first", "second"]


@pytest.mark.parametrize("forged", ["999999999999999999", "-5", "x", "0", "9" * 40])
def test_a_forged_setting_hides_no_event(start, forged):
    with sessions(2) as (slow, quick):
        execute(slow, "SELECT set_config('journal.floor', %s, false)", forged)
        slow.set_autocommit(False)
        add_group(slow, "first")
        add_group(quick, "second")
        assert feed(start) == []
        slow.commit()
        assert feed(start) == ["first", "second"]


def test_what_the_reader_itself_has_not_committed_is_not_shown(start):
    with transaction.atomic():
        add_group(connection, "first")
        assert feed(start) == []
    assert feed(start) == ["first"]


def test_a_transaction_holds_one_lock_however_much_it_writes():
    with transaction.atomic():
        for number in range(20):
            add_group(connection, str(number))
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert execute(connection, held) == [(1,)]


@pytest.mark.parametrize("drawn", [2**31 - 2, 2**31 - 1, 2**31, 2**32 - 1, 2**40 + 2**30])
def test_numbers_beyond_32_bits_are_kept_apart(start, drawn):
    before = execute(connection, "SELECT last_value FROM journal_event_seq_seq")[0][0]
    try:
        execute(connection, "SELECT setval('journal_event_seq_seq', %s)", drawn)
        with sessions(2) as (slow, quick):
            add_group(quick, "first")
            slow.set_autocommit(False)
            add_group(slow, "second")
            add_group(quick, "third")
            assert feed(start) == ["first"]
            slow.commit()
            assert feed(start) == ["first", "second", "third"]
    finally:
        execute(connection, "SELECT setval('journal_event_seq_seq', %s)", before + 3)


def test_a_lock_taken_after_the_last_number_was_read_does_not_hold_back_what_is_below(start):
    add_group(connection, "first")
    drawn = execute(connection, "SELECT last_value FROM journal_event_seq_seq")[0][0]
    with sessions(1) as (ahead,):
        execute(ahead, "SELECT pg_advisory_lock_shared(1785689458, %s)", (drawn + 10) % 2**31)
        assert feed(start) == ["first"]


# --- At random


def write(number):
    """Commit, roll back or half roll back transactions of one to three events; return what was committed."""
    dice, committed = random.Random(number), []
    with sessions(1) as (session,):
        session.set_autocommit(False)
        for turn in range(TRANSACTIONS):
            made = []
            for place in range(dice.randint(1, 3)):
                made.append(f"{number}-{turn}-{place}")
                add_group(session, made[-1])
                time.sleep(dice.random() / 200)
            if dice.random() < 0.3:
                execute(session, "SAVEPOINT here")
                add_group(session, f"{number}-{turn}-never")
                execute(session, "ROLLBACK TO SAVEPOINT here")
            if dice.random() < 0.2:
                session.rollback()
            else:
                session.commit()
                committed += made
    return committed


def follow(after, writers):
    """Read pages as a follower does, until nobody writes any more and nothing new comes; return all that was read."""
    read, quiet = [], False
    while not quiet:
        quiet = all(writer.done() for writer in writers)
        page = list(Event.objects.settled().filter(seq__gt=after).order_by("seq")[:7])
        if page:
            read, after, quiet = read + page, page[-1].seq, False
    return read


def test_whoever_follows_while_many_write_sees_every_event_once_and_in_order(start):
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, number) for number in range(WRITERS)]
        read = follow(start, writers)
    written = {name for writer in writers for name in writer.result()}
    assert [event.seq for event in read] == list(
        Event.objects.filter(seq__gt=start).order_by("seq").values_list("seq", flat=True)
    )
    assert {event.after["name"] for event in read} == written
    assert len(read) == len(written) > WRITERS * TRANSACTIONS
