"""The billing clock: what "now" and "today" are, in the one time zone that decides about days."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone


def billing_zone() -> ZoneInfo:
    """Return the time zone in which a day begins and ends."""
    return ZoneInfo(settings.BILLING_TIME_ZONE)


def midnight(day: dt.date) -> dt.datetime:
    """Return the instant at which `day` begins in the billing time zone, in UTC.

    Where the clocks skip midnight, or the whole day, that is the instant of the skip, so the order of days is kept.
    """
    return dt.datetime.combine(day, dt.time.min, tzinfo=billing_zone()).astimezone(dt.UTC)


@dataclass(frozen=True)
class Moment:
    """An instant and the billing day that it falls on: all that a rule about time may look at."""

    now: dt.datetime
    today: dt.date

    @classmethod
    def current(cls) -> "Moment":
        """Return the moment that the clock shows."""
        return cls.of(timezone.now())

    @classmethod
    def of(cls, instant: dt.datetime) -> "Moment":
        """Return the moment of an aware datetime."""
        return cls(now=instant, today=instant.astimezone(billing_zone()).date())

    @classmethod
    def on(cls, day: dt.date) -> "Moment":
        """Return this time of day on `day`: what `--at DATE` acts as."""
        local = timezone.now().astimezone(billing_zone())
        moved = dt.datetime.combine(day, local.time(), tzinfo=billing_zone()).astimezone(dt.UTC)
        return cls(now=moved, today=day)
