"""Plans and subscriptions by what they are. What follows from dates alone is told from the dates, not from `status`."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Cast, Coalesce, Least

from billing_time.clock import Moment
from billing_time.terms import Interval

from .states import COVERED, LIVE, RUNNING, Status

if TYPE_CHECKING:
    from accounts.models import User

    from .models import Plan, Subscription  # noqa: F401


# What dates alone can bring about.
BY_DATE = (Status.PAST_DUE, Status.EXPIRED, Status.CANCELED, Status.ACTIVE)
# What `Subscription.end` writes, for rows whose `cancel_at` has come.
ENDED: dict[str, Any] = {
    "start_date": Least(Coalesce("start_date", "cancel_at"), "cancel_at"),
    "end_date": F("cancel_at"),
    "access_until": None,
}


class MakeInterval(Func):
    """A length of time in one unit; a month keeps to the calendar, as `billing_time.terms.Term` does."""

    template = "make_interval(%(unit)s => (%(expressions)s)::int)"
    output_field = models.DurationField()


class PlanQuerySet(models.QuerySet["Plan"]):
    """Plans by whether they are sold."""

    def on_sale(self) -> "PlanQuerySet":
        """Return the active plans."""
        return self.filter(is_active=True)


def conditions_at(moment: Moment) -> dict[str, Q]:
    """Return, for each state, the condition that a row is in it at `moment`: `Subscription.status_at` in SQL."""
    staying = Q(cancel_at__isnull=True) | Q(cancel_at__gt=moment.today)
    over = Q(status=Status.PENDING, pending_until__lte=moment.now)
    over |= Q(status__in=RUNNING, access_until__lte=moment.now)
    return {
        Status.PENDING: Q(status=Status.PENDING, pending_until__gt=moment.now),
        Status.TRIALING: Q(status=Status.TRIALING, access_until__gt=moment.now) & staying,
        Status.ACTIVE: Q(status__in=COVERED, covered_until__gt=moment.today, access_until__gt=moment.now) & staying,
        Status.PAST_DUE: Q(status__in=COVERED, covered_until__lte=moment.today, access_until__gt=moment.now) & staying,
        Status.EXPIRED: Q(status=Status.EXPIRED) | (over & staying),
        Status.CANCELED: Q(status=Status.CANCELED) | Q(status__in=LIVE, cancel_at__lte=moment.today),
    }


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Subscriptions by owner, state and access."""

    def visible_to(self, user: "User") -> "SubscriptionQuerySet":
        """Return those that the user may see: their own, or all with the right."""
        return self if user.has_perm("subscriptions.view_subscription") else self.filter(user=user)

    def managed_by(self, user: "User") -> "SubscriptionQuerySet":
        """Return those that the user may act on: their own, or all with the right."""
        return self if user.has_perm("subscriptions.manage_all_subscriptions") else self.filter(user=user)

    def in_states(self, states: list[str], moment: Moment) -> "SubscriptionQuerySet":
        """Return those that are in one of the states at `moment`."""
        conditions, wanted = conditions_at(moment), Q()
        for state in states:
            wanted |= conditions[state]
        return self.filter(wanted)

    def with_shown_end(self, moment: Moment) -> "SubscriptionQuerySet":
        """Return them with `shown_end`, the `end_date` that `Subscription.as_of` shows: a forecast while pending."""
        length = F("interval_count") * F("duration")
        units = zip(Interval, ("days", "weeks", "months", "years"), strict=True)
        terms = [When(interval=interval, then=MakeInterval(length, unit=unit)) for interval, unit in units]
        today = Cast(Value(moment.today), models.DateField())
        forecast = Cast(Cast(today, models.DateTimeField()) + Case(*terms), models.DateField())
        pending = When(conditions_at(moment)[Status.PENDING], then=forecast)
        return self.annotate(shown_end=Case(pending, default=F("end_date"), output_field=models.DateField()))

    def live(self, moment: Moment) -> "SubscriptionQuerySet":
        """Return those that can still be paid for."""
        return self.in_states(list(LIVE), moment)

    def with_access(self, now: dt.datetime, has_access: bool = True) -> "SubscriptionQuerySet":
        """Return those that give access at `now`, or those that do not."""
        if has_access:
            return self.filter(access_until__gt=now)
        return self.filter(Q(access_until__isnull=True) | Q(access_until__lte=now))

    def outdated(self, moment: Moment) -> "SubscriptionQuerySet":
        """Return those whose written state is not the one that their dates say."""
        conditions = conditions_at(moment)
        stale = Q()
        for state in BY_DATE:
            stale |= conditions[state] & ~Q(status=state)
        return self.filter(status__in=LIVE).filter(stale)

    def changing_to(self, state: str, moment: Moment) -> "SubscriptionQuerySet":
        """Return those that dates alone bring into the state at `moment`."""
        return self.filter(conditions_at(moment)[state], status__in=LIVE).exclude(status=state)

    def write_down(self, moment: Moment) -> dict[str, int]:
        """Write the state that the dates say, as `Subscription.catch_up` does; return how many took each.

        One statement for each state. The caller holds the locks, and withdraws the payments of what is canceled.
        """
        counts: dict[str, int] = {}
        for state in BY_DATE:
            changes: dict[str, Any] = {"status": state} | (ENDED if state == Status.CANCELED else {})
            counts[str(state)] = self.changing_to(state, moment).update(**changes)
        return counts

    def withdraw_payments_of_canceled(self, moment: Moment) -> dict[str, int]:
        """Cancel what is pending for those that are canceled, expiring first what is past its time; return how many.

        The caller holds the locks of the subscriptions, which come before those of payments.
        """
        pending = self.pending_payments().filter(subscription__in=self.filter(status=Status.CANCELED))
        rows = pending.model.objects.filter(pk__in=[payment.pk for payment in pending.only("pk").locked()])
        return {"payments_expired": rows.write_down(moment), "payments_canceled": rows.withdraw_pending()}

    def foreseen(self, moment: Moment) -> dict[str, int]:
        """Return how many would take each state, and how many payments would go with them; touch nothing."""
        counts = {str(state): self.changing_to(state, moment).count() for state in BY_DATE}
        payments = self.pending_payments().filter(subscription__in=self.changing_to(Status.CANCELED, moment))
        expired = payments.outdated(moment).count()
        return counts | {"payments_expired": expired, "payments_canceled": payments.count() - expired}

    def pending_payments(self) -> Any:
        """Return every pending payment, by the reverse relation: this app knows of no other."""
        return self.model.payments.field.model.objects.filter(status="pending")

    def locked(self) -> "SubscriptionQuerySet":
        """Return them locked until the transaction ends. Lock order: user, subscription, payment, receipt; by id."""
        return self.select_for_update(no_key=True, of=("self",)).order_by("pk")
