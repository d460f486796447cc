"""Payments: looking, confirming one or many, canceling."""

import datetime as dt
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.admin import ReadOnlyAdmin
from accounts.admin.base import ChosenFilter, YesNoFilter, id_is, link_to
from accounts.admin.lists import found_in, people
from accounts.models import User
from api.keys import text_key
from billing_time.clock import Moment
from payments.models import Payment, Provider, Receipt
from payments.pages import spaced
from payments.states import LATE, Status
from subscriptions.admin import CurrencyFilter

from .acts import CancelAct, ConfirmAct, SettleAct
from .bulk import MOST, confirm_each, ids_in
from .forms import BulkConfirmForm
from .inlines import RefundInline, ReversalInline
from .money_back import RefundAct, ReverseAct
from .queue import sections_for, settling
from .words import money, status_label

COLOURS = {
    Status.PENDING: "warning",
    Status.CONFIRMED: "success",
    Status.CANCELED: "default",
    Status.EXPIRED: "default",
    Status.REFUNDED: "info",
    Status.REVERSED: "danger",
    "unapplied": "danger",
}


class StateFilter(ChosenFilter):
    """By state as of today, whether or not it is written down."""

    title = gettext_lazy("status today")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return every state."""
        return [(str(status), status_label(status)) for status in Status]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the payments in the state."""
        return queryset.in_states([self.value()], Moment.current()) if self.value() else queryset


