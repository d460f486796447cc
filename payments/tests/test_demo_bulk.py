"""`manage.py demo --users N --payments M`: customers in bulk are as true as those that verbs made."""

import json
import os
import signal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection

from accounts.models import User
from journal.models import Event
from operations import rights
from operations.tests.test_rights import acting_as, create_role
from payments.demo import PASSWORD
from payments.demo_bulk import filling
from payments.demo_bulk.filling import Rest, Size
from payments.models import Allocation, Payment, Receipt, Refund, Reversal
from subscriptions.models import Plan, Subscription
from tests.calling import Caller

MODELS = (User, Plan, Subscription, Payment, Receipt, Allocation, Refund, Reversal, Event)
USERS, PAYMENTS = 200, 1000


@pytest.fixture(autouse=True)
def _in_development(db, settings):
    settings.DEBUG = True


def demo(users=USERS, payments=PAYMENTS):
    out, err = StringIO(), StringIO()
    call_command("demo", f"--users={users}", f"--payments={payments}", stdout=out, stderr=err)
    return out.getvalue().splitlines()[-1], err.getvalue()


def in_bulk(model=User, whose="username"):
    return model.objects.filter(**{f"{whose}__startswith": "bulk-"})


def payments():
    return in_bulk(Payment, "user__username")


def counts():
    return [model.objects.count() for model in MODELS]


def doctor():
    out = StringIO()
    call_command("doctor", stdout=out)
    return out.getvalue()


def stop_after(chunks, monkeypatch):
    """Let the signal come once so many chunks are made."""
    made, make = [], filling.make

    def make_and_stop(given):
        make(given)
        made.append(given)
        if len(made) == chunks:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(filling, "make", make_and_stop)


def test_it_makes_so_many_and_all_is_well():
    said, progress = demo()
    assert f"customers {USERS}, payments {PAYMENTS}" in said
    assert progress == f"payments {PAYMENTS} of {PAYMENTS}\n"
    assert (in_bulk().count(), payments().count()) == (USERS, PAYMENTS)
    assert doctor().startswith("All is well")


def test_every_state_and_every_interval_is_among_them():
    demo()
    theirs = in_bulk(Subscription, "user__username")
    assert set(theirs.values_list("status", flat=True)) == set(Subscription.Status.values)
    assert set(payments().values_list("status", flat=True)) == set(Payment.Status.values)
    assert set(theirs.values_list("interval", flat=True)) == {"day", "week", "month", "year"}
    assert payments().filter(unapplied=True).exists()
    assert set(Refund.objects.filter(payment__in=payments()).values_list("status", flat=True)) == {"due", "paid"}
    assert in_bulk(Receipt, "user__username").with_money_left().exists()
    assert in_bulk(Receipt, "user__username").filter(evidence=None).exists()


@pytest.mark.parametrize("model", [User, Subscription, Payment, Receipt, Allocation, Refund, Reversal])
def test_the_journal_says_of_each_what_the_row_says(model):
    """What the events of an object add up to is the object, told as the trigger tells it."""
    demo()
    table, name = model._meta.db_table, model._meta.model_name
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone TO 'UTC'")
        cursor.execute(
            "SELECT tgargs FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = 'journal_record'", [table]
        )
        args = bytes(cursor.fetchone()[0]).decode().split("\0")
        hidden, secret = args[3].split(","), args[4].split(",")
        cursor.execute(
            f"""SELECT (SELECT jsonb_object_agg(key, journal_shown(value, key = ANY (%s)))
                    FROM jsonb_each(to_jsonb(o) - %s::text[])),
                (SELECT jsonb_agg(jsonb_build_array(e.before, e.after) ORDER BY e.seq) FROM journal_event AS e
                    WHERE e.object_type = %s AND e.object_id = o.id::text AND e.kind NOT LIKE 'right.%%')
            FROM {table} AS o""",
            [secret, hidden, name],
        )
        rows = cursor.fetchall()
    assert rows
    for told, events in rows:
        row, known = json.loads(told), {}
        for before, after in json.loads(events):
            assert before.items() <= (dict.fromkeys(row) | known).items()
            known |= after
        assert dict.fromkeys(row) | known == row


