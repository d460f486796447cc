"""What staff do to a payment that waits for money: thin callers of its verbs."""

from typing import Any, ClassVar

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.acts import Act, Outcome, seen
from accounts.forms import ActForm
from accounts.models import User
from billing_time.clock import Moment
from payments.models import Facts, Payment
from payments.states import LATE
from subscriptions.states import LIVE
from transactions.acting import because

from .forms import CancelForm, ConfirmForm, SettleForm
from .words import confirmed_words, facts_words, forecast, money, terms_of


class ConfirmAct(Act):
    """Confirm a payment."""

    title = gettext_lazy("Confirm payment")
    button = gettext_lazy("Confirm payment")
    form_class: ClassVar[type[ActForm]] = ConfirmForm

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
        if row.confirm(self.facts_of(given), by=by, moment=moment, expected=seen(given)):
            return Outcome(confirmed_words(row, moment), level=messages.WARNING if row.unapplied else messages.SUCCESS)
        if known_of(row) != known and known is not None:
            return Outcome(_("It was confirmed before; what was not known of the money was added.") + facts_words(row))
        return Outcome.nothing(_("It was confirmed before with these facts; nothing was changed."))

    def facts_of(self, given: dict[str, Any]) -> Facts:
        """Return what the form says of the money."""
        return Facts(
            amount=given.get("amount"),
            received_on=given["received_on"],
            evidence=given["evidence"] or None,
            source=given.get("source") or None,
            note=given["note"],
            accept_difference=bool(given.get("accept_difference")),
        )


class SettleAct(ConfirmAct):
    """Confirm a payment with money that is on record."""

    title = gettext_lazy("Settle with money on record")
    button = gettext_lazy("Settle payment")
    form_class = SettleForm
    prefilled = ("receipt",)

    def warning(self, row: Payment, moment: Moment) -> Any:
        """Say that it was settled before, or that its subscription cannot take any money."""
        status = row.status_at(moment)
        if status in (Payment.Status.CONFIRMED, Payment.Status.REFUNDED):
            return _("This payment was confirmed before. The same money again changes nothing.")
        if row.subscription.status_at(moment) == "canceled":
            return _("The subscription is canceled: it cannot take the money, which stays where it is.")
        if row.subscription.status_at(moment) not in LIVE:
            return _("The subscription has ended. Where a newer one took its place, the money stays where it is.")
        return None

    def facts_of(self, given: dict[str, Any]) -> Facts:
        """Return which money it is."""
        return Facts(
            receipt_id=given["receipt"].pk,
            note=given["note"],
            accept_difference=bool(given.get("accept_difference")),
        )


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
        because(given["reason"])
        if not row.cancel(moment, expected=seen(given)):
            return Outcome.nothing(_("The payment was canceled before; nothing was changed."))
        reason = _(" Reason: %(reason)s") % {"reason": given["reason"]} if given["reason"] else ""
        return Outcome(_("Canceled: %(money)s are not waited for any more.") % {"money": money(row)} + reason)


def known_of(payment: Payment) -> tuple[Any, Any] | None:
    """Return what a repeat may add to the money received."""
    return (payment.receipt.evidence, payment.receipt.received_on) if payment.receipt else None
