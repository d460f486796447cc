"""Plans: what is sold. What their constraints say of prices and intervals holds for subscriptions and payments too."""

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from billing_time.terms import Interval

from .currencies import validate_currency
from .querysets import PlanQuerySet

MAX_DURATION = 120
MAX_INTERVAL_COUNT = 366
MAX_TRIAL_DAYS = 366
PLAN_NAME = r"^[A-Za-z0-9_-]{1,50}$"
PRICE: dict[str, Any] = {"max_digits": 11, "decimal_places": 2}

# Grace is shorter than one interval, the shortest that it can be.
GRACE_WITHIN_INTERVAL = (
    Q(interval=Interval.DAY, grace_days__lt=F("interval_count"))
    | Q(interval=Interval.WEEK, grace_days__lt=F("interval_count") * 7)
    | Q(interval=Interval.MONTH, grace_days__lt=F("interval_count") * 28)
    | Q(interval=Interval.YEAR, grace_days__lt=F("interval_count") * 365)
)
INTERVALS = Q(interval__in=Interval.values)
CURRENCY = Q(currency__regex=r"^[A-Z]{3}$")


class Plan(models.Model):
    """What is sold. Name, interval, count and currency never change: a trigger sees to it."""

    name = models.CharField(
        gettext_lazy("name"),
        max_length=50,
        primary_key=True,
        validators=[RegexValidator(PLAN_NAME.replace("$", r"\Z"))],
    )
    title = models.CharField(gettext_lazy("title"), max_length=200, blank=True)
    description = models.TextField(gettext_lazy("description"), blank=True, max_length=2000)
    price = models.DecimalField(gettext_lazy("price"), **PRICE, validators=[MinValueValidator(Decimal("0.01"))])
    currency = models.CharField(gettext_lazy("currency"), max_length=3, validators=[validate_currency])
    interval = models.CharField(gettext_lazy("interval"), max_length=5, choices=Interval.choices)
    interval_count = models.PositiveSmallIntegerField(
        gettext_lazy("intervals"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_INTERVAL_COUNT)],
        help_text=gettext_lazy("How many intervals one price pays for."),
    )
    trial_days = models.PositiveSmallIntegerField(
        gettext_lazy("trial days"), default=0, validators=[MaxValueValidator(MAX_TRIAL_DAYS)]
    )
    grace_days = models.PositiveSmallIntegerField(
        gettext_lazy("grace days"),
        default=0,
        help_text=gettext_lazy("Days of access after the paid ones; fewer than one interval has."),
    )
    is_active = models.BooleanField(gettext_lazy("on sale"), default=True)
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now, editable=False)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("plan")
        verbose_name_plural = gettext_lazy("plans")
        constraints = [
            models.CheckConstraint(condition=Q(name__regex=PLAN_NAME), name="plan_name_plain"),
            models.CheckConstraint(condition=Q(price__gt=0), name="plan_price_positive"),
            models.CheckConstraint(condition=CURRENCY, name="plan_currency_code"),
            models.CheckConstraint(condition=INTERVALS, name="plan_interval_known"),
            models.CheckConstraint(
                condition=Q(interval_count__gte=1, interval_count__lte=MAX_INTERVAL_COUNT), name="plan_interval_count"
            ),
            models.CheckConstraint(condition=Q(trial_days__lte=MAX_TRIAL_DAYS), name="plan_trial_days"),
            models.CheckConstraint(
                condition=GRACE_WITHIN_INTERVAL,
                name="plan_grace_within_interval",
                violation_error_message=gettext_lazy("Grace must be shorter than one interval."),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.name
