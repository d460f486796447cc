"""What the routes of plans and subscriptions read and write."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.models import User
from api.fields import AmountField, IdField, IntegerField, StrictChoiceField, StrictSerializer, TextField, TidyTextField
from api.queries import (
    DayParameter,
    FlagParameter,
    IdParameter,
    InstantParameter,
    ListQuery,
    StatesParameter,
    TextParameter,
    ordering_parameter,
)
from api.shown import RowSerializer
from billing_time.clock import Moment

from .models import MAX_DURATION, Plan, Subscription
from .states import Status


class PlanSerializer(RowSerializer[Plan]):
    """A plan on sale."""

    price = AmountField()

    class Meta:
        model = Plan
        fields = [
            "name", "title", "description", "price", "currency", "interval", "interval_count", "trial_days",
            "grace_days",
        ]  # fmt: skip


class SubscriptionSerializer(RowSerializer[Subscription]):
    """A subscription as of the moment of the request."""

    plan_name = serializers.CharField(source="plan_id")
    unit_price = AmountField()
    status = serializers.ChoiceField(choices=Status.choices)
    has_access = serializers.SerializerMethodField()

    class Meta:
        model = Subscription
        fields = [
            "id", "user_id", "plan_name", "duration", "status", "has_access", "start_date", "end_date",
            "covered_until", "access_until", "trial_end", "cancel_at", "unit_price", "currency", "interval",
            "interval_count", "trial_days", "grace_days", "created_at",
        ]  # fmt: skip

    def get_has_access(self, subscription: Subscription) -> bool:
        """Tell whether it gives access now."""
        return subscription.has_access_at(self.context["moment"])

    def to_representation(self, instance: Subscription) -> dict[str, Any]:
        """Return the row as its dates make it now."""
        return super().to_representation(instance) | instance.changed_at(self.context["moment"])


class UserIdField(IdField):
    """For whom; the caller, where it is not given. Only who manages all subscriptions may name somebody else."""


class DurationField(IntegerField):
    """How many plan intervals at a time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_DURATION, **kwargs)


class PlanField(TidyTextField):
    """The name of a plan; the value is the plan."""

    default_error_messages = {"unknown": _("There is no such plan.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the plan of this name."""
        name = super().run_validation(data)
        plan = Plan.objects.filter(pk=name).first()
        if plan is None:
            self.fail("unknown")
        return plan


class OnBehalf(StrictSerializer):
    """A body that may name another user; see `ActsForUsers.subject`."""

    user_id = UserIdField(required=False)

    def validate_user_id(self, user_id: int) -> int:
        """Tell staff that there is no such user; nobody else learns whether there is."""
        caller = self.context["request"].user
        may_ask = user_id != caller.pk and caller.has_perm("subscriptions.manage_all_subscriptions")
        if may_ask and not User.objects.filter(pk=user_id).exists():
            raise serializers.ValidationError(_("There is no such user."), code="unknown")
        return user_id


class Subscribe(OnBehalf):
    """A new subscription."""

    plan_name = PlanField()
    duration = DurationField(default=1)


class Cancel(StrictSerializer):
    """When to end, why, and for staff what becomes of the money."""

    when = StrictChoiceField(choices=["period_end", "now"], default="period_end")
    reason = TextField(max_length=500, allow_blank=True, default="")
    money = StrictChoiceField(choices=["refund", "forfeit"], required=False)


class PlanQuery(ListQuery):
    """The parameters of the list of plans."""

    model = Plan
    default_ordering = "name"

    @classmethod
    def base(cls) -> Any:
        """Return the plans on sale."""
        return Plan.objects.on_sale()


class SubscriptionsOfUserQuery(ListQuery):
    """The parameters of one user's list: what gives access now, unless states are asked for."""

    model = Subscription
    default_size = 200

    status = StatesParameter(
        [*Status.values, "all"], help_text=_("One or several states, or `all`; without it, those that give access now.")
    )

    @classmethod
    def narrow(cls, rows: Any, conditions: dict[str, Any], moment: Moment) -> Any:
        """Return those in the states asked for, or those that give access."""
        states = conditions.get("status")
        if states is None:
            return rows.with_access(moment.now)
        return rows if "all" in states else rows.in_states(states, moment)


class SubscriptionQuery(ListQuery):
    """The parameters of the list of subscriptions; their end is the one that is shown."""

    model = Subscription
    sort_keys = {"end_date": "shown_end"}

    status = StatesParameter(Status.values, help_text=_("One or several states, separated by commas."))
    has_access = FlagParameter(required=False)
    plan_name = TextParameter(source="plan_id")
    user_id = IdParameter()
    ends_after = DayParameter(source="shown_end__gte")
    ends_before = DayParameter(source="shown_end__lt")
    created_after = InstantParameter(required=False, source="created_at__gte")
    created_before = InstantParameter(required=False, source="created_at__lt")
    ordering = ordering_parameter("id", "created_at", "end_date")

    @classmethod
    def narrow(cls, rows: Any, conditions: dict[str, Any], moment: Moment) -> Any:
        """Return those that meet every condition at `moment`."""
        if states := conditions.pop("status", None):
            rows = rows.in_states(states, moment)
        if (has_access := conditions.pop("has_access", None)) is not None:
            rows = rows.with_access(moment.now, has_access)
        return rows.with_shown_end(moment).filter(**conditions)
