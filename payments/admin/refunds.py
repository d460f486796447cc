"""Refunds, and saying that one went out; reversals, to be looked at only."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.admin import ReadOnlyAdmin
from accounts.admin.base import ChosenFilter, id_is, link_to
from accounts.admin.lists import people
from api.keys import text_key
from billing_time.clock import Moment
from payments.models import Refund, Reversal
from payments.refunds import CoverageChoice
from payments.reversals import Kind
from subscriptions.admin import CurrencyFilter

from .money_back import PayAct
from .words import money

COLOURS = {Refund.Status.DUE: "warning", Refund.Status.PAID: "success", Refund.Status.CANCELED: "default"}


class RefundStateFilter(ChosenFilter):
    """By state: those that are due are work for staff."""

    title = gettext_lazy("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return every state."""
        return list(Refund.Status.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the refunds in the state."""
        return queryset.filter(status=self.value()) if self.value() else queryset


class CoverageFilter(ChosenFilter):
    """By what became of the paid days."""

    title = gettext_lazy("paid days")
    parameter_name = "coverage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return both."""
        return list(CoverageChoice.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the refunds that kept the days, or took them back."""
        return queryset.filter(coverage=self.value()) if self.value() else queryset


class KindFilter(ChosenFilter):
    """By what happened to the money."""

    title = gettext_lazy("what happened")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the kinds of reversals."""
        return list(Kind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the reversals of the kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


class MoneyBackAdmin(ReadOnlyAdmin):
    """What refunds and reversals have in common: both are about a payment, and about money that is gone."""

    list_display_links = ("number",)
    list_select_related: Any = ("user", "payment")
    pointed_at_by: ClassVar[tuple[str, ...]] = ("user__id__exact", "payment__id__exact")
    search_help_text = gettext_lazy("Reference, evidence, username, e-mail address or id")
    ordering = ("-id",)
    sortable_by: ClassVar[tuple[str, ...]] = ("number", "payment_link")

    def found_by(self, text: str) -> list[Q]:
        """Find by the payment's reference, however it is spaced, by user or id."""
        reference = "".join(text.split()).upper()
        return [people(text), Q(payment__reference=reference), id_is(text)]

    @display(description=gettext_lazy("id"), ordering="id")
    def number(self, row: Any) -> str:
        """Return the id, without separators."""
        return str(row.pk)

    @display(description=gettext_lazy("amount"), ordering="amount")
    def money_shown(self, row: Any) -> str:
        """Return the amount with its currency."""
        return money(row).replace(" ", "\N{NO-BREAK SPACE}")

    @display(description=gettext_lazy("user"), ordering="user__username_key")
    def user_link(self, row: Any) -> Any:
        """Link to the user."""
        return link_to(row.user)

    @display(description=gettext_lazy("payment"), ordering="payment_id")
    def payment_link(self, row: Any) -> Any:
        """Link to the payment."""
        return link_to(row.payment)


@admin.register(Refund)
class RefundAdmin(MoneyBackAdmin):
    """Money given back. Those that are due wait to be paid out."""

    list_display = (
        "number", "state_shown", "money_shown", "user_link", "payment_link", "coverage", "evidence", "paid_at",
        "created_at",
    )  # fmt: skip
    list_filter = (
        RefundStateFilter,
        CoverageFilter,
        CurrencyFilter,
        ("created_at", admin.DateFieldListFilter),
        ("paid_at", admin.DateFieldListFilter),
    )
    actions_detail = ("pay",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("money_shown", "status"), ("user_link", "payment_link"), "coverage", "reason",
                    ("evidence", "paid_at"), ("created_at", "recorded_by"),
                )
            },
        ),
    )  # fmt: skip

    def found_by(self, text: str) -> list[Q]:
        """Find by evidence as well."""
        key = text_key(text)
        return [*super().found_by(text), *([Q(evidence_key__contains=key)] if key else [])]

    def has_pay_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Tell whether the reader may give money back."""
        return request.user.has_perm("payments.refund_payment")

    def offered(self, row: Refund, moment: Moment) -> tuple[str, ...]:
        """Offer to say that it went out, of what is due."""
        return ("pay",) if row.status == Refund.Status.DUE else ()

    @action(
        description=gettext_lazy("Record that it was paid out"),
        permissions=["pay"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
    )
    def pay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the evidence, and record it."""
        return self.act_on(request, object_id, PayAct())

    @display(description=gettext_lazy("status"), label=COLOURS, ordering="status")
    def state_shown(self, row: Refund) -> tuple[str, Any]:
        """Return the state, coloured."""
        return row.status, row.get_status_display()


@admin.register(Reversal)
class ReversalAdmin(MoneyBackAdmin):
    """That payments stopped counting."""

    list_display = (
        "number", "kind", "money_shown", "user_link", "payment_link", "receipt_link", "evidence", "created_at",
    )  # fmt: skip
    list_filter = (KindFilter, CurrencyFilter, ("created_at", admin.DateFieldListFilter))
    list_select_related = ("user", "payment", "receipt")
    pointed_at_by = (*MoneyBackAdmin.pointed_at_by, "receipt__id__exact")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("money_shown", "kind"), ("user_link", "payment_link"), "receipt_link", "reason", "evidence",
                    ("created_at", "recorded_by"),
                )
            },
        ),
    )  # fmt: skip

    def found_by(self, text: str) -> list[Q]:
        """Find by evidence as well."""
        return [*super().found_by(text), Q(evidence__icontains=text)]

    @display(description=gettext_lazy("receipt"))
    def receipt_link(self, row: Reversal) -> Any:
        """Link to the money that it was."""
        return link_to(row.receipt)
