"""Each check finds what it is there for, and reads only."""

import datetime as dt
import re

import pytest

from billing_time.clock import Moment, midnight
from doctor import calendar
from doctor.checks import BY_NAME, CHECKS
from doctor.tests.breaking import BREAKING, active, become_owner, change, copy, pending, sql
from doctor.visits import reading, visit


def findings(name):
    (result,) = visit([BY_NAME[name]], Moment.current(), seconds=60)
    assert not result.failure
    return {(found.object_type, found.object_id) for found in result.findings}


@pytest.mark.parametrize("name", BREAKING)
def test_a_check_finds_what_is_broken_and_nothing_else(db, name):
    active()
    assert findings(name) == set()
    broken = BREAKING[name]()
    assert findings(name) == {broken}


def test_every_check_has_a_way_to_break_and_a_name_of_its_own():
    assert set(BREAKING) == set(BY_NAME)
    assert len(BY_NAME) == len(CHECKS) >= 25


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_only_reads(db, check):
    assert bool(check.sql) != bool(check.look)
    assert not re.search(
        r"\b(insert|update|delete|truncate|alter|drop|create|lock|nextval|setval)\b", check.sql, re.IGNORECASE
    )
    with reading():
        assert sql("SHOW transaction_read_only") == [("on",)]
    (result,) = visit([check], Moment.current(), seconds=60)
    assert result.is_clean
    assert sql("SHOW transaction_read_only") == [("off",)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_says_what_it_is_about(check):
    assert re.fullmatch(r"[a-z_]{8,40}", check.name)
    assert not str(check.title).endswith(".")
    assert all(str(text).endswith(".") for text in (check.explanation, check.remedy))


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("UTC", dt.date(2026, 1, 1)),
        ("Europe/Moscow", dt.date(2010, 1, 1)),
        ("America/Sao_Paulo", dt.date(2018, 1, 1)),
        ("America/Havana", dt.date(2026, 1, 1)),
        ("Asia/Beirut", dt.date(2026, 1, 1)),
        ("Atlantic/Azores", dt.date(2026, 1, 1)),
        ("Pacific/Apia", dt.date(2011, 6, 1)),
        ("Australia/Lord_Howe", dt.date(2026, 1, 1)),
    ],
)
def test_midnight_in_sql_is_midnight_in_python(db, settings, zone, first):
    settings.BILLING_TIME_ZONE = zone
    query = (
        f"SELECT day::date, {calendar.midnight('day::date')} FROM generate_series(%s::date, %s::date, '1 day') AS day"
    )
    days = sql(query.replace("%(zone)s", f"'{zone}'"), first, first + dt.timedelta(days=800))
    assert len(days) == 801
    assert [day for day, instant in days if instant != midnight(day)] == []


def test_a_guard_that_is_switched_off_or_does_something_else_is_found(db):
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE payments_payment DISABLE TRIGGER payment_birth")
    sql("ALTER TABLE payments_receipt ENABLE REPLICA TRIGGER journal_record")
    sql("CREATE FUNCTION wave_through() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    sql(
        "CREATE OR REPLACE TRIGGER refund_birth BEFORE INSERT ON payments_refund "
        "FOR EACH ROW EXECUTE FUNCTION wave_through()"
    )
    assert findings("trigger_missing") == {
        ("trigger", "payment_birth on payments_payment"),
        ("trigger", "journal_record on payments_receipt"),
        ("trigger", "refund_birth on payments_refund"),
    }


def test_a_constraint_that_was_not_validated_is_found(db):
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE payments_payment DROP CONSTRAINT payment_shortfall")
    sql("ALTER TABLE payments_payment ADD CONSTRAINT payment_shortfall CHECK (true) NOT VALID")
    assert findings("constraint_missing") == {("constraint", "payment_shortfall on payments_payment")}


def test_every_trigger_that_there_is_is_looked_after(db):
    from doctor.checks.house import TRIGGERS

    query = """
        SELECT tgrelid::regclass::text, tgname, proname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
        WHERE NOT tgisinternal
    """
    assert set(sql(query)) == set(TRIGGERS)


def test_what_is_older_than_the_journal_needs_no_entry(db):
    payment = active()[1]
    became = BY_NAME["row_without_entry"], BY_NAME["confirmed_without_entry"]
    become_owner()
    for kept in (payment.subscription, payment, payment.receipt):
        sql("DELETE FROM journal_event WHERE object_type = %s AND object_id = %s", kept._meta.model_name, str(kept.pk))
        change(kept, created_at="=created_at - interval '1 year'")
    change(payment, confirmed_at="=confirmed_at - interval '1 year'")
    assert all(result.is_clean for result in visit(became, Moment.current(), seconds=60))


def test_a_row_that_claims_to_be_older_than_the_journal_is_not_believed(db):
    payment = pending()[1]
    forged = copy(payment, page_key="'another'", created_at="created_at - interval '1 year'")
    assert findings("row_without_entry") == {forged}


def test_all_findings_are_counted_and_the_first_are_shown(db):
    payment = pending()[1]
    for number in range(25):
        copy(payment, page_key=f"'key {number}'", status="'lost'")
    (result,) = visit([BY_NAME["payment_status_unknown"]], Moment.current(), seconds=60)
    assert (result.count, len(result.findings), result.left_out) == (25, 20, 5)
