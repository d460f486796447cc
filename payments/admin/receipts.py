"""Receipts, and what became of the money: to be looked at only; and the statement of all of it."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from accounts.admin import ReadOnlyAdmin
from accounts.admin.base import YesNoFilter, id_is, link_to, link_to_list
from accounts.admin.lists import people
from api.keys import text_key
from billing_time.clock import Moment
from payments.models import Receipt
from subscriptions.admin import CurrencyFilter

from .inlines import AllocationInline, ReceiptReversalInline
from .statement import StatementForm, as_csv, columns
from .words import money, sum_of


class UnappliedFilter(YesNoFilter):
    """By whether something of the money settles nothing yet."""

    title = gettext_lazy("unapplied")
    parameter_name = "unapplied"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the receipts with money left, or without."""
        if not self.value():
            return queryset
        return queryset.with_money_left(self.value() == "yes")


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """Money that arrived."""

    list_display = (
        "evidence_shown", "source", "money_shown", "left_shown", "reversed_amount", "received_on", "user_link",
        "payments_of_it", "created_at",
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
    sortable_by = ("received_on", "created_at")
    inlines = (AllocationInline, ReceiptReversalInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("evidence", "source"), ("money_shown", "left_shown"),
                    ("allocated_amount", "reversed_amount", "refunded_amount"), ("received_on", "user"),
                    "payments_of_it", "note",
                )
            },
        ),
        (gettext_lazy("Recorded"), {"fields": (("created_at", "recorded_by"), "voided_at")}),
    )  # fmt: skip

    def found_by(self, text: str) -> list[Q]:
        """Find by evidence, source, user or id."""
        key = text_key(text)
        return [people(text), id_is(text), *([Q(evidence_key__contains=key), Q(source_key=key)] if key else [])]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Show the tables in which there is something."""
        return [table for table in self.inlines if obj is not None and table.has_rows(obj)]

    # --- The statement

    def get_urls(self) -> list[URLPattern]:
        """Add the page of the statement."""
        view = self.admin_site.admin_view(self.statement)
        return [path("statement/", view, name="payments_receipt_statement"), *super().get_urls()]

    def statement(self, request: HttpRequest) -> HttpResponse:
        """Show what came, went back and is left, by day, source and currency; or hand it out as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = StatementForm(request.GET or None, today=Moment.current().today)
        found = form.statement()
        if found and request.GET.get("format") == "csv":
            return as_csv(found)
        context = {"title": _("Bank statement"), "form": form, "statement": found, "columns": columns()}
        return self.page(request, "payments/admin/statement.html", context, status=200 if found else 400)

    # --- What is shown

    @display(description=gettext_lazy("evidence"), ordering="evidence_key")
    def evidence_shown(self, row: Receipt) -> str:
        """Return the bank's id of the entry, or our number of it."""
        return row.evidence or _("without evidence, no. %(id)s") % {"id": row.pk}

    @display(description=gettext_lazy("amount"), ordering="amount")
    def money_shown(self, row: Receipt) -> str:
        """Return the amount with its currency."""
        return money(row)

    @display(description=gettext_lazy("unapplied amount"))
    def left_shown(self, row: Receipt) -> str:
        """Return what settles nothing yet."""
        return sum_of(row.unapplied_amount, row.currency)

    @display(description=gettext_lazy("user"), ordering="user__username_key")
    def user_link(self, row: Receipt) -> Any:
        """Link to the user."""
        return link_to(row.user)

    @display(description=gettext_lazy("payments"))
    def payments_of_it(self, row: Receipt) -> str:
        """Link to the payments that it confirmed."""
        return link_to_list("payments_payment", _("payments"), receipt__id__exact=row.pk)
