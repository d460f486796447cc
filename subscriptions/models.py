"""Subscriptions: a user's contract for one plan."""

import copy
import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from api.expectations import ANY, Expectation, row_values, version_of
from api.problems import TransitionNotAllowed
from billing_time.clock import Moment, midnight
from billing_time.terms import Interval, Term, TooFar, anchor_for, horizon
from prepared.queries import prepared
from prepared.rows import insert, take_over, update
from transactions.acting import because

from .plans import (
    CURRENCY,
    GRACE_WITHIN_INTERVAL,
    INTERVALS,
    MAX_DURATION,
    MAX_INTERVAL_COUNT,
    MAX_TRIAL_DAYS,
    PRICE,
    Plan,
)
from .problems import PlanNotAvailable, TooFarAhead, exists
from .querysets import SubscriptionQuerySet
from .states import COVERED, LIVE, RUNNING, SUBSCRIPTION, Status

__all__ = ["CURRENCY", "INTERVALS", "MAX_DURATION", "Coverage", "Plan", "Subscription"]

# The reason of a cancellation that nobody asked for: all that was paid has been given back.
REFUNDED = "refunded"


@dataclass(frozen=True)
class Coverage:
    """The days `[start, end)` that a payment would pay for, and the anchor day that they keep."""

    start: dt.date
    end: dt.date
    anchor_day: int


class SubscriptionManager(models.Manager.from_queryset(SubscriptionQuerySet)):  # type: ignore[misc]
    """Makes subscriptions."""

    def subscribe(
        self, user: User, plan: Plan, duration: int, moment: Moment, *, with_trial: bool = True
    ) -> "Subscription":
        """Create a subscription: `trialing` where the plan has a trial that the user has not had, else `pending`.

        Locks the user's row (READ COMMITTED), so that of two at once the second sees the first; the partial unique
        index stands behind it. A retry finds the live one and is refused.

        Raise SubscriptionExists, PlanNotAvailable or TooFarAhead, having written nothing.
        """
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=user.pk)
            theirs = list(
                self.filter(user=user, plan=plan).filter(Q(status__in=LIVE) | Q(trial_end__isnull=False)).locked()
            )
            for other in theirs:
                other.catch_up(moment)
                if other.status in LIVE:
                    raise exists(other.pk)
            if not plan.is_active:
                raise PlanNotAvailable
            had_trial = any(other.trial_end for other in theirs)
            subscription = self.model.sold(user, plan, duration, moment)
            if with_trial and plan.trial_days and not had_trial:
                subscription.begin_trial(moment)
            insert(subscription)
        return subscription


