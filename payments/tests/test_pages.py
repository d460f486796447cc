import datetime as dt
import re
from decimal import Decimal
from urllib.parse import unquote

import pytest

from billing_time.clock import Moment
from billing_time.terms import Term
from payments.models import Facts
from payments.pages import amount_in_words, qr_code, spaced, term_in_words
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

PAYEE = {
    "name": "Example Billing GmbH",
    "account": "DE89 3704 0044 0532 0130 00",
    "bic": "COBADEFFXXX",
    "bank": "Commerzbank",
    "note": "Mark it as a subscription.",
}


@pytest.fixture
def payee(settings):
    settings.PAYEE = PAYEE


@pytest.fixture
def nobody(settings):
    settings.PAYEE = dict.fromkeys(PAYEE, "")


@pytest.fixture
def in_euro(alice):
    plan = PlanFactory(currency="EUR", price=Decimal("12.00"), title="World")
    return PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=plan))


def page(caller, payment, **headers):
    answer = caller.get(f"/pay/{payment.page_key}", **headers)
    assert answer.status_code == 200
    return answer


def text(answer):
    """Return what a reader sees, with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode().replace("\xa0", " ")).split())


def test_it_says_what_to_pay_to_whom_and_with_which_reference(anyone, payment, payee):
    seen = text(page(anyone, payment))
    for said in ("990.00 RUB", "Pro, 1 month", PAYEE["name"], PAYEE["account"], PAYEE["bic"], PAYEE["bank"],
                 PAYEE["note"], spaced(payment.reference), "Waiting for your payment"):  # fmt: skip
        assert said in seen


def test_it_names_neither_the_user_nor_anything_else_about_them(anyone, payment, payee):
    shown = page(anyone, payment).content.decode()
    assert payment.user.username not in shown
    assert "@example.com" not in shown


def test_without_a_payee_it_says_whom_to_ask(anyone, payment, nobody):
    seen = text(page(anyone, payment))
    assert "Where to pay to is not shown here" in seen
    assert spaced(payment.reference) in seen


def test_it_looks_again_by_itself_only_while_it_waits(anyone, payment, staff):
    assert b'http-equiv="refresh" content="15"' in page(anyone, payment).content
    payment.confirm(Facts(), by=staff, moment=Moment.current())
    assert b'http-equiv="refresh"' not in page(anyone, payment).content


def test_confirmed_it_shows_the_days_that_are_paid_for(anyone, payment, staff, payee):
    moment = Moment.of(dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC))
    payment.confirm(Facts(), by=staff, moment=moment)
    seen = text(page(anyone, payment))
    assert "has been confirmed" in seen
    assert "from Jan. 31, 2026 to Feb. 27, 2026, both included" in seen
    assert PAYEE["account"] not in seen


def test_canceled_or_expired_it_asks_nobody_to_pay(anyone, payment, payee):
    payment.cancel(Moment.current())
    seen = text(page(anyone, payment))
    assert "The payment was canceled" in seen
    assert "do not pay any more" in seen
    assert PAYEE["account"] not in seen


def test_past_its_expiry_it_is_expired_before_any_command_has_run(anyone, alice, plan, payee):
    long_ago = Moment.of(Moment.current().now - dt.timedelta(days=20))
    payment = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=plan, moment=long_ago), moment=long_ago)
    seen = text(page(anyone, payment))
    assert "The time to pay is over" in seen
    assert PAYEE["account"] not in seen


def test_of_a_subscription_that_has_ended_by_its_date_it_is_canceled(anyone, payment, staff):
    subscription, now = payment.subscription, Moment.current()
    payment.confirm(Facts(), by=staff, moment=Moment.of(now.now - dt.timedelta(days=40)))
    renewal = PaymentFactory(subscription=subscription, moment=Moment.of(now.now - dt.timedelta(days=12)))
    subscription.refresh_from_db()
    subscription.cancel_at = now.today
    subscription.save(update_fields=["cancel_at"])
    assert "The payment was canceled" in text(page(anyone, renewal))


def test_money_for_what_has_ended_has_arrived_all_the_same(anyone, payment, staff):
    payment.subscription.cancel(Moment.current(), now=True)
    payment.confirm(Facts(evidence="0117-22"), by=staff, moment=Moment.current())
    assert payment.unapplied
    assert "The money has arrived" in text(page(anyone, payment))


@pytest.mark.parametrize("state", ["refunded", "reversed"])
def test_money_given_back_or_gone_is_told(anyone, payment, staff, state, monkeypatch):
    monkeypatch.setattr("payments.pages.state_of", lambda *_: state)
    assert {"refunded": "has been refunded", "reversed": "was taken back"}[state] in text(page(anyone, payment))


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("key", ["x", "x" * 5000, "ключ", "%ED%B3%BF", "' OR 1=1 --"])
def test_an_unknown_key_is_like_any_unknown_address(anyone, payment, settings, key, debug):
    settings.DEBUG = debug
    guessed = anyone.get(f"/pay/{key}")
    assert guessed.status_code == 404
    assert b"<h1>There is nothing here</h1>" in guessed.content
    if not debug:
        other = anyone.get("/no/such/page")
        assert guessed.content == other.content
        assert without_request_id(guessed) == without_request_id(other)


def without_request_id(answer):
    return {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}


def test_the_address_is_not_the_id(anyone, payment):
    for guess in (payment.pk, payment.reference, payment.page_key[:-1], payment.page_key.swapcase()):
        assert anyone.get(f"/pay/{guess}").status_code == 404


def test_nothing_leaves_the_page_and_nobody_keeps_it(anyone, payment):
    answer = page(anyone, payment)
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"].startswith("noindex")
    assert answer["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers
    shown = answer.content.decode()
    assert not re.search(r'(?:src|href)="(?:https?:)?//', shown)
    assert "<script" not in shown
    assert " style=" not in shown


@pytest.mark.parametrize(
    ("address", "headers", "language"),
    [
        ("", {}, "en"),
        ("", {"Accept_Language": "ru"}, "ru"),
        ("?language=ru", {}, "ru"),
        ("?language=en", {"Accept_Language": "ru"}, "en"),
        ("?language=xx", {"Accept_Language": "ru"}, "ru"),
    ],
)
def test_it_speaks_the_language_that_was_chosen_or_else_the_browsers(anyone, payment, address, headers, language):
    answer = anyone.get(f"/pay/{payment.page_key}{address}", **headers)
    assert f'<html lang="{language}">' in answer.content.decode()
    assert answer["Content-Language"] == language
    assert "?language=" in answer.content.decode()


def test_only_reading_is_possible(anyone, payment):
    assert anyone.post(f"/pay/{payment.page_key}").status_code in {403, 405}
    assert anyone.request("HEAD", f"/pay/{payment.page_key}").status_code == 200


def test_in_euro_to_an_iban_there_is_a_code_for_the_banking_app(anyone, in_euro, payee):
    assert b'<img src="data:image/svg+xml' in page(anyone, in_euro).content


def test_the_code_says_what_the_page_says(in_euro, monkeypatch):
    told = []
    monkeypatch.setattr("segno.helpers.make_epc_qr", lambda *args, **kwargs: told.append((args, kwargs)) or Picture())
    qr_code(in_euro, PAYEE)
    (((name, account, amount), more),) = told
    assert (name, account, amount) == (PAYEE["name"], "DE89370400440532013000", Decimal("12.00"))
    assert more == {"reference": in_euro.reference, "bic": "COBADEFFXXX"}


class Picture:
    def svg_data_uri(self, **_options):
        return ""


def test_the_code_is_a_picture_that_stands_in_its_address(in_euro):
    assert "<svg" in unquote(qr_code(in_euro, PAYEE))


@pytest.mark.parametrize(
    "change", [{"account": "40702810900000000001"}, {"account": "DE00370400440532013000"}, {"name": "x" * 71}]
)
def test_where_no_code_can_be_made_there_is_none(anyone, in_euro, settings, change):
    settings.PAYEE = PAYEE | change
    assert b"<img" not in page(anyone, in_euro).content


def test_in_other_currencies_there_is_no_code(anyone, payment, payee):
    assert b"<img" not in page(anyone, payment).content


@pytest.mark.parametrize(
    ("language", "currency", "written"),
    [
        ("en", "RUB", "9,900.00 RUB"),
        ("en", "EUR", "€9,900.00"),
        ("ru", "RUB", "9 900,00 ₽"),
        ("ru", "EUR", "9 900,00 €"),
        ("ru", "CHF", "9 900,00 CHF"),
    ],
)
def test_amounts_are_written_as_the_reader_writes_them(language, currency, written):
    from django.utils import translation

    with translation.override(language):
        assert amount_in_words(Decimal("9900.00"), currency).replace("\xa0", " ") == written


@pytest.mark.parametrize(
    ("term", "words"),
    [
        (Term("day", 1), "1 day"),
        (Term("week", 2), "2 weeks"),
        (Term("month", 12), "12 months"),
        (Term("year", 1), "1 year"),
    ],
)
def test_terms_are_written_in_words(term, words):
    assert term_in_words(term) == words
