"""`manage.py doctor`: what it says, how it ends, and what it writes down."""

import datetime as dt
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing_time.clock import Moment
from doctor.check import error
from doctor.checks import BY_NAME, CHECKS
from doctor.management.commands import doctor as command
from doctor.models import Setting
from doctor.tests.breaking import BREAKING, active, change, pending, sql
from doctor.tests.situations import Story
from doctor.visits import visit
from journal.models import Event, Seal
from journal.seals import next_seal
from operations.tests.rows import run
from operations.tests.test_commands import session
from payments.models import Payment
from subscriptions.models import Subscription

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"


def said(*arguments):
    out = StringIO()
    call_command("doctor", *arguments, stdout=out)
    return out.getvalue()


def failed(*arguments):
    """Return what it said, and how it ended."""
    out = StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("doctor", *arguments, stdout=out)
    return out.getvalue(), ended.value


def test_of_books_that_are_well_it_says_so_in_one_line(db):
    active()
    assert said() == f"All is well: {len(CHECKS)} checks found nothing.\n"


def test_errors_are_listed_with_object_and_detail_and_end_it_with_1(db):
    subscription, payment = active()
    change(payment, amount=1)
    out, ended = failed("--only", "payment_amount_differs")
    assert ended.returncode == 1
    assert out.splitlines() == [
        "error payment_amount_differs: 1. An amount that is not price times duration.",
        f"    payment {payment.pk}: amount 1.00, unit_price {subscription.unit_price}, duration 1",
    ]
    assert str(ended) == "1 checks: 1 found errors, 0 found warnings. doctor --explain NAME says what to do."


def test_warnings_are_listed_and_end_it_with_0(db):
    object_type, pk = BREAKING["receipt_without_evidence"]()
    lines = said().splitlines()
    assert lines[0] == "warning receipt_without_evidence: 1. Money without evidence."
    assert lines[1].startswith(f"    {object_type} {pk}: source manual, amount 990.00")
    assert lines[2].startswith(f"{len(CHECKS)} checks: 0 found errors, 1 found warnings.")


def test_what_is_not_shown_is_counted(db, monkeypatch):
    monkeypatch.setattr("doctor.visits.islice", lambda findings, _count: [next(findings)])
    monkeypatch.setattr("doctor.checks.journal.broken", lambda: iter([]))
    result = visit([BY_NAME["payment_amount_differs"]], Moment.current(), seconds=60)[0]
    result.count = 3
    assert "    and 3 more" in command.in_words([result], {})


def test_json_is_one_object_with_every_check(db):
    told = json.loads(said("--json"))
    assert (told["command"], told["outcome"], told["fixed"]) == ("doctor", "done", {})
    assert [each["name"] for each in told["checks"]] == list(BY_NAME)
    assert all(each["count"] == 0 and not each["findings"] and not each["failure"] for each in told["checks"])


def test_json_tells_errors_too(db):
    object_type, pk = BREAKING["payment_amount_differs"]()
    out, ended = failed("--json", "--only", "payment_amount_differs")
    told = json.loads(out)
    assert (ended.returncode, told["outcome"]) == (1, "errors")
    (check,) = told["checks"]
    assert (check["severity"], check["count"]) == ("error", 1)
    assert check["findings"] == [
        {"type": object_type, "id": pk, "detail": "amount 1.00, unit_price 990.00, duration 1"}
    ]


def test_only_runs_what_is_named(db):
    names = ["payment_amount_differs", "coverage_overlaps"]
    told = json.loads(said("--json", "--only", names[0], "--only", names[1]))
    assert [each["name"] for each in told["checks"]] == names


@pytest.mark.parametrize("option", ["--only", "--explain"])
def test_a_name_that_is_none_is_a_sentence_and_exit_code_2(db, option):
    _out, ended = failed(option, "coverage")
    assert ended.returncode == 2
    assert str(ended) == "There is no check 'coverage'; doctor --list names them all."


@pytest.mark.parametrize("name", BY_NAME)
def test_explain_says_what_it_means_what_to_do_and_how_it_looks(db, name):
    check, text = BY_NAME[name], said("--explain", name)
    assert text.startswith(f"{name} ({check.severity}): {check.title}.\n\n{check.explanation}\n\n{check.remedy}")
    assert ("--fix" in text.replace("--fix runs it now", "").replace("--fix writes", "")) == bool(check.fix)
    if check.sql:
        sql(text[text.rindex("\n\n") if check.sql.count("\n\n") == 0 else 0 :])


def test_the_list_is_the_table_of_the_docs(db):
    assert said("--list").strip() in PAGE.read_text(encoding="utf-8"), "put the output of doctor --list there"


def test_at_another_day_it_looks_as_if_it_were_that_day(db):
    story = Story()
    story.buy(0)
    assert said("--at", Moment.current().today.isoformat()).startswith("All is well")
    assert "subscription_not_written_down: 1" in said("--at", "2030-01-01")
    assert failed("--at", "tomorrow")[1].returncode == 2


def test_fix_writes_down_what_dates_have_made_of_rows(db):
    story = Story()
    story.subscribe(40)
    payment = story.ask(40)
    out = said("--fix")
    assert "fixed subscription_not_written_down: 0 subscriptions past due, 1 expired" in out
    assert "fixed payment_not_written_down: 1 payment expired." in out
    assert out.endswith(f"All is well: {len(CHECKS)} checks found nothing.\n")
    assert Subscription.objects.get().status == Payment.objects.get(pk=payment.pk).status == "expired"
    assert Event.objects.filter(kind="payment.expired", actor_name="expire_payments").count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_fix_seals_the_journal():
    active()
    next_seal().save()
    active()
    at = (Moment.current().today + dt.timedelta(days=4)).isoformat()
    assert "fixed events_not_sealed: Sealed" in said("--only", "events_not_sealed", "--at", at, "--fix")
    assert Seal.objects.count() == 2


