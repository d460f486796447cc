"""Receipts, and what of them settles which payment: to be looked at only."""

from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.admin import ReadOnlyAdmin
from accounts.admin.base import YesNoFilter, id_is, link_to, link_to_list, person_is
from api.keys import text_key
from payments.models import Allocation, Receipt
from subscriptions.admin import CurrencyFilter


class UnappliedFilter(YesNoFilter):
    """By whether something of the money settles nothing yet."""

    title = gettext_lazy("unapplied")
    parameter_name = "unapplied"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the receipts with money left, or without."""
        if not self.value():
            return queryset
        left = Q(allocated_amount__lt=F("amount"), voided_at__isnull=True)
        return queryset.filter(left if self.value() == "yes" else ~left)


class AllocationInline(TabularInline):
    """What of a receipt settles which payment."""

    model = Allocation
    fields = readonly_fields = ("payment_link", "money_shown")
    hide_title = True
    extra = 0
    can_delete = False
    per_page = 20

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the receipt sees what it settles."""
        return request.user.has_perm("payments.view_receipt")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only verbs allocate."""
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the allocations with their payments."""
        return super().get_queryset(request).select_related("payment").order_by("pk")

    @display(description=gettext_lazy("payment"))
    def payment_link(self, row: Allocation) -> Any:
        """Link to the payment that it settles."""
        return link_to(row.payment)

    @display(description=gettext_lazy("amount"))
    def money_shown(self, row: Allocation) -> str:
        """Return the amount with its currency."""
        return f"{row.amount} {row.currency}"


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """Money that arrived."""

    list_display = (
        "evidence_shown", "source", "money_shown", "left_shown", "received_on", "user_link", "payments_of_it",
        "created_at",
    )  # fmt: skip
    list_filter = (
        UnappliedFilter,
        CurrencyFilter,
        ("received_on", admin.DateFieldListFilter),
        ("created_at", admin.DateFieldListFilter),
    )
    list_select_related = ("user",)
    pointed_at_by = ("user__id__exact",)
    search_help_text = gettext_lazy("Evidence, source, username, e-mail address or id")
    ordering = ("-id",)
    inlines = (AllocationInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("evidence", "source"), ("money_shown", "left_shown"), ("received_on", "user"), "payments_of_it",
                    "note",
                )
            },
        ),
        (gettext_lazy("Recorded"), {"fields": (("created_at", "recorded_by"), "voided_at")}),
    )  # fmt: skip

    def found_by(self, text: str) -> Q:
        """Find by evidence, source, user or id."""
        found, key = person_is(text, "user__") | id_is(text), text_key(text)
        return found | Q(evidence_key__contains=key) | Q(source_key=key) if key else found

    @display(description=gettext_lazy("evidence"), ordering="evidence_key")
    def evidence_shown(self, row: Receipt) -> str:
        """Return the bank's id of the entry, or our number of it."""
        return row.evidence or _("without evidence, no. %(id)s") % {"id": row.pk}

    @display(description=gettext_lazy("amount"), ordering="amount")
    def money_shown(self, row: Receipt) -> str:
        """Return the amount with its currency."""
        return f"{row.amount} {row.currency}"

    @display(description=gettext_lazy("unapplied amount"))
    def left_shown(self, row: Receipt) -> str:
        """Return what settles nothing yet."""
        return f"{row.unapplied_amount} {row.currency}"

    @display(description=gettext_lazy("user"), ordering="user__username_key")
    def user_link(self, row: Receipt) -> Any:
        """Link to the user."""
        return link_to(row.user)

    @display(description=gettext_lazy("payments"))
    def payments_of_it(self, row: Receipt) -> str:
        """Link to the payments that it confirmed."""
        return link_to_list("payments_payment", _("payments"), receipt__id__exact=row.pk)