def test_the_journal_names_who_did_it_and_a_reader_misses_nothing():
    """While their transaction runs, its events are not settled; the test's own is one."""
    settled = Event.objects.settled().count()
    demo()
    event = Event.objects.filter(object_type="receipt", user_id__in=in_bulk()).first()
    assert (event.actor_type, event.actor_name, event.channel) == ("command", "demo", "command")
    assert Event.objects.settled().count() == settled


def test_the_second_time_changes_nothing():
    demo()
    before = counts()
    assert "already" in demo()[0]
    assert counts() == before


def test_a_larger_number_adds_the_rest():
    demo()
    demo(USERS + 50, PAYMENTS + 300)
    assert (in_bulk().count(), payments().count()) == (USERS + 50, PAYMENTS + 300)
    assert doctor().startswith("All is well")


@pytest.mark.parametrize("size", [(USERS - 1, PAYMENTS), (USERS, PAYMENTS + 1), (USERS + 1, PAYMENTS - 1)])
def test_fewer_or_payments_without_customers_are_refused(size):
    demo()
    before = counts()
    with pytest.raises(CommandError, match="already"):
        demo(*size)
    assert counts() == before


@pytest.mark.parametrize("size", [(1, 101), (0, 1), (-1, 1)])
def test_what_nobody_could_pay_is_refused(size):
    with pytest.raises(CommandError):
        demo(*size)
    assert not in_bulk().exists()


def test_one_of_both_numbers_is_not_enough():
    with pytest.raises(CommandError, match="both"):
        call_command("demo", "--users=10")
    assert not User.objects.exists()


def test_customers_who_pay_nothing_and_ones_who_pay_a_lot_are_well_too():
    demo(200, 0)
    demo(300, 10_000)
    assert payments().count() == 10_000
    assert doctor().startswith("All is well")


def test_a_stop_in_the_middle_loses_nothing(monkeypatch):
    monkeypatch.setattr(filling, "CHUNK_USERS", 60)
    with monkeypatch.context() as meanwhile:
        stop_after(2, meanwhile)
        with pytest.raises(CommandError) as stopped:
            demo()
    assert stopped.value.returncode == 128 + signal.SIGTERM
    assert in_bulk().count() == 120
    assert doctor().startswith("All is well")
    assert "customers 80" in demo()[0]
    assert (in_bulk().count(), payments().count()) == (USERS, PAYMENTS)


def test_an_error_in_a_chunk_leaves_the_triggers_on_and_the_chunk_out(monkeypatch):
    monkeypatch.setattr(filling, "EVENTS", "SELECT 1/0")
    with pytest.raises(DataError):
        demo()
    monkeypatch.undo()
    assert not in_bulk().exists()
    assert doctor().startswith("All is well")


def test_whoever_does_not_own_the_tables_is_told_to_be_the_owner():
    role = create_role("demo")
    rights.mend(role)
    with acting_as(role), pytest.raises(CommandError, match="DATABASE_URL"):
        demo()
    assert not in_bulk().exists()


def test_they_log_in_check_out_and_are_confirmed_like_anybody(as_staff):
    demo()
    active = in_bulk(Subscription, "user__username").filter(status="active", payments__status="confirmed").first()
    login = {"username": active.user.username, "password": PASSWORD}
    assert Caller().post("/api/auth/login", login).status_code == 200
    customer = Caller(active.user)
    order = {"plan_name": active.plan_id, "amount": str(active.unit_price)}
    asked = customer.post("/api/payments/create-checkout-session", order).json()
    confirmed = as_staff.post("/api/payments/confirm-payment", {"payment_id": asked["id"], "evidence": "NEW-1"})
    assert confirmed.json()["subscription"]["id"] == active.pk
    assert doctor().startswith("All is well")


def test_a_later_run_carries_on_with_other_chunks_to_the_same_sum():
    rest = Rest(Size(7, 3), Size(1007, 5003))
    assert rest.payments_before(1008) == 5000
    assert sum(last - first + 1 for first, last in rest.chunks()) == 1000
