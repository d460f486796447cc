"""The page that a customer pays from: what, to whom, with which reference, and whether the money has been confirmed."""

import datetime as dt
from decimal import Decimal
from typing import Any

import segno.helpers
from babel.numbers import format_currency, get_currency_symbol
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from stdnum import iban

from billing_time.clock import Moment
from billing_time.terms import Interval, Term
from operations.pages import page
from subscriptions.states import Status as SubscriptionStatus

from .models import Payment

REFRESH_SECONDS = 15
Status = Payment.Status


def checkout_url(payment: Payment, request: Any) -> str:
    """Return the absolute address of the payment's page."""
    path = reverse("checkout", args=[payment.page_key])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


@page
@never_cache
@require_safe
def checkout_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show how to pay. The key of 128 bits is the secret: a guessed address is like any that does not exist."""
    payment = get_object_or_404(Payment.objects.select_related("plan", "subscription"), page_key=key)
    payee = settings.PAYEE if settings.PAYEE["name"] and settings.PAYEE["account"] else {}
    context = {
        "payment": payment,
        "state": state_of(payment, Moment.current()),
        "amount": amount_in_words(payment.amount, payment.currency),
        "term": term_in_words(payment.term),
        "reference": spaced(payment.reference),
        "last_day": payment.covers_to and payment.covers_to - dt.timedelta(days=1),
        "payee": payee,
        "account": payee and account_in_words(payee["account"]),
        "qr_code": payee and qr_code(payment, payee),
        "refresh_seconds": REFRESH_SECONDS,
    }
    response = render(request, "payments/checkout.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def state_of(payment: Payment, moment: Moment) -> str:
    """Return which of the page's texts applies; nobody is asked to pay for what has been canceled."""
    status = payment.status_at(moment)
    if status == Status.PENDING:
        gone = payment.subscription.status_at(moment) == SubscriptionStatus.CANCELED
        return Status.CANCELED if gone else "waiting"
    return "unapplied" if payment.unapplied else status


def spaced(reference: str) -> str:
    """Return the reference in groups of four, as people copy it."""
    return " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def account_in_words(account: str) -> str:
    """Return an IBAN in groups of four, any other account number as it was given."""
    return spaced(iban.compact(account)) if iban.is_valid(account) else account


def amount_in_words(amount: Decimal, currency: str) -> str:
    """Return the amount as it is written in the reader's language, with the currency's sign or else its code."""
    language = get_language() or settings.LANGUAGE_CODE
    has_sign = get_currency_symbol(currency, locale=language) != currency
    return format_currency(amount, currency, None if has_sign else "#,##0.00\N{NO-BREAK SPACE}¤¤", locale=language)


def term_in_words(term: Term) -> str:
    """Return the length of time in the reader's language: “3 months”."""
    count = term.count
    words = {
        Interval.DAY: ngettext("%(count)d day", "%(count)d days", count),
        Interval.WEEK: ngettext("%(count)d week", "%(count)d weeks", count),
        Interval.MONTH: ngettext("%(count)d month", "%(count)d months", count),
        Interval.YEAR: ngettext("%(count)d year", "%(count)d years", count),
    }
    return words[Interval(term.interval)] % {"count": count}


def qr_code(payment: Payment, payee: dict[str, str]) -> str:
    """Return the EPC code of the transfer as a `data:` address; empty where it is not in euro to an IBAN."""
    if payment.currency != "EUR" or not iban.is_valid(payee["account"]):
        return ""
    try:
        code = segno.helpers.make_epc_qr(
            payee["name"],
            iban.compact(payee["account"]),
            payment.amount,
            reference=payment.reference,
            bic=payee["bic"] or None,
        )
    except ValueError:  # a name over 70 characters or a BIC that is none: the page says the same in words
        return ""
    return code.svg_data_uri(scale=4, light="#fff")
