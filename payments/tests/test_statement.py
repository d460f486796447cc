"""The bank statement: by SQL, as a command, as a page and as CSV."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.browsing import browser, page
from billing_time.clock import Moment, midnight
from payments.models import Facts, Receipt, Refund, RefundOrder, ReversalOrder
from payments.statement import Sums, month_of, statement
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

PAGE = "payments_receipt_statement"
NOTHING = Decimal("0.00")


def on(day):
    """Return noon of a day."""
    return Moment.of(midnight(dt.date.fromisoformat(day)) + dt.timedelta(hours=12))


@pytest.fixture
def euros(db):
    return PlanFactory(name="euros", currency="EUR", price=Decimal("10.00"))


@pytest.fixture
def paid(plan, staff):
    """Return how to have somebody pay: for which plan, when, and what is known of it."""

    def pay(day, what=None, **facts):
        payment = PaymentFactory(subscription=SubscriptionFactory(plan=what or plan, moment=on(day)), moment=on(day))
        payment.confirm(Facts(**facts), by=staff, moment=on(day))
        return payment

    return pay


def undo(payment, kind, day, staff):
    payment.reverse(ReversalOrder(kind=kind, reason="r"), by=staff, moment=on(day))


@pytest.fixture
def month(paid, euros, staff):
    """A month in which everything happens."""
    paid("2026-03-01", received_on=dt.date(2026, 2, 27))
    paid("2026-03-02", evidence="a", source="Sparkasse")
    paid("2026-03-02", evidence="b", source="sparkasse ")
    paid("2026-03-02", euros)
    undo(paid("2026-03-03"), "mistake", "2026-03-09", staff)
    undo(paid("2026-03-04", source="Sparkasse"), "returned_by_bank", "2026-03-10", staff)
    given = paid("2026-03-05")
    given.refund(RefundOrder(reason="r", amount=Decimal("90.00")), by=staff, moment=on("2026-03-11"))
    given.refund(RefundOrder(reason="r", amount=Decimal("100.00"), evidence="x"), by=staff, moment=on("2026-03-12"))


def lines(found):
    return [(line.day.isoformat(), line.source, line.currency, line.sums.total) for line in found.lines]


def test_each_day_source_and_currency_has_its_line(month):
    assert lines(statement(dt.date(2026, 3, 1), dt.date(2026, 4, 1))) == [
        ("2026-03-02", "manual", "EUR", Decimal("10.00")),
        ("2026-03-02", "Sparkasse", "RUB", Decimal("1980.00")),
        ("2026-03-04", "Sparkasse", "RUB", Decimal("990.00")),
        ("2026-03-05", "manual", "RUB", Decimal("990.00")),
        ("2026-03-10", "Sparkasse", "RUB", Decimal("-990.00")),
        ("2026-03-12", "manual", "RUB", Decimal("-100.00")),
    ]


def test_the_value_date_decides_and_the_last_day_is_not_part_of_it(month):
    assert lines(statement(dt.date(2026, 2, 1), dt.date(2026, 3, 1))) == [
        ("2026-02-27", "manual", "RUB", Decimal("990.00"))
    ]
    assert statement(dt.date(2026, 2, 1), dt.date(2026, 2, 27)).lines == []
    assert len(statement(dt.date(2026, 3, 2), dt.date(2026, 3, 3)).lines) == 2


def test_no_sum_is_over_two_currencies(month):
    assert statement(dt.date(2026, 3, 1), dt.date(2026, 4, 1)).totals == {
        "EUR": Sums(Decimal("10.00"), NOTHING, NOTHING, Decimal("10.00")),
        "RUB": Sums(Decimal("3960.00"), Decimal("990.00"), Decimal("100.00"), Decimal("2870.00")),
    }


def test_the_sum_over_everything_is_what_the_receipts_hold_less_what_was_paid_back(month, paid, staff):
    surplus = paid("2026-03-20", amount=Decimal("1500.00"), accept_difference=True, note="n")
    second = PaymentFactory(subscription=surplus.subscription, moment=on("2026-03-21"))
    second.confirm(
        Facts(receipt_id=surplus.receipt_id, accept_difference=True, note="n"), by=staff, moment=on("2026-03-21")
    )
    undo(surplus, "mistake", "2026-03-22", staff)
    undo(second, "returned_by_bank", "2026-03-23", staff)
    held = {}
    for receipt in Receipt.objects.all():
        held[receipt.currency] = held.get(receipt.currency, NOTHING) + receipt.amount - receipt.reversed_amount
    for refund in Refund.objects.filter(status="paid"):
        held[refund.currency] -= refund.amount
    assert {currency: sums.total for currency, sums in statement().totals.items()} == held


def test_money_that_settles_another_payment_came_once(payment, plan, staff, moment):
    payment.subscription.cancel(moment, now=True)
    payment.confirm(Facts(evidence="late"), by=staff, moment=moment)
    other = PaymentFactory(subscription=SubscriptionFactory(user=payment.user, plan=plan))
    other.confirm(Facts(receipt_id=payment.receipt_id), by=staff, moment=moment)
    assert statement().totals["RUB"].total == Decimal("990.00")


def test_days_begin_in_the_billing_time_zone(paid, settings):
    settings.BILLING_TIME_ZONE = "Asia/Tokyo"
    paid("2026-03-03")
    assert lines(statement(dt.date(2026, 3, 3), dt.date(2026, 3, 4))) == [
        ("2026-03-03", "manual", "RUB", Decimal("990.00"))
    ]
    settings.BILLING_TIME_ZONE = "Pacific/Honolulu"
    assert lines(statement(dt.date(2026, 3, 2), dt.date(2026, 3, 3))) == [
        ("2026-03-02", "manual", "RUB", Decimal("990.00"))
    ]
    assert statement(dt.date(2026, 3, 3), dt.date(2026, 3, 4)).lines == []


def test_it_is_one_statement_of_sql(month, django_assert_num_queries):
    with django_assert_num_queries(1):
        statement()


@pytest.mark.parametrize(
    ("day", "last"), [("2026-12-31", "2027-01-01"), ("2026-02-01", "2026-03-01"), ("2026-01-31", "2026-02-01")]
)
def test_a_month_ends_where_the_next_begins(day, last):
    assert month_of(dt.date.fromisoformat(day)) == (
        dt.date.fromisoformat(day).replace(day=1),
        dt.date.fromisoformat(last),
    )


# --- The command


def run(*options):
    out = io.StringIO()
    call_command("bank_statement", *options, stdout=out)
    return out.getvalue()


def test_the_command_prints_json(month):
    told = json.loads(run("--from", "2026-03-01", "--to", "2026-04-01", "--json"))
    assert (told["from"], told["to"], len(told["days"])) == ("2026-03-01", "2026-04-01", 6)
    assert told["days"][0] == {
        "day": "2026-03-02", "source": "manual", "currency": "EUR", "received": "10.00", "returned": "0.00",
        "refunded": "0.00", "total": "10.00",
    }  # fmt: skip
    assert told["totals"]["RUB"] == {
        "received": "3960.00", "returned": "990.00", "refunded": "100.00", "total": "2870.00",
    }  # fmt: skip


def test_the_command_prints_lines(month):
    said = run("--from", "2026-03-01", "--to", "2026-04-01")
    assert "2026-03-10 Sparkasse: 0.00 received, 990.00 returned, 0.00 refunded, -990.00 RUB in total." in said
    assert "In all: 3960.00 received, 990.00 returned, 100.00 refunded, 2870.00 RUB in total." in said
    assert said.strip().endswith("6 lines from 2026-03-01 to before 2026-04-01.")


def test_without_dates_it_is_this_month(payment, staff, moment):
    payment.confirm(Facts(), by=staff, moment=moment)
    first, next_first = month_of(moment.today)
    told = json.loads(run("--json"))
    assert (told["from"], told["to"], len(told["days"])) == (first.isoformat(), next_first.isoformat(), 1)


@pytest.mark.parametrize(
    "options",
    [
        ("--from", "yesterday"),
        ("--to", "2026-02-30"),
        ("--from", "2026-3-1"),
        ("--from", "2026-03-02", "--to", "2026-03-02"),
    ],
)
def test_days_that_cannot_be_are_said_in_a_sentence(db, options):
    with pytest.raises(CommandError) as refused:
        run(*options)
    assert refused.value.returncode == 2


# --- The page


def test_the_page_shows_the_same_numbers(month, staff):
    olga = browser(staff)
    answer = olga.get(page(PAGE), {"from": "2026-03-01", "to": "2026-04-01"})
    assert answer.status_code == 200
    assert answer.context["statement"] == statement(dt.date(2026, 3, 1), dt.date(2026, 4, 1))
    shown = answer.content.decode()
    for text in ("Sparkasse", "2870.00", "-990.00", "format=csv"):
        assert text in shown
    assert ">0<" not in shown
    assert page(PAGE) in olga.get(page("index")).content.decode()


def test_the_page_shows_this_month_by_itself(payment, staff, moment):
    payment.confirm(Facts(), by=staff, moment=moment)
    answer = browser(staff).get(page(PAGE))
    assert [line.sums.total for line in answer.context["statement"].lines] == [Decimal("990.00")]
    assert browser(staff).get(page(PAGE), {"from": "2020-02-01"}).context["statement"].end >= moment.today


@pytest.mark.parametrize(
    "query", ["from=yesterday", "to=99999-01-01", "from=2026-03-02&to=2026-03-01", "from=%00", "from=9999-12-31"]
)
def test_days_that_cannot_be_are_said_on_the_page(staff, query):
    for more in ("", "&format=csv"):
        assert browser(staff).get(f"{page(PAGE)}?{query}{more}").status_code == 400


def test_only_who_may_see_receipts_sees_it(powerless_staff, alice):
    for user in (powerless_staff, alice):
        assert browser(user).get(page(PAGE)).status_code in (302, 403)


@pytest.mark.parametrize("source", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "plain"])
def test_no_cell_of_the_export_is_a_formula(paid, staff, source):
    paid("2026-03-02", source=source)
    answer = browser(staff).get(page(PAGE), {"from": "2026-03-01", "to": "2026-04-01", "format": "csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    header, line, total = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (header[0], total[0], total[6]) == ("Day", "In all", "990.00")
    assert line == [
        "2026-03-02",
        source if source == "plain" else f"'{source}",
        "RUB",
        "990.00",
        "0.00",
        "0.00",
        "990.00",
    ]
