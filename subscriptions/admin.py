"""The admin of plans and subscriptions."""

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from accounts.admin import ReadOnlyAdmin, StaffAdmin
from accounts.admin.acts import Act, Outcome, seen
from accounts.admin.base import ChosenFilter, YesNoFilter, id_is, link_to, link_to_list
from accounts.admin.lists import people
from accounts.forms import ActForm, SeenForm
from accounts.models import User
from api.expectations import PreconditionFailed
from billing_time.clock import Moment

from .models import Plan, Subscription
from .states import RUNNING, Status

COLOURS = {
    Status.PENDING: "warning",
    Status.TRIALING: "info",
    Status.ACTIVE: "success",
    Status.PAST_DUE: "danger",
    Status.EXPIRED: "default",
    Status.CANCELED: "default",
}


def status_label(status: str) -> Any:
    """Return a subscription's state in words."""
    return dict(Subscription._meta.get_field("status").flatchoices)[status]


def shown_day(day: dt.date | None) -> str:
    """Return the day as people of the language write it."""
    return date_format(day) if day else "–"


class PlanForm(SeenForm):
    """What staff change of a plan; the CHECKs of the table are said in words."""

    class Meta:
        model = Plan
        fields = [
            "name", "title", "description", "price", "currency", "interval", "interval_count", "trial_days",
            "grace_days", "is_active",
        ]  # fmt: skip

    def _post_clean(self) -> None:
        """Hold the whole row against the CHECKs of the table, what is read-only on the page included."""
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                self.instance.validate_constraints()
            except ValidationError as error:
                self.add_error(None, error)


