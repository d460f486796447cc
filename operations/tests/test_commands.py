"""What every command that changes many rows promises, shown on those there are."""

import json
import signal
import subprocess
import sys
import time
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from accounts.tests.factories import UserFactory
from operations import commands
from operations.commands import alone, moment_at
from operations.tests.rows import crowd, finish, run, start
from payments.management.commands import expire_payments
from payments.models import Payment
from subscriptions.models import Subscription

BATCH_COMMANDS = ["expire_payments", "expire_subscriptions", "prune_idempotency_keys", "prune_tokens"]
ALL_COMMANDS = [
    *BATCH_COMMANDS, "create_service_account", "create_plan", "demo", "doctor", "grant_rights", "seal_journal", "verify_journal",
]  # fmt: skip
alive = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def said(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def session():
    """Return a connection of its own, as another process has it."""
    database = connection.settings_dict
    return psycopg.connect(
        host=database["HOST"], port=database["PORT"], user=database["USER"], password=database["PASSWORD"] or None,
        dbname=database["NAME"], autocommit=True,
    )  # fmt: skip


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command(name, "--help")
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.parametrize("name", BATCH_COMMANDS)
@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_with_nothing_to_do_it_says_so_in_one_line(db, name, options):
    assert said(name, *options).count("\n") == 1


@pytest.mark.parametrize("name", BATCH_COMMANDS)
@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_json_is_one_object_with_counts(db, name, options):
    told = json.loads(said(name, "--json", "--at", "2030-01-31", *options))
    assert told["command"] == name
    assert told["outcome"] == ("dry run" if options else "done")
    assert told["at"] == "2030-01-31"
    assert told["left"] == 0


@pytest.mark.parametrize(
    "day", ["", "yesterday", "2026-02-30", "2026-1-1", "26-01-01", "２０２６-01-01", "2026-01-01 ", "0000-01-01"]
)
@pytest.mark.parametrize("name", BATCH_COMMANDS)
def test_a_day_that_is_none_is_refused_in_a_sentence(db, name, day):
    with pytest.raises(CommandError, match="--at must be a day") as refused:
        call_command(name, at=day)
    assert refused.value.returncode == 2


def test_a_day_at_the_end_of_the_calendar_is_no_traceback(monkeypatch):
    def too_early(day):
        raise OverflowError("date value out of range")

    monkeypatch.setattr(commands.Moment, "on", too_early)
    with pytest.raises(CommandError, match="--at must be a day"):
        moment_at("0001-01-01")


@pytest.mark.parametrize(("name", "queries"), [("expire_payments", 6), ("expire_subscriptions", 11)])
def test_ten_thousand_rows_take_ten_batches_of_a_few_queries(plan, name, queries, django_assert_max_num_queries):
    crowd(plan, 10_000)
    around = 8
    with django_assert_max_num_queries(10 * queries + around):
        told = json.loads(said(name, "--json"))
    assert told["expired"] == 10_000
    model = Payment if name == "expire_payments" else Subscription
    assert set(model.objects.values_list("status", flat=True)) == {"expired"}


def test_a_second_run_finds_nothing_left_to_do(plan):
    crowd(plan, 3)
    assert json.loads(said("expire_payments", "--json"))["expired"] == 3
    assert json.loads(said("expire_payments", "--json"))["expired"] == 0


def test_a_run_that_broke_off_is_completed_by_the_next(plan, monkeypatch):
    crowd(plan, 25)
    monkeypatch.setattr(expire_payments.Command, "batch_size", 10)
    change, calls = expire_payments.Command.change, []

    def break_off(self, rows, moment):
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("the connection is lost")
        return change(self, rows, moment)

    monkeypatch.setattr(expire_payments.Command, "change", break_off)
    with pytest.raises(CommandError, match=r"the connection is lost\. Before that: 10 payments expired") as failed:
        call_command("expire_payments")
    assert failed.value.returncode == 1
    assert Payment.objects.filter(status="expired").count() == 10
    assert json.loads(said("expire_payments", "--json"))["expired"] == 15


@alive
@pytest.mark.parametrize("name", BATCH_COMMANDS)
def test_of_two_at_once_the_second_says_so_and_exits_with_0(name):
    with session() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [commands.LOCK_SPACE, lock_of(name)])
        code, out, err = run(name)
        told = json.loads(run(name, "--json")[1])
    assert (code, err) == (0, "")
    assert "already running" in out
    assert told["outcome"] == "already running"


