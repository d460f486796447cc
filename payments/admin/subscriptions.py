"""What the money adds to the page of a subscription: ending it with a refund, and free time."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.admin.acts import Act, Outcome, seen
from accounts.forms import ActForm
from accounts.models import User
from api.expectations import PreconditionFailed
from billing_time.clock import Moment
from payments.endings import cancel_and_refund, last_payment
from payments.grants import MAX_DAYS, grant
from payments.models import Payment, Refund
from payments.problems import RefundExceedsPayment
from subscriptions.admin import CancelAct, CancelForm, SubscriptionAdmin, term_of
from subscriptions.models import Subscription
from subscriptions.states import LIVE

from .forms import reason_field
from .money_back import reason_words
from .words import became_words, days, sum_of

REFUND = ("refund", gettext_lazy("All of the last payment is given back"))


class EndingForm(CancelForm):
    """When a subscription ends, and whether the money is kept or, with the right, given back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.by.has_perm("payments.refund_payment"):
            money = self.fields["money"]
            money.choices = [*money.choices, REFUND]  # type: ignore[attr-defined]


class EndingAct(CancelAct):
    """End a subscription, and give back its money where that is asked."""

    form_class = EndingForm

    def facts(self, row: Subscription, moment: Moment) -> list[tuple[Any, Any]]:
        """Return its term, and what is left of its last payment."""
        return [*super().facts(row, moment), (_("Left of the last payment"), left_of_last(row))]

    def cancel(self, row: Subscription, given: dict[str, Any], by: User, moment: Moment) -> bool:
        """Call the verb that gives money back, or the one that does not."""
        if given["money"] != "refund":
            return super().cancel(row, given, by, moment)
        return cancel_and_refund(row, given["reason"], by=by, moment=moment, expected=seen(given))

    def money_words(self, row: Subscription, given: dict[str, Any]) -> str:
        """Say what became of the money."""
        if given["money"] != "refund":
            return super().money_words(row, given)
        refund = last_refund(row)
        words = _(" %(money)s are to be given back: they stand in the queue of refunds due.")
        return words % {"money": sum_of(refund.amount, refund.currency)}


class DaysField(forms.IntegerField):
    """A number of days, in ASCII digits."""

    def to_python(self, value: Any) -> Any:
        """Return the number."""
        text = str(value or "").strip()
        if text and not (text.isascii() and text.isdigit()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text[:10])


class GrantForm(ActForm):
    """How many free days, and why."""

    days = DaysField(
        label=gettext_lazy("Days"),
        min_value=1,
        max_value=MAX_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("1 to 366. They follow on what is paid or tried, and cost nothing."),
    )
    reason = reason_field(help_text=gettext_lazy("It is kept in the history of the subscription."))


class GrantAct(Act):
    """Give free time."""

    title = gettext_lazy("Give free days")
    button = gettext_lazy("Give free days")
    form_class = GrantForm

    def facts(self, row: Subscription, moment: Moment) -> list[tuple[Any, Any]]:
        """Return its term."""
        return term_of(row, moment)

    def warning(self, row: Subscription, moment: Moment) -> Any:
        """Say that it cannot take any days."""
        return None if row.status_at(moment) in LIVE else _("The subscription is not live: it cannot take any days.")

    def perform(self, row: Subscription, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Give them. The second of two clicks finds them there."""
        try:
            payment = grant(row, given["days"], given["reason"], by=by, moment=moment, expected=seen(given))
        except PreconditionFailed:
            if is_newest_grant(row, given["days"], by):
                return Outcome.nothing(_("These days were given before; nothing was changed."))
            raise
        words = _("Given for nothing: %(days)s.") % {"days": days(payment.covers_from, payment.covers_to)}
        return Outcome(words + became_words(row, moment) + reason_words(given["reason"]))


def left_of_last(subscription: Subscription) -> str:
    """Return what is left to give back of the last payment."""
    try:
        last = last_payment(subscription)
    except RefundExceedsPayment:
        return "–"
    return sum_of(last.refundable_amount, last.currency)


def last_refund(subscription: Subscription) -> Refund:
    """Return the newest refund of the subscription's payments."""
    return Refund.objects.filter(payment__subscription=subscription).latest("pk")


def is_newest_grant(subscription: Subscription, given_days: int, by: User) -> bool:
    """Tell whether the same person has just given as many days."""
    newest = subscription.payments.filter(confirmed_at__isnull=False).order_by("-pk").first()
    facts = (Payment.Status.CONFIRMED, "grant", given_days, by.pk)
    return newest is not None and facts == (
        newest.status, newest.provider, newest.interval_count, newest.confirmed_by_id,
    )  # fmt: skip


admin.site.unregister(Subscription)


@admin.register(Subscription)
class PaidSubscriptionAdmin(SubscriptionAdmin):
    """Contracts, and what money does to them."""

    cancel_act = EndingAct
    actions_detail = ("give_days", *SubscriptionAdmin.actions_detail)

    def has_grant_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Tell whether the reader may give free time."""
        return request.user.has_perm("subscriptions.grant_time")

    def offered(self, row: Subscription, moment: Moment) -> tuple[str, ...]:
        """Offer free days to what is live as well."""
        free = ("give_days",) if row.status_at(moment) in LIVE else ()
        return (*free, *super().offered(row, moment))

    @action(description=gettext_lazy("Give free days"), permissions=["grant"], icon="redeem")
    def give_days(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask how many and why, and give them."""
        return self.act_on(request, object_id, GrantAct())
