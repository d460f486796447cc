"""What staff do to a payment: thin callers of its verbs, and the words for what came of it."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.acts import Act, Outcome
from accounts.admin.base import link_to
from accounts.models import User
from billing_time.clock import Moment
from payments.models import Facts, Payment
from payments.pages import spaced
from payments.states import LATE
from subscriptions.problems import TooFarAhead
from subscriptions.states import LIVE

from .forms import CancelForm, ConfirmForm


def status_label(status: str) -> Any:
    """Return a payment's state in words."""
    return dict(Payment._meta.get_field("status").flatchoices)[status]


def money(payment: Payment) -> str:
    """Return the amount with its currency."""
    return f"{payment.amount} {payment.currency}"


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


class ConfirmAct(Act):
    """Confirm a payment."""

    title = gettext_lazy("Confirm payment")
    button = gettext_lazy("Confirm payment")
    form_class = ConfirmForm

    def facts(self, row: Payment, moment: Moment) -> list[tuple[Any, Any]]:
        """Return its terms, and the days it would pay for."""
        facts = terms_of(row, moment)
        if row.status_at(moment) == Payment.Status.PENDING and row.subscription.status_at(moment) in LIVE:
            facts.append((_("Would cover"), forecast(row, moment)))
        return facts

    def warning(self, row: Payment, moment: Moment) -> Any:
        """Say that it is not waited for, or that the money cannot be used as it is."""
        status = row.status_at(moment)
        if status in (Payment.Status.CONFIRMED, Payment.Status.REFUNDED):
            return _("This payment was confirmed before. The same facts again change nothing; absent ones are added.")
        if row.subscription.status_at(moment) not in LIVE:
            return _("The subscription is not live. Money that it cannot take is kept unapplied, for staff to settle.")
        if status in LATE:
            return _("This payment is not waited for any more. Money that came late needs its evidence.")
        return None

    def perform(self, row: Payment, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Confirm it."""
        known = known_of(row)
        facts = Facts(
            amount=given.get("amount"),
            received_on=given["received_on"],
            evidence=given["evidence"] or None,
            source=given.get("source") or None,
            note=given["note"],
        )
        if row.confirm(facts, by=by, moment=moment):
            return Outcome(confirmed_words(row, moment), level=messages.WARNING if row.unapplied else messages.SUCCESS)
        if known_of(row) != known and known is not None:
            return Outcome(_("It was confirmed before; what was not known of the money was added.") + facts_words(row))
        return Outcome.nothing(_("It was confirmed before with these facts; nothing was changed."))


class CancelAct(Act):
    """Stop waiting for a payment."""

    title = gettext_lazy("Cancel payment")
    button = gettext_lazy("Cancel payment")
    form_class = CancelForm
    dangerous = True

    def facts(self, row: Payment, moment: Moment) -> list[tuple[Any, Any]]:
        """Return its terms."""
        return terms_of(row, moment)

    def perform(self, row: Payment, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Cancel it."""
        if not row.cancel(moment):
            return Outcome.nothing(_("The payment was canceled before; nothing was changed."))
        reason = _(" Reason: %(reason)s") % {"reason": given["reason"]} if given["reason"] else ""
        return Outcome(_("Canceled: %(money)s are not waited for any more.") % {"money": money(row)} + reason)


def forecast(payment: Payment, moment: Moment) -> str:
    """Return the days that the payment would pay for if it were confirmed now."""
    try:
        coverage = payment.subscription.next_coverage(payment.term, moment)
    except TooFarAhead as refusal:
        return str(refusal.detail)
    return days(coverage.start, coverage.end)


def known_of(payment: Payment) -> tuple[Any, Any] | None:
    """Return what a repeat may add to the money received."""
    return (payment.receipt.evidence, payment.receipt.received_on) if payment.receipt else None


def confirmed_words(payment: Payment, moment: Moment) -> str:
    """Say what was confirmed and what it covers, or where the money is now."""
    words = _("Confirmed: %(money)s.") % {"money": money(payment)} + facts_words(payment)
    if not payment.unapplied:
        return words + _(" It covers the days %(days)s.") % {"days": days(payment.covers_from, payment.covers_to)}
    words += _(" The subscription cannot take the money: it is kept unapplied.")
    if others := Payment.objects.could_settle(payment, moment):
        words += _(" It could settle these payments: %(ids)s.") % {"ids": ", ".join(map(str, others))}
    return words


def facts_words(payment: Payment) -> str:
    """Say what is known of the money."""
    receipt, words = payment.receipt, ""
    if receipt and receipt.evidence:
        words += _(" Evidence: %(evidence)s (%(source)s).") % {"evidence": receipt.evidence, "source": receipt.source}
    if receipt and receipt.received_on:
        words += _(" Value date: %(day)s.") % {"day": date_format(receipt.received_on)}
    return words