def lock_of(name):
    with alone(name), connection.cursor() as cursor:
        query = "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND pid = %s"
        cursor.execute(query, [commands.LOCK_SPACE, connection.connection.info.backend_pid])
        (unsigned,) = cursor.fetchone()
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned


@alive
def test_two_real_runs_at_once_do_each_row_once(plan):
    crowd(plan, 5_000)
    first, second = start("expire_payments", "--json"), start("expire_payments", "--json")
    (code1, out1, _), (code2, out2, _) = finish(first), finish(second)
    assert (code1, code2) == (0, 0)
    assert json.loads(out1)["expired"] + json.loads(out2)["expired"] == 5_000
    assert Payment.objects.filter(status="expired").count() == 5_000


@alive
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_it_between_batches_and_the_next_run_does_the_rest(plan, number, code):
    crowd(plan, 1_500)
    held = Payment.objects.order_by("pk").last()
    with session() as other, other.transaction():
        other.execute("SELECT 1 FROM payments_payment WHERE id = %s FOR UPDATE", [held.pk])
        process = start("expire_payments", "--json")
        wait_until(lambda: Payment.objects.filter(status="expired").count() == 1_499)
        process.send_signal(number)
        returned, out, err = finish(process)
    told = json.loads(out)
    assert returned == code
    assert (told["outcome"], told["expired"], told["left"]) == ("stopped", 1_499, 1)
    assert "Run it again" in err
    assert run("expire_payments")[0] == 0
    assert not Payment.objects.filter(status="pending").exists()


@alive
def test_killed_it_leaves_no_lock_behind(plan):
    crowd(plan, 20)
    held = Payment.objects.order_by("pk").last()
    with session() as other, other.transaction():
        other.execute("SELECT 1 FROM payments_payment WHERE id = %s FOR UPDATE", [held.pk])
        process = start("expire_payments")
        wait_until(lambda: Payment.objects.filter(status="expired").count() == 19)
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
    wait_until(lambda: "already running" not in run("expire_payments")[1])
    assert not Payment.objects.filter(status="pending").exists()


@alive
def test_a_row_that_somebody_holds_neither_blocks_nor_fails_the_others(plan, monkeypatch):
    monkeypatch.setattr(commands, "PAUSE_SECONDS", 0.1)
    crowd(plan, 3)
    held = Payment.objects.order_by("pk").first()
    with session() as other, other.transaction():
        other.execute("SELECT 1 FROM payments_payment WHERE id = %s FOR UPDATE", [held.pk])
        with pytest.raises(CommandError, match="2 payments expired; 1 left, for others hold them") as left:
            call_command("expire_payments")
    assert left.value.returncode == 1
    assert Payment.objects.filter(status="expired").count() == 2
    assert "1 payment expired." in said("expire_payments")


@alive
def test_a_dry_run_locks_nothing_and_may_look_on(plan):
    crowd(plan, 2)
    with session() as other, other.transaction():
        other.execute("SELECT 1 FROM payments_payment FOR UPDATE")
        other.execute("SELECT pg_advisory_lock(%s, %s)", [commands.LOCK_SPACE, lock_of("expire_payments")])
        assert "2 payments expired" in said("expire_payments", "--dry-run")
        other.execute("SELECT pg_advisory_unlock_all()")
    assert Payment.objects.filter(status="pending").count() == 2


@alive
def test_threads_may_run_it_too(plan):
    from concurrent.futures import ThreadPoolExecutor

    def work():
        try:
            return said("expire_payments")
        finally:
            connection.close()

    crowd(plan, 2)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == "2 payments expired.\n"


@pytest.mark.parametrize("name", BATCH_COMMANDS)
def test_a_database_that_is_away_is_a_sentence_and_exit_code_1(name):
    env = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "ENV_FILES": "", "SECRET_KEY": "x1y2z3" * 10}
    done = subprocess.run(
        [sys.executable, "manage.py", name, "--json"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "could not be used" in done.stderr
    assert json.loads(done.stdout)["outcome"] == "failed"


def test_an_unexpected_error_is_not_made_nicer_than_it_is(db, monkeypatch):
    monkeypatch.setattr(expire_payments.Command, "due", lambda *_: UserFactory.nothing)
    with pytest.raises(AttributeError):
        call_command("expire_payments")