def test_fix_leaves_alone_what_nobody_can_fix_safely(db):
    _type, pk = BREAKING["payment_amount_differs"]()
    out, ended = failed("--only", "payment_amount_differs", "--fix")
    assert (ended.returncode, "fixed" in out) == (1, False)
    assert Payment.objects.get(pk=pk).amount == 1


def test_without_fix_nothing_is_changed(db):
    story = Story()
    story.subscribe(40)
    story.ask(40)
    before = Event.objects.count()
    assert "warning payment_not_written_down: 1" in said()
    assert Event.objects.count() == before
    assert Payment.objects.get().status == "pending"


# --- The time zone


def test_another_time_zone_than_the_books_is_an_error(db, settings):
    pending()
    settings.BILLING_TIME_ZONE = "Asia/Tokyo"
    out, ended = failed("--only", "time_zone_differs")
    assert ended.returncode == 1
    assert "it is Asia/Tokyo, the books are kept in UTC" in out
    assert Setting.objects.get().time_zone == "UTC"


def test_as_long_as_nothing_is_sold_the_time_zone_may_be_chosen(db, settings):
    settings.BILLING_TIME_ZONE = "Asia/Tokyo"
    assert said().startswith("All is well")
    assert Setting.objects.get().time_zone == "Asia/Tokyo"


def test_a_time_zone_that_nobody_wrote_down_is_written_down(db):
    Setting.objects.all().delete()
    pending()
    assert said().startswith("All is well")
    assert Setting.objects.get().time_zone == "UTC"


def test_fix_takes_a_time_zone_in_which_all_access_ends_at_midnight(db, settings):
    settings.BILLING_TIME_ZONE = "Asia/Tokyo"
    active()
    out = said("--only", "time_zone_differs", "--fix")
    assert "fixed time_zone_differs: All access ends at midnights of Asia/Tokyo" in out
    assert Setting.objects.get().time_zone == "Asia/Tokyo"


def test_fix_does_not_take_one_in_which_it_does_not(db, settings):
    active()
    settings.BILLING_TIME_ZONE = "Asia/Tokyo"
    out, ended = failed("--only", "time_zone_differs", "--fix")
    assert ended.returncode == 1
    assert "nothing was changed" in out
    assert Setting.objects.get().time_zone == "UTC"


# --- Running


def test_a_check_that_cannot_be_run_is_an_error_and_the_others_are_run(db, monkeypatch):
    broken = error("broken", "A check that fails", "It divides.", "SELECT 'x', '1', (1 / 0)::text")
    slow = error("slow", "A check that is slow", "It sleeps.", "SELECT 'x', '1', pg_sleep(2)::text")
    monkeypatch.setattr(command, "CHECKS", [broken, BY_NAME["coverage_overlaps"], slow, broken])
    out, ended = failed("--timeout", "1")
    assert out.splitlines() == [
        "error broken: it could not be run: division by zero.",
        "error slow: it could not be run: it took too long.",
        "error broken: it could not be run: there was no time left for it.",
    ]
    assert (ended.returncode, str(ended)[:31]) == (1, "4 checks: 3 found errors, 0 fou")


def test_a_fault_of_the_program_is_not_made_nicer_than_it_is(db, monkeypatch):
    wrong = error("wrong", "A check with a mistake", "It is no SQL.", "SELECT nothing FROM payments_payment")
    monkeypatch.setattr(command, "CHECKS", [wrong])
    with pytest.raises(Exception, match="nothing"):
        call_command("doctor")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_all_checks_see_one_state_of_the_books(monkeypatch):
    story = Story()
    story.subscribe(40)
    story.ask(40)
    check = BY_NAME["payment_not_written_down"]

    def look():
        with session() as other:
            other.execute("UPDATE payments_payment SET status = 'expired'")
        return iter([])

    meanwhile = error("meanwhile", "Somebody else changes it", "And commits.", look=look)
    first, _between, second = visit([check, meanwhile, check], Moment.current(), seconds=60)
    assert (first.count, second.count) == (1, 1)
    assert visit([check], Moment.current(), seconds=60)[0].is_clean


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_nothing_can_be_written_while_it_looks():
    def look():
        Setting.objects.update(time_zone="Mars/Base")
        return iter([])

    with pytest.raises(Exception, match="read-only transaction"):
        visit([error("writes", "It writes", "It must not.", look=look)], Moment.current(), seconds=60)
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_as_a_program_it_exits_with_0_and_1_and_2():
    active()
    code, out, err = run("doctor")
    assert (code, out, err) == (0, f"All is well: {len(CHECKS)} checks found nothing.\n", "")
    sql("UPDATE doctor_setting SET time_zone = 'Mars/Base'")
    code, out, err = run("doctor")
    assert (code, "time_zone_differs" in out, "found errors" in err) == (1, True, True)
    assert run("doctor", "--only", "nothing")[0] == 2


def test_an_unmigrated_database_is_a_sentence(db):
    sql("DROP TABLE doctor_setting")
    assert "migrate" in str(failed()[1])


def test_a_journal_that_was_never_sealed_is_no_warning(db):
    active()
    assert Seal.objects.count() == 0
    assert next_seal() is not None
    assert said("--only", "events_not_sealed").startswith("All is well")