class KeptFilter(YesNoFilter):
    """By whether the money is gone and its days still run."""

    title = gettext_lazy("reversed, days kept")
    parameter_name = "kept"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return those payments, or all others."""
        if not self.value():
            return queryset
        kept = Payment.objects.kept_though_reversed(Moment.current())
        return queryset.filter(pk__in=kept) if self.value() == "yes" else queryset.exclude(pk__in=kept)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Money asked for. Every field is written by verbs alone."""

    list_display = (
        "reference_shown", "state_shown", "money_shown", "user_link", "plan_link", "subscription_link", "evidence",
        "received_on", "created_on",
    )  # fmt: skip
    list_filter = (
        StateFilter,
        ("unapplied", admin.BooleanFieldListFilter),
        KeptFilter,
        CurrencyFilter,
        ("plan", admin.RelatedFieldListFilter),
        ("created_at", admin.DateFieldListFilter),
        ("confirmed_at", admin.DateFieldListFilter),
    )
    list_select_related = ("user", "plan", "subscription", "receipt")
    pointed_at_by = ("user__id__exact", "subscription__id__exact", "receipt__id__exact")
    search_help_text = gettext_lazy("Reference, evidence, username, e-mail address or id")
    ordering = ("-id",)
    sortable_by = ("reference_shown", "money_shown", "created_on")
    actions = ("confirm_selected",)
    actions_detail = ("confirm", "settle", "refund", "reverse", "cancel")
    inlines = (RefundInline, ReversalInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("reference_shown", "state"), ("money_shown", "could_settle"), ("user", "plan"), "subscription",
                )
            },
        ),
        (
            gettext_lazy("Money received"),
            {
                "fields": (
                    "receipt", ("evidence", "received_on"), ("confirmed_at", "confirmed_by"),
                    ("shortfall", "refunded_amount"), "reversal_kind",
                )
            },
        ),
        (gettext_lazy("Coverage"), {"fields": (("covers_from", "covers_to"), "taken_back_on")}),
        (
            gettext_lazy("Terms"),
            {
                "fields": (
                    ("unit_price", "duration"), ("interval", "interval_count"), ("provider", "expires_at"),
                    "created_at",
                )
            },
        ),
    )  # fmt: skip

    def found_by(self, text: str) -> list[Q]:
        """Find by reference, however it is spaced, by evidence, user or id."""
        reference, evidence = "".join(text.split()).upper(), text_key(text)
        found = [people(text), Q(reference=reference), id_is(text)]
        if reference.startswith("RF"):
            found.append(Q(reference__startswith=reference))
        if evidence:
            found.append(Q(receipt__in=found_in(Receipt.objects.all(), [Q(evidence_key__contains=evidence)])))
        return found

    # --- Who may do what

    def has_confirm_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Tell whether the reader may confirm payments."""
        return request.user.has_perm("payments.confirm_payment")

    def has_refund_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Tell whether the reader may give money back."""
        return request.user.has_perm("payments.refund_payment")

    def has_reverse_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Tell whether the reader may say that money was not received after all."""
        return request.user.has_perm("payments.reverse_payment")

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Tell whether the reader may cancel any user's payments."""
        return request.user.has_perm("subscriptions.manage_all_subscriptions")

    def offered(self, row: Payment, moment: Moment) -> tuple[str, ...]:
        """Offer to confirm what may still come, to cancel what is waited for, to give back what came."""
        status = row.status_at(moment)
        if status == Status.CONFIRMED:
            return ("refund", "reverse") if row.refundable_amount else ("reverse",)
        if row.provider == Provider.GRANT:
            return ()
        settle = ("settle",) if Receipt.objects.for_payment(row).exists() else ()
        if status == Status.PENDING:
            return ("confirm", *settle, "cancel")
        return ("confirm", *settle) if status in LATE else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Show the tables in which there is something."""
        return [table for table in self.inlines if obj is not None and table.has_rows(obj)]

    # --- Acts on one payment

    @action(
        description=gettext_lazy("Confirm payment"),
        permissions=["confirm"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
    )
    def confirm(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask what arrived, and confirm."""
        return self.act_on(request, object_id, ConfirmAct())

    @action(description=gettext_lazy("Settle with money on record"), permissions=["confirm"], icon="move_down")
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask which money, and confirm with it."""
        return self.act_on(request, object_id, SettleAct())

    @action(
        description=gettext_lazy("Refund payment"),
        permissions=["refund"],
        icon="undo",
        variant=ActionVariant.DANGER,
    )
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask how much and why, and give it back."""
        return self.act_on(request, object_id, RefundAct())

    @action(
        description=gettext_lazy("Reverse payment"),
        permissions=["reverse"],
        icon="block",
        variant=ActionVariant.DANGER,
    )
    def reverse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask what happened and why, and reverse."""
        return self.act_on(request, object_id, ReverseAct())

    @action(description=gettext_lazy("Cancel payment"), permissions=["manage"], variant=ActionVariant.DANGER)
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, and cancel."""
        return self.act_on(request, object_id, CancelAct())

    # --- Many payments

    def get_urls(self) -> list[URLPattern]:
        """Add the page that confirms many, and the one that shows what staff should look after."""
        many, queue = (self.admin_site.admin_view(view) for view in (self.confirm_many, self.queue))
        return [
            path("confirm-selected/", many, name="payments_payment_confirm_selected"),
            path("queue/", queue, name="payments_payment_queue"),
            *super().get_urls(),
        ]

    def queue(self, request: HttpRequest) -> HttpResponse:
        """Show late, double and displaced money: what it could settle, and what can be done with it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {"title": _("Late, double and displaced money"), "sections": sections_for(request.user)}
        return self.page(request, "payments/admin/queue.html", context)

    @admin.action(description=gettext_lazy("Confirm the selected payments"), permissions=["confirm"])
    def confirm_selected(self, request: HttpRequest, queryset: QuerySet[Payment]) -> HttpResponse | None:
        """Ask for the value date and the evidence of each of the selected payments."""
        if too_many := self.too_many(request, queryset.count()):
            return too_many
        moment = Moment.current()
        return self.ask_for_many(request, BulkConfirmForm(payments=list(queryset), moment=moment))

    def confirm_many(self, request: HttpRequest) -> HttpResponse:
        """Confirm the payments of a sent form, each on its own, and show what became of each."""
        if not self.has_confirm_permission(request) or not self.has_view_permission(request):
            raise PermissionDenied
        ids = ids_in(request) if request.method == "POST" else []
        if not ids:
            return redirect("admin:payments_payment_changelist")
        if too_many := self.too_many(request, len(ids)):
            return too_many
        rows = self.get_queryset(request).select_related(*self.list_select_related).filter(pk__in=ids).order_by("-pk")
        form = BulkConfirmForm(request.POST, payments=list(rows), moment=Moment.current())
        if not form.is_valid():
            return self.ask_for_many(request, form)
        results = confirm_each(form, cast(User, request.user))
        context = {"title": _("What became of each payment"), "results": results}
        return self.page(request, "payments/admin/confirmed_selected.html", context)

    def ask_for_many(self, request: HttpRequest, form: BulkConfirmForm) -> HttpResponse:
        """Show the form for many payments."""
        address = reverse("admin:payments_payment_confirm_selected")
        context = {"title": _("Confirm the selected payments"), "form": form, "address": address}
        return self.page(request, "payments/admin/confirm_selected.html", context)

    def too_many(self, request: HttpRequest, count: int) -> HttpResponse | None:
        """Refuse, in words, more payments than one request should confirm."""
        if count <= MOST:
            return None
        words = _("At most %(most)s payments can be confirmed at a time; %(count)s were selected. Nothing was changed.")
        messages.error(request, words % {"most": MOST, "count": count})
        return redirect("admin:payments_payment_changelist")

    # --- What is shown

    @display(description=gettext_lazy("reference"), ordering="id")
    def reference_shown(self, row: Payment) -> str:
        """Return the reference in groups of four."""
        return spaced(row.reference)

    @display(description=gettext_lazy("status"), label=COLOURS)
    def state_shown(self, row: Payment) -> tuple[str, Any]:
        """Return the state as of now, coloured; confirmed money that covers nothing is work for staff."""
        status = row.status_at(Moment.current())
        return "unapplied" if row.unapplied else status, self.state(row)

    @display(description=gettext_lazy("status"))
    def state(self, row: Payment) -> Any:
        """Return the state as of now."""
        return _("confirmed, unapplied") if row.unapplied else status_label(row.status_at(Moment.current()))

    @display(description=gettext_lazy("amount"), ordering="amount")
    def money_shown(self, row: Payment) -> str:
        """Return the amount with its currency."""
        return money(row).replace(" ", "\N{NO-BREAK SPACE}")

    @display(description=gettext_lazy("user"), ordering="user__username_key")
    def user_link(self, row: Payment) -> Any:
        """Link to the user."""
        return link_to(row.user)

    @display(description=gettext_lazy("plan"), ordering="plan_id")
    def plan_link(self, row: Payment) -> Any:
        """Link to the plan."""
        return link_to(row.plan)

    @display(description=gettext_lazy("subscription"), ordering="subscription_id")
    def subscription_link(self, row: Payment) -> Any:
        """Link to the subscription."""
        return link_to(row.subscription, str(row.subscription_id))

    @display(description=gettext_lazy("evidence"))
    def evidence(self, row: Payment) -> Any:
        """Link to the money that arrived, by its evidence."""
        return link_to(row.receipt, row.receipt.evidence or row.receipt.source) if row.receipt else None

    @display(description=gettext_lazy("value date"), ordering="receipt__received_on")
    def received_on(self, row: Payment) -> Any:
        """Return the day on which the bank booked the money."""
        return row.receipt.received_on if row.receipt else None

    @display(description=gettext_lazy("created"), ordering="created_at")
    def created_on(self, row: Payment) -> dt.date:
        """Return the day on which it was asked for."""
        return Moment.of(row.created_at).today

    @display(description=gettext_lazy("could settle"))
    def could_settle(self, row: Payment) -> Any:
        """Link to the payments that unapplied money could settle, and to doing so."""
        if not row.unapplied:
            return None
        others = Payment.objects.filter(pk__in=Payment.objects.could_settle(row, Moment.current()))
        links = ((link_to(other, spaced(other.reference)), settling(other, row.receipt_id)) for other in others)
        words = format_html('{{}} (<a class="text-link" href="{{}}">{}</a>)', _("settle it"))
        return format_html_join(", ", words, links) or None
