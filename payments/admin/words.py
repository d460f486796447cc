"""Payments, their money and their days in words."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Max
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.admin.base import link_to
from billing_time.clock import Moment
from payments.models import Payment
from payments.pages import spaced
from payments.reversals import Kind
from subscriptions.admin import status_label as subscription_status
from subscriptions.models import Subscription
from subscriptions.problems import TooFarAhead
from subscriptions.states import COVERED
from subscriptions.states import Status as SubscriptionStatus


def status_label(status: str) -> Any:
    """Return a payment's state in words."""
    return dict(Payment._meta.get_field("status").flatchoices)[status]


def money(row: Any) -> str:
    """Return the amount of a payment, refund or receipt with its currency."""
    return sum_of(row.amount, row.currency)


def sum_of(amount: Decimal, currency: str) -> str:
    """Return an amount with its currency."""
    return f"{amount} {currency}"


def days(start: dt.date | None, end: dt.date | None) -> str:
    """Return a range of days in words; the last day named is not part of it."""
    if start is None or end is None:
        return "–"
    return _("from %(start)s until %(end)s") % {"start": date_format(start), "end": date_format(end)}


def terms_of(payment: Payment, moment: Moment) -> list[tuple[Any, Any]]:
    """Return what should be compared with the bank's statement."""
    return [
        (_("User"), link_to(payment.user)),
        (_("E-mail address"), payment.user.email or "–"),
        (_("Plan"), link_to(payment.plan)),
        (_("Subscription"), link_to(payment.subscription)),
        (_("Reference"), spaced(payment.reference)),
        (_("Amount due"), money(payment)),
        (_("Status today"), status_label(payment.status_at(moment))),
    ]


def money_of(payment: Payment, moment: Moment) -> list[tuple[Any, Any]]:
    """Return what should be seen before money that came is given back or counted as gone."""
    currency = payment.currency
    return [
        *terms_of(payment, moment),
        (_("Money received"), link_to(payment.receipt) if payment.receipt else "–"),
        (_("Given back so far"), sum_of(payment.refunded_amount, currency)),
        (_("Left to give back"), sum_of(payment.refundable_amount, currency)),
        (_("Covers the days"), days(payment.covers_from, payment.covers_to)),
    ]


def forecast(payment: Payment, moment: Moment) -> str:
    """Return the days that the payment would pay for if it were confirmed now."""
    try:
        coverage = payment.subscription.next_coverage(payment.term, moment)
    except TooFarAhead as refusal:
        return str(refusal.detail)
    return days(coverage.start, coverage.end)


# --- What came of it


def facts_words(payment: Payment) -> str:
    """Say what is known of the money."""
    receipt, words = payment.receipt, ""
    if receipt and receipt.evidence:
        words += _(" Evidence: %(evidence)s (%(source)s).") % {"evidence": receipt.evidence, "source": receipt.source}
    if receipt and receipt.received_on:
        words += _(" Value date: %(day)s.") % {"day": date_format(receipt.received_on)}
    return words


def confirmed_words(payment: Payment, moment: Moment) -> str:
    """Say what was confirmed and what it covers, or where the money is now."""
    words = _("Confirmed: %(money)s.") % {"money": money(payment)} + facts_words(payment)
    if not payment.unapplied:
        covered = days(payment.covers_from, payment.covers_to)
        return words + _(" It covers the days %(days)s.") % {"days": covered} + difference_words(payment, moment)
    words += _(" The subscription cannot take the money: it is kept unapplied.")
    if others := Payment.objects.could_settle(payment, moment):
        words += _(" It could settle these payments: %(ids)s.") % {"ids": ", ".join(map(str, others))}
    return words


def difference_words(payment: Payment, moment: Moment) -> str:
    """Say what is missing, what is left over, and from where the money was taken."""
    receipt, currency, words = payment.receipt, payment.currency, ""
    if receipt is None:
        return words
    if payment.shortfall:
        words += _(" %(money)s are missing.") % {"money": sum_of(payment.shortfall, currency)}
    if receipt.unapplied_amount:
        words += _(" %(money)s of what came are left and settle nothing yet.") % {
            "money": sum_of(receipt.unapplied_amount, currency)
        }
    for moved in receipt.reversals.filter(kind=Kind.MOVED, created_at=moment.now).select_related("payment"):
        words += _(" The money lay unapplied at payment %(reference)s, which does not count any more.") % {
            "reference": moved.payment.reference
        }
    return words


def became_words(subscription: Subscription, moment: Moment) -> str:
    """Say what the subscription is now."""
    words = _(" The subscription is now: %(status)s.") % {"status": subscription_status(subscription.status_at(moment))}
    if subscription.has_access_at(moment) and subscription.end_date:
        words += _(" It ends on %(day)s.") % {"day": date_format(subscription.end_date)}
    return words


# --- What would come of it


def without_its_days(payment: Payment, moment: Moment, *, otherwise: str) -> str:
    """Say what the subscription would be without the days of a payment that nothing stands on; empty for the same."""
    subscription = payment.subscription
    if payment.covers_to is None or subscription.status not in COVERED:
        return ""
    others = subscription.payments.exclude(pk=payment.pk)
    left, trial_end = others.aggregate(end=Max("covers_to"))["end"], subscription.trial_end
    if left and left > moment.today:
        return _("Without its days the subscription is covered until %(day)s.") % {"day": date_format(left)}
    if trial_end and trial_end > moment.today:
        return _("Without its days the subscription goes back to its trial, until %(day)s.") % {
            "day": date_format(trial_end)
        }
    if otherwise == SubscriptionStatus.PENDING:
        return _("Without its days the subscription waits for payment again, and gives no access.")
    return _("Without its days the subscription is canceled, and access ends at once.")
