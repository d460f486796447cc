"""What staff do with money that came: give it back, say that it went out, say that it never came or is gone."""

from typing import Any

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.acts import Act, Outcome, seen
from accounts.admin.base import link_to
from accounts.models import User
from api.expectations import PreconditionFailed
from billing_time.clock import Moment
from payments.models import Payment, Refund, RefundOrder, ReversalOrder
from payments.refunds import CoverageChoice, total
from subscriptions.states import Status as SubscriptionStatus

from .forms import PayForm, RefundForm, ReverseForm
from .words import became_words, money, money_of, status_label, sum_of, without_its_days


class RefundAct(Act):
    """Give money of a payment back."""

    title = gettext_lazy("Refund payment")
    button = gettext_lazy("Refund payment")
    form_class = RefundForm
    dangerous = True

    def facts(self, row: Payment, moment: Moment) -> list[tuple[Any, Any]]:
        """Return its terms, and what is left of its money."""
        return money_of(row, moment)

    def warning(self, row: Payment, moment: Moment) -> Any:
        """Say what giving back would do to the paid days."""
        if row.status_at(moment) != Payment.Status.CONFIRMED:
            return _("Only a confirmed payment can be refunded; this one is: %(status)s.") % {
                "status": status_label(row.status_at(moment))
            }
        if row.covers_to and row.has_later_coverage():
            return _("Later coverage stands on its days, so they cannot be taken back: give money back with days kept.")
        return without_its_days(row, moment, otherwise=SubscriptionStatus.CANCELED) or None

    def perform(self, row: Payment, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Record the refund. The second of two clicks finds it there."""
        order = RefundOrder(
            reason=given["reason"],
            amount=given["amount"],
            coverage=given["coverage"] or None,
            evidence=given["evidence"] or None,
        )
        try:
            refund, new = row.refund(order, by=by, moment=moment, expected=seen(given))
        except PreconditionFailed:
            if is_newest_refund(row, order, by):
                return Outcome.nothing(_("This refund was recorded before; nothing was changed."))
            raise
        if not new:
            return Outcome.nothing(_("It was recorded before with this evidence; nothing was changed."))
        return Outcome(refunded_words(row, refund, moment))


class ReverseAct(Act):
    """Say that the money of a payment was not received, or is gone again."""

    title = gettext_lazy("Reverse payment")
    button = gettext_lazy("Reverse payment")
    form_class = ReverseForm
    dangerous = True

    def facts(self, row: Payment, moment: Moment) -> list[tuple[Any, Any]]:
        """Return its terms, and what is left of its money."""
        return money_of(row, moment)

    def warning(self, row: Payment, moment: Moment) -> Any:
        """Say what would become of the paid days, and of what was given back."""
        if row.status_at(moment) != Payment.Status.CONFIRMED:
            return _("Only a confirmed payment can be reversed; this one is: %(status)s.") % {
                "status": status_label(row.status_at(moment))
            }
        if row.covers_to and row.has_later_coverage():
            words = _("Later coverage stands on its days: they are kept, and stand in the queue for staff.")
        else:
            words = without_its_days(row, moment, otherwise=SubscriptionStatus.PENDING)
        return " ".join(filter(None, [words, given_back_words(row)])) or None

    def perform(self, row: Payment, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Reverse it."""
        order = ReversalOrder(kind=given["kind"], reason=given["reason"], evidence=given["evidence"] or None)
        owed = total(row.refunds.due())
        if not row.reverse(order, by=by, moment=moment, expected=seen(given)):
            return Outcome.nothing(_("It was reversed for this cause before; nothing was changed."))
        words = _("Reversed: %(money)s do not count any more.") % {"money": money(row)}
        if owed:
            words += _(" %(money)s are not owed any more.") % {"money": sum_of(owed, row.currency)}
        if row.keeps_coverage:
            words += _(" Its days are kept, for later coverage stands on them; it stands in the queue for staff.")
        words += became_words(row.subscription, moment) + reason_words(order.reason)
        return Outcome(words, level=messages.WARNING if row.keeps_coverage else messages.SUCCESS)


class PayAct(Act):
    """Say that a refund went out."""

    title = gettext_lazy("Record that it was paid out")
    button = gettext_lazy("Record that it was paid out")
    form_class = PayForm

    def facts(self, row: Refund, moment: Moment) -> list[tuple[Any, Any]]:
        """Return to whom what is owed."""
        return [
            (_("User"), link_to(row.user)),
            (_("E-mail address"), row.user.email or "–"),
            (_("Payment"), link_to(row.payment)),
            (_("To be paid out"), money(row)),
            (_("Status"), row.get_status_display()),
            (_("Reason"), row.reason),
        ]

    def warning(self, row: Refund, moment: Moment) -> Any:
        """Say that nothing is owed."""
        return None if row.status == Refund.Status.DUE else _("This refund is not waiting to be paid out.")

    def perform(self, row: Refund, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Record it."""
        if not row.pay(given["evidence"], by=by, moment=moment, expected=seen(given)):
            return Outcome.nothing(_("It was recorded before with this evidence; nothing was changed."))
        words = _("Paid out: %(money)s. Evidence: %(evidence)s.")
        return Outcome(words % {"money": money(row), "evidence": row.evidence})


def is_newest_refund(payment: Payment, order: RefundOrder, by: User) -> bool:
    """Tell whether the same person has just ordered the same."""
    newest = payment.refunds.order_by("-pk").first()
    if newest is None or (newest.recorded_by_id, newest.reason) != (by.pk, order.reason):
        return False
    same_days = (newest.coverage == CoverageChoice.TAKE_BACK) == order.takes_back
    same_amount = payment.refundable_amount == 0 if order.amount is None else newest.amount == order.amount
    return same_days and same_amount


def refunded_words(payment: Payment, refund: Refund, moment: Moment) -> str:
    """Say what is given back, whether it went out, and what became of the paid days."""
    words = _("Refunded: %(money)s.") % {"money": money(refund)}
    if refund.status == Refund.Status.PAID:
        words += _(" It was paid out; evidence: %(evidence)s.") % {"evidence": refund.evidence}
    else:
        words += _(" It is due, and stands in the queue until there is evidence that it was paid out.")
    if payment.refundable_amount:
        words += _(" %(money)s are left.") % {"money": sum_of(payment.refundable_amount, payment.currency)}
    if refund.coverage == CoverageChoice.TAKE_BACK:
        words += became_words(payment.subscription, moment)
    return words + reason_words(refund.reason)


def given_back_words(payment: Payment) -> str:
    """Say what of the money was given back, or is to be."""
    owed, paid = (total(payment.refunds.filter(status=status)) for status in ("due", "paid"))
    words = []
    if owed:
        words.append(_("%(money)s that are to be paid out will not be owed any more."))
    if paid:
        words.append(_("%(money)s were paid out already."))
    amounts = [amount for amount in (owed, paid) if amount]
    said = zip(words, amounts, strict=True)
    return " ".join(text % {"money": sum_of(amount, payment.currency)} for text, amount in said)


def reason_words(reason: str) -> str:
    """Say why."""
    return _(" Reason: %(reason)s") % {"reason": reason} if reason else ""