class Subscription(models.Model):
    """A user's contract for one plan, with the terms that it was sold with."""

    Status = Status

    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="subscriptions", db_index=False, verbose_name=gettext_lazy("user")
    )
    plan = models.ForeignKey(
        Plan,
        on_delete=models.PROTECT,
        related_name="subscriptions",
        db_column="plan_name",
        db_index=False,
        verbose_name=gettext_lazy("plan"),
    )
    status = models.CharField(
        gettext_lazy("status"),
        max_length=10,
        default=Status.PENDING,
        choices=[
            (Status.PENDING, gettext_lazy("waiting for payment")),
            (Status.TRIALING, gettext_lazy("in trial")),
            (Status.ACTIVE, gettext_lazy("active")),
            (Status.PAST_DUE, gettext_lazy("past due")),
            (Status.EXPIRED, gettext_lazy("expired")),
            (Status.CANCELED, gettext_lazy("canceled")),
        ],
    )
    duration = models.PositiveSmallIntegerField(gettext_lazy("duration"), default=1)
    unit_price = models.DecimalField(gettext_lazy("price agreed"), **PRICE)
    currency = models.CharField(gettext_lazy("currency"), max_length=3)
    interval = models.CharField(gettext_lazy("interval"), max_length=5, choices=Interval.choices)
    interval_count = models.PositiveSmallIntegerField(gettext_lazy("intervals"))
    trial_days = models.PositiveSmallIntegerField(gettext_lazy("trial days"))
    grace_days = models.PositiveSmallIntegerField(gettext_lazy("grace days"))
    start_date = models.DateField(gettext_lazy("start"), null=True)
    end_date = models.DateField(gettext_lazy("end"), null=True)
    trial_end = models.DateField(gettext_lazy("end of trial"), null=True)
    covered_until = models.DateField(gettext_lazy("covered until"), null=True)
    access_until = models.DateTimeField(gettext_lazy("access until"), null=True)
    anchor_day = models.PositiveSmallIntegerField(gettext_lazy("anchor day"), null=True)
    pending_until = models.DateTimeField(gettext_lazy("waits for payment until"))
    cancel_at = models.DateField(gettext_lazy("ends at"), null=True)
    cancel_reason = models.CharField(gettext_lazy("reason of cancellation"), max_length=500, blank=True)
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now)

    objects = SubscriptionManager()

    if TYPE_CHECKING:
        payments: Any
        plan_id: str
        user_id: int

    class Meta:
        verbose_name = gettext_lazy("subscription")
        verbose_name_plural = gettext_lazy("subscriptions")
        permissions = [
            ("manage_all_subscriptions", "Can subscribe, check out and cancel for any user"),
            ("grant_time", "Can grant free time"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "plan"],
                condition=Q(status__in=LIVE),
                name="one_live_subscription_per_user_and_plan",
            ),
            models.UniqueConstraint(
                fields=["user", "plan"], condition=Q(trial_end__isnull=False), name="one_trial_per_user_and_plan"
            ),
            models.UniqueConstraint(fields=["id", "user"], name="subscription_owner"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="subscription_status_known"),
            models.CheckConstraint(
                condition=Q(duration__gte=1, duration__lte=MAX_DURATION), name="subscription_duration"
            ),
            models.CheckConstraint(condition=Q(unit_price__gt=0), name="subscription_price_positive"),
            models.CheckConstraint(condition=CURRENCY, name="subscription_currency_code"),
            models.CheckConstraint(condition=INTERVALS, name="subscription_interval_known"),
            models.CheckConstraint(
                condition=Q(interval_count__gte=1, interval_count__lte=MAX_INTERVAL_COUNT),
                name="subscription_interval_count",
            ),
            models.CheckConstraint(condition=GRACE_WITHIN_INTERVAL, name="subscription_grace_within_interval"),
            models.CheckConstraint(condition=Q(trial_days__lte=MAX_TRIAL_DAYS), name="subscription_trial_days"),
            models.CheckConstraint(
                condition=Q(anchor_day__isnull=True) | Q(anchor_day__gte=1, anchor_day__lte=31),
                name="subscription_anchor_day",
            ),
            models.CheckConstraint(condition=Q(end_date__gte=F("start_date")), name="subscription_dates_in_order"),
            models.CheckConstraint(
                condition=~Q(status=Status.PENDING)
                | Q(access_until__isnull=True, covered_until__isnull=True, cancel_at__isnull=True),
                name="subscription_pending_has_no_access",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.TRIALING)
                | Q(
                    start_date__isnull=False,
                    end_date__isnull=False,
                    end_date=F("trial_end"),
                    trial_end__isnull=False,
                    access_until__isnull=False,
                    covered_until__isnull=True,
                ),
                name="subscription_trialing_has_trial",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=COVERED)
                | Q(
                    start_date__isnull=False,
                    end_date__isnull=False,
                    end_date=F("covered_until"),
                    covered_until__isnull=False,
                    access_until__isnull=False,
                    anchor_day__isnull=False,
                ),
                name="subscription_active_has_coverage",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.CANCELED) | Q(access_until__isnull=True, end_date__isnull=False),
                name="subscription_canceled_has_no_access",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "id"], name="subscription_user_id"),
            models.Index(fields=["plan", "id"], name="subscription_plan_id"),
            models.Index(fields=["status", "id"], name="subscription_status_id"),
            models.Index(fields=["created_at", "id"], name="subscription_created"),
            models.Index(fields=["end_date", "id"], name="subscription_end_date"),
            models.Index(fields=["access_until"], name="subscription_access"),
            models.Index(fields=["pending_until"], condition=Q(status=Status.PENDING), name="subscription_pending"),
            models.Index(fields=["covered_until"], condition=Q(status=Status.ACTIVE), name="subscription_covered"),
            models.Index(
                fields=["cancel_at"],
                condition=Q(cancel_at__isnull=False, status__in=LIVE),
                name="subscription_cancel_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.plan_id}"

    @classmethod
    def sold(cls, user: User, plan: Plan, duration: int, moment: Moment) -> "Subscription":
        """Return a new pending subscription on the plan's terms of today, not saved yet."""
        subscription = cls(
            user=user,
            plan=plan,
            duration=duration,
            unit_price=plan.price,
            currency=plan.currency,
            interval=plan.interval,
            interval_count=plan.interval_count,
            trial_days=plan.trial_days,
            grace_days=plan.grace_days,
            pending_until=moment.now + dt.timedelta(days=settings.PAYMENT_EXPIRES_DAYS),
            created_at=moment.now,
        )
        forecast = subscription.next_coverage(subscription.term(duration), moment)
        subscription.start_date, subscription.end_date = forecast.start, forecast.end
        return subscription

    def begin_trial(self, moment: Moment) -> None:
        """Make a new subscription run at once, for the days of its trial."""
        self.status = Status.TRIALING
        self.start_date = moment.today
        self.trial_end = self.end_date = moment.today + dt.timedelta(days=self.trial_days)
        self.access_until = midnight(self.trial_end)

    # --- What it is at a moment: pure functions of the row and the moment

    def status_at(self, moment: Moment) -> str:
        """Return the state that the dates say; `querysets.conditions_at` says the same in SQL."""
        if self.status not in LIVE:
            return self.status
        if self.cancel_at is not None and self.cancel_at <= moment.today:
            return Status.CANCELED
        ends_at = self.pending_until if self.status == Status.PENDING else self.access_until
        if ends_at is None or ends_at <= moment.now:
            return Status.EXPIRED
        if self.status in COVERED:
            ahead = self.covered_until is not None and self.covered_until > moment.today
            return Status.ACTIVE if ahead else Status.PAST_DUE
        return self.status

    def has_access_at(self, moment: Moment) -> bool:
        """Tell whether it gives access."""
        return self.access_until is not None and moment.now < self.access_until

    def is_covered_ahead(self, moment: Moment) -> bool:
        """Tell whether a paid day is still to come, today included."""
        return self.covered_until is not None and self.covered_until > moment.today

    def was_ever_paid_or_tried(self) -> bool:
        """Tell whether it is more than a wish: somebody paid for it once, or its trial runs."""
        return self.status == Status.TRIALING or self.payments.filter(confirmed_at__isnull=False).exists()

    def term(self, duration: int) -> Term:
        """Return the length of time that `duration` buys."""
        return Term(self.interval, self.interval_count * duration)

    def next_coverage(self, term: Term, moment: Moment) -> Coverage:
        """Return the days that money would buy now: after what is covered while access is unbroken, else from today.

        Raise TooFarAhead where they would end later than ten years from today.
        """
        unbroken = self.has_access_at(moment)
        start = (self.covered_until or self.trial_end or moment.today) if unbroken else moment.today
        goes_on = unbroken or start == self.covered_until
        anchor_day = anchor_for(start, self.anchor_day if goes_on else None)
        try:
            end = term.end(start, anchor_day)
        except TooFar:
            raise TooFarAhead from None
        if end > horizon(moment.today):
            raise TooFarAhead
        return Coverage(start, end, anchor_day)

    def changed_at(self, moment: Moment) -> dict[str, Any]:
        """Return what its dates make of its columns at `moment`; a pending one has the forecast “if paid today”."""
        changed: dict[str, Any] = {"status": self.status_at(moment)}
        if changed["status"] == Status.CANCELED:
            changed["access_until"] = None
        if changed["status"] == Status.PENDING:
            with suppress(TooFarAhead):
                forecast = self.next_coverage(self.term(self.duration), moment)
                changed |= {"start_date": forecast.start, "end_date": forecast.end}
        return changed

    def as_of(self, moment: Moment) -> "Subscription":
        """Return a copy as its dates make it at `moment`."""
        shown = copy.copy(self)
        shown.has_access = self.has_access_at(moment)  # type: ignore[attr-defined]
        for name, value in self.changed_at(moment).items():
            setattr(shown, name, value)
        return shown

    def version(self, moment: Moment) -> str:
        """Return the name of what is shown of it at `moment`: another one as soon as anything of that is."""
        shown = self.as_of(moment)
        return version_of("subscription", shown.status, shown.has_access, *row_values(shown))  # type: ignore[attr-defined]

    # --- Verbs. Each locks this row first, then its payments; what a retry does is in each one's words

    def lock(self, moment: Moment) -> None:
        """Lock and re-read this row, and write down what time alone has made of it."""
        take_over(self, locked_subscription.first(pk=self.pk))
        self.catch_up(moment)

    def catch_up(self, moment: Moment) -> None:
        """Write down the state that the dates say, under the lock that the caller holds."""
        status = self.status_at(moment)
        if status == Status.CANCELED and self.status != Status.CANCELED:
            self.end(self.cancel_at or moment.today, moment)
        elif status != self.status:
            self.status = status
            update(self, "status")

    def cover(self, coverage: Coverage, moment: Moment) -> None:
        """Take the days of a confirmed payment: become active, with the dates that follow. The caller holds the lock.

        Where it was to end at the period's end, the end moves with the money.
        """
        if self.status in (Status.PENDING, Status.EXPIRED) or self.start_date is None:
            self.start_date = coverage.start
        self.status = Status.ACTIVE
        self.anchor_day = coverage.anchor_day
        self.covered_until = self.end_date = coverage.end
        if self.cancel_at is not None:
            self.cancel_at = coverage.end
        self.access_until = self.end_of_access()
        update(
            self, "status", "start_date", "end_date", "covered_until", "access_until", "anchor_day", "cancel_at"
        )  # fmt: skip

    def end_of_access(self) -> dt.datetime | None:
        """Return the instant at which access ends: after the coverage and, unless it is to end, its grace."""
        if self.covered_until is None:
            return midnight(self.trial_end) if self.trial_end else None
        grace = 0 if self.cancel_at else self.grace_days
        return midnight(self.covered_until + dt.timedelta(days=grace))

    def cancel(
        self, moment: Moment, *, now: bool, reason: str = "", forfeit: bool = False, expected: Expectation = ANY
    ) -> bool:
        """End at the end of what is paid or tried or, with `now` or where nothing is ahead, today.

        Covered days ahead end now only with `forfeit`, which keeps the money. Return False, having changed nothing,
        where it was canceled or is to end as asked: a retry is harmless. Raise PreconditionFailed where it is not what
        was expected, TransitionNotAllowed where it expired.
        """
        with transaction.atomic():
            self.lock(moment)
            if self.status == Status.CANCELED or (self.cancel_at and not now):
                return False
            expected.check(self, moment)
            if not SUBSCRIPTION.allows(self.status, Status.CANCELED):
                raise TransitionNotAllowed(_("The subscription has expired; there is nothing to cancel."))
            if now and self.is_covered_ahead(moment) and not forfeit:
                raise TransitionNotAllowed(_("There are paid days ahead; cancel at the end of the period."))
            because(reason)
            self.cancel_reason = reason
            if now or self.status in (Status.PENDING, Status.PAST_DUE):
                self.end(moment.today, moment)
            else:
                self.cancel_at = self.covered_until or self.trial_end
                self.access_until = self.end_of_access()
                self.save(update_fields=["cancel_at", "access_until", "cancel_reason"])
        return True

    def end(self, day: dt.date, moment: Moment) -> None:
        """Become canceled for good as of `day`. The caller holds the lock.

        The payment that waits is canceled with it; one that waited past its time has expired before.
        """
        self.status = Status.CANCELED
        self.start_date = min(self.start_date or day, day)
        self.end_date = day
        self.access_until = None
        self.save(
            update_fields=[
                "status", "start_date", "end_date", "covered_until", "access_until", "anchor_day", "cancel_at",
                "cancel_reason",
            ]
        )  # fmt: skip
        self.payments.write_down(moment)
        self.payments.withdraw_pending()

    def resume(self, moment: Moment, *, expected: Expectation = ANY) -> None:
        """Take back a cancellation at the period's end.

        Raise PreconditionFailed where it is not what was expected, TransitionNotAllowed where it is not to end.
        """
        with transaction.atomic():
            self.lock(moment)
            expected.check(self, moment)
            if self.status not in RUNNING or self.cancel_at is None:
                raise TransitionNotAllowed(_("The subscription is not about to end."))
            self.cancel_at = None
            self.access_until = self.end_of_access()
            self.cancel_reason = ""
            self.save(update_fields=["cancel_at", "access_until", "cancel_reason"])

    def uncover(
        self, covered_until: dt.date | None, moment: Moment, *, otherwise: str, ending: str | None = None
    ) -> None:
        """Follow coverage that was taken back: the last day covered is now before `covered_until`. Lock held.

        With no covered day left it is `trialing` while its trial runs, else `otherwise`: canceled or pending. Where
        `ending` says why, it ends now whatever is left. One that has ended stays as it is.
        """
        if self.status not in COVERED:
            return
        if ending is not None:
            self.covered_until, self.cancel_at, self.cancel_reason = covered_until, None, ending
            self.end(moment.today, moment)
            return
        if covered_until is not None and covered_until > moment.today:
            self.covered_until = self.end_date = covered_until
            self.anchor_day = self.anchor_day_left()
            self.cancel_at = self.cancel_at and covered_until
            self.access_until = self.end_of_access()
            self.save(update_fields=["covered_until", "end_date", "anchor_day", "cancel_at", "access_until"])
            return
        self.covered_until = self.anchor_day = None
        if self.trial_end is not None and self.trial_end > moment.today:
            self.go_back_to_trial()
        elif otherwise == Status.PENDING:
            self.go_back_to_waiting(moment)
        else:
            self.cancel_reason = REFUNDED
            self.end(moment.today, moment)

    def anchor_day_left(self) -> int | None:
        """Return the anchor day of the days that are still covered; free days that are gone had moved it."""
        anchor_day, end = None, None
        covering = self.payments.filter(covers_from__isnull=False).order_by("covers_from")
        for start, stop, taken_back_on in covering.values_list("covers_from", "covers_to", "taken_back_on"):
            anchor_day = anchor_for(start, anchor_day if start == end else None)
            end = None if taken_back_on else stop
        return anchor_day

    def count_again(self, start: dt.date, end: dt.date, moment: Moment) -> None:
        """Stand on days that a payment has kept, which counts again, where it waits and their grace is not over."""
        if self.status == Status.PENDING and moment.now < midnight(end + dt.timedelta(days=self.grace_days)):
            self.cover(Coverage(start, end, self.anchor_day_left() or start.day), moment)

    def go_back_to_trial(self) -> None:
        """Be in trial again, which the money had only been paid ahead of."""
        self.status, self.end_date = Status.TRIALING, self.trial_end
        self.cancel_at = self.cancel_at and self.trial_end
        self.access_until = self.end_of_access()
        self.save(update_fields=["status", "end_date", "covered_until", "anchor_day", "cancel_at", "access_until"])

    def go_back_to_waiting(self, moment: Moment) -> None:
        """Wait for money again, as long as for a first payment and for what was asked already."""
        self.status, self.cancel_at, self.access_until = Status.PENDING, None, None
        waits = moment.now + dt.timedelta(days=settings.PAYMENT_EXPIRES_DAYS)
        asked = self.payments.filter(status="pending").aggregate(until=models.Max("expires_at"))["until"]
        self.pending_until = max(waits, asked or waits)
        self.start_date = self.end_date = moment.today
        self.save(
            update_fields=[
                "status", "start_date", "end_date", "covered_until", "anchor_day", "cancel_at", "access_until",
                "pending_until",
            ]
        )  # fmt: skip

    def wait_for_payment_until(self, instant: dt.datetime) -> None:
        """Keep a pending subscription at least as long as the payment asked for it."""
        if self.status == Status.PENDING and self.pending_until < instant:
            self.pending_until = instant
            update(self, "pending_until")


@prepared
def locked_subscription(pk: Any) -> Any:
    """Return a subscription, locked."""
    return Subscription.objects.filter(pk=pk).locked()