@admin.register(Plan)
class PlanAdmin(StaffAdmin):
    """What is sold. Its identity is fixed once it is made; a new price is for later subscriptions."""

    form = PlanForm
    list_display = ("name", "title", "price_shown", "interval_shown", "trial_days", "grace_days", "is_active", "buyers")
    list_filter = (("is_active", admin.BooleanFieldListFilter), ("interval", admin.ChoicesFieldListFilter))
    search_help_text = gettext_lazy("Name or title")
    search_fields = ("name",)
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "title", "description", "is_active")}),
        (
            gettext_lazy("Terms"),
            {"fields": (("price", "currency"), ("interval", "interval_count"), ("trial_days", "grace_days"))},
        ),
        (None, {"fields": ("created_at", "buyers")}),
    )
    fixed = ("name", "currency", "interval", "interval_count")

    def found_by(self, text: str) -> list[Q]:
        """Find by name or title."""
        return [Q(name__icontains=text) | Q(title__icontains=text)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What never changes is read-only once it is there."""
        return ("created_at", "buyers", *(self.fixed if obj else ()))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new plan has no past to show."""
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else fieldsets[:-1]

    @display(description=gettext_lazy("price"), ordering="price")
    def price_shown(self, plan: Plan) -> str:
        """Return the price with its currency."""
        return f"{plan.price} {plan.currency}"

    @display(description=gettext_lazy("interval"))
    def interval_shown(self, plan: Plan) -> str:
        """Return how much time one price buys."""
        return f"{plan.interval_count} × {plan.get_interval_display()}"

    @display(description=gettext_lazy("subscriptions"))
    def buyers(self, plan: Plan) -> str:
        """Link to the subscriptions for it."""
        return link_to_list("subscriptions_subscription", _("subscriptions"), plan__name__exact=plan.pk)


class StateFilter(ChosenFilter):
    """By state as of today, whether or not it is written down."""

    title = gettext_lazy("status today")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return every state."""
        return [(str(status), status_label(status)) for status in Status]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the rows in the state."""
        return queryset.in_states([self.value()], Moment.current()) if self.value() else queryset


class AccessFilter(YesNoFilter):
    """By whether it gives access now."""

    title = gettext_lazy("access")
    parameter_name = "access"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the rows that give access, or do not."""
        return queryset.with_access(Moment.current().now, self.value() == "yes") if self.value() else queryset


class EndingFilter(YesNoFilter):
    """By whether it is about to end."""

    title = gettext_lazy("about to end")
    parameter_name = "ending"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the running rows that were canceled at their period's end, or the others."""
        if not self.value():
            return queryset
        ending = Q(cancel_at__isnull=False, status__in=RUNNING)
        return queryset.filter(ending if self.value() == "yes" else ~ending)


class CurrencyFilter(ChosenFilter):
    """By currency: those that plans are sold in."""

    title = gettext_lazy("currency")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the currencies of all plans."""
        codes = Plan.objects.order_by("currency").values_list("currency", flat=True).distinct()
        return [(code, code) for code in codes]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the rows in the currency."""
        return queryset.filter(currency=self.value()) if self.value() else queryset


class CancelForm(ActForm):
    """When a subscription ends, why, and what becomes of the money of paid days."""

    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=[
            ("period_end", gettext_lazy("At the end of what is paid or tried")),
            ("now", gettext_lazy("Now")),
        ],
        initial="period_end",
        widget=UnfoldAdminRadioSelectWidget,
    )
    money = forms.ChoiceField(
        label=gettext_lazy("Money of paid days ahead"),
        choices=[
            ("", gettext_lazy("No paid day is lost: it ends at the end of them, or none is ahead")),
            ("forfeit", gettext_lazy("The days are forfeit, the money is kept")),
        ],
        required=False,
        widget=UnfoldAdminRadioSelectWidget,
        help_text=gettext_lazy("Needed to end a subscription now that has paid days ahead."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        """Require the explicit word where paid days would be lost, and refuse it where it means nothing."""
        given = super().clean() or self.cleaned_data
        now, money = given.get("when") == "now", given.get("money")
        runs = self.row.status_at(self.moment) in RUNNING
        if now and not money and runs and self.row.is_covered_ahead(self.moment):
            words = _("There are paid days ahead: say what becomes of the money, or choose the period's end.")
            self.add_error("money", words)
        if money and not now:
            self.add_error("money", _("This is said only of what is to end now."))
        return given


def term_of(subscription: Subscription, moment: Moment) -> list[tuple[Any, Any]]:
    """Return what should be known of a subscription before it is ended or resumed."""
    covered = subscription.covered_until
    return [
        (_("User"), link_to(subscription.user)),
        (_("Plan"), link_to(subscription.plan)),
        (_("Status today"), status_label(subscription.status_at(moment))),
        (_("Covered until"), shown_day(covered)),
        (_("Ends at"), shown_day(subscription.cancel_at)),
    ]


class CancelAct(Act):
    """End a subscription."""

    title = gettext_lazy("Cancel subscription")
    button = gettext_lazy("Cancel subscription")
    form_class = CancelForm
    dangerous = True

    def facts(self, row: Subscription, moment: Moment) -> list[tuple[Any, Any]]:
        """Return its term."""
        return term_of(row, moment)

    def perform(self, row: Subscription, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Cancel it."""
        if not self.cancel(row, given, by, moment):
            return Outcome.nothing(_("The subscription was canceled before; nothing was changed."))
        reason = _(" Reason: %(reason)s") % {"reason": given["reason"]} if given["reason"] else ""
        if row.status != Status.CANCELED:
            return Outcome(_("It will end on %(day)s.") % {"day": shown_day(row.cancel_at)} + reason)
        words = _("Canceled as of %(day)s.") % {"day": shown_day(row.end_date)}
        return Outcome(words + self.money_words(row, given) + reason)

    def cancel(self, row: Subscription, given: dict[str, Any], by: User, moment: Moment) -> bool:
        """Call the verb."""
        forfeit, now = given["money"] == "forfeit", given["when"] == "now"
        return row.cancel(moment, now=now, reason=given["reason"], forfeit=forfeit, expected=seen(given))

    def money_words(self, row: Subscription, given: dict[str, Any]) -> str:
        """Say what became of the money."""
        return _(" Its paid days are forfeit.") if given["money"] == "forfeit" else ""


class ResumeAct(Act):
    """Take back a cancellation at the period's end."""

    title = gettext_lazy("Resume subscription")
    button = gettext_lazy("Resume subscription")

    def facts(self, row: Subscription, moment: Moment) -> list[tuple[Any, Any]]:
        """Return its term."""
        return term_of(row, moment)

    def perform(self, row: Subscription, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Resume it."""
        try:
            row.resume(moment, expected=seen(given))
        except PreconditionFailed:
            if row.status in RUNNING and row.cancel_at is None:
                return Outcome.nothing(_("It does not end by itself any more; nothing was changed."))
            raise
        return Outcome(_("Resumed: it does not end by itself any more."))


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Contracts. Every field is written by verbs alone."""

    cancel_act: ClassVar[type[CancelAct]] = CancelAct
    list_display = (
        "number", "state_shown", "user_link", "plan_link", "has_access", "start_date", "end_date", "cancel_at",
        "price_shown", "created_at",
    )  # fmt: skip
    list_display_links = ("number",)
    sortable_by = ("number", "end_date", "created_at")
    list_filter = (
        StateFilter,
        AccessFilter,
        EndingFilter,
        CurrencyFilter,
        ("plan", admin.RelatedFieldListFilter),
        ("created_at", admin.DateFieldListFilter),
    )
    list_select_related = ("user", "plan")
    pointed_at_by = ("user__id__exact", "plan__name__exact")
    search_help_text = gettext_lazy("Username, e-mail address, plan or id")
    ordering = ("-id",)
    actions_detail: tuple[str, ...] = ("cancel", "resume")
    fieldsets = (
        (None, {"fields": ("user", "plan", "state", "has_access", "payments_of_it")}),
        (
            gettext_lazy("Term"),
            {
                "fields": (
                    ("start_date", "end_date"), ("covered_until", "access_until"), ("trial_end", "pending_until"),
                    ("cancel_at", "cancel_reason"),
                )
            },
        ),
        (
            gettext_lazy("Sold with"),
            {
                "fields": (
                    ("unit_price", "currency", "duration"), ("interval", "interval_count"),
                    ("trial_days", "grace_days"), "created_at",
                )
            },
        ),
    )  # fmt: skip

    def found_by(self, text: str) -> list[Q]:
        """Find by user, plan or id."""
        plans = list(Plan.objects.filter(name__icontains=text))
        return [people(text), Q(plan__in=plans), id_is(text)]

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Tell whether the reader may act for any user."""
        return request.user.has_perm("subscriptions.manage_all_subscriptions")

    def offered(self, row: Subscription, moment: Moment) -> tuple[str, ...]:
        """Offer to cancel what runs or waits, to resume what is about to end."""
        status = row.status_at(moment)
        if status in RUNNING:
            return ("cancel", "resume") if row.cancel_at else ("cancel",)
        return ("cancel",) if status == Status.PENDING else ()

    @action(description=gettext_lazy("Cancel subscription"), permissions=["manage"], variant=ActionVariant.DANGER)
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask when and why, and cancel."""
        return self.act_on(request, object_id, self.cancel_act())

    @action(description=gettext_lazy("Resume subscription"), permissions=["manage"], variant=ActionVariant.PRIMARY)
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, and resume."""
        return self.act_on(request, object_id, ResumeAct())

    # --- What is shown

    @display(description=gettext_lazy("id"), ordering="id")
    def number(self, row: Subscription) -> str:
        """Return the id, without separators."""
        return str(row.pk)

    @display(description=gettext_lazy("status"), label=COLOURS)
    def state_shown(self, row: Subscription) -> tuple[str, Any]:
        """Return the state as of today, coloured."""
        status = row.status_at(Moment.current())
        return status, status_label(status)

    @display(description=gettext_lazy("status"))
    def state(self, row: Subscription) -> Any:
        """Return the state as of today."""
        return status_label(row.status_at(Moment.current()))

    @display(description=gettext_lazy("access"), boolean=True)
    def has_access(self, row: Subscription) -> bool:
        """Tell whether it gives access now."""
        return row.has_access_at(Moment.current())

    @display(description=gettext_lazy("user"), ordering="user__username_key")
    def user_link(self, row: Subscription) -> Any:
        """Link to the user."""
        return link_to(row.user)

    @display(description=gettext_lazy("plan"), ordering="plan_id")
    def plan_link(self, row: Subscription) -> Any:
        """Link to the plan."""
        return link_to(row.plan)

    @display(description=gettext_lazy("price agreed"), ordering="unit_price")
    def price_shown(self, row: Subscription) -> str:
        """Return the price with its currency."""
        return f"{row.unit_price} {row.currency}"

    @display(description=gettext_lazy("payments"))
    def payments_of_it(self, row: Subscription) -> str:
        """Link to its payments."""
        return link_to_list("payments_payment", _("payments"), subscription__id__exact=row.pk)
