"""Terms: how far a number of days, weeks, months or years reaches. Months are calendar months with an anchor day."""

import calendar
import datetime as dt
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

HORIZON_MONTHS = 120


class Interval(models.TextChoices):
    """The unit in which a plan is sold."""

    DAY = "day", _("day")
    WEEK = "week", _("week")
    MONTH = "month", _("month")
    YEAR = "year", _("year")


class TooFar(Exception):
    """The term would end later than any date that is promised (ten years from today)."""


@dataclass(frozen=True)
class Term:
    """A length of time: `count` intervals."""

    interval: str
    count: int

    def end(self, start: dt.date, anchor_day: int) -> dt.date:
        """Return the first day after the term that begins on `start`.

        Month ends keep `anchor_day`: 31 January, 28 February, 31 March. Raise TooFar beyond the calendar.
        """
        try:
            match self.interval:
                case Interval.DAY:
                    return start + dt.timedelta(days=self.count)
                case Interval.WEEK:
                    return start + dt.timedelta(weeks=self.count)
                case Interval.MONTH:
                    return add_months(start, self.count, anchor_day)
                case _:
                    return add_months(start, 12 * self.count, anchor_day)
        except (OverflowError, ValueError):
            raise TooFar from None


def add_months(start: dt.date, months: int, anchor_day: int) -> dt.date:
    """Return the anchor day, or the last day where there is none such, of the month `months` after that of `start`."""
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month0 + 1)[1]
    return dt.date(year, month0 + 1, min(anchor_day, last_day))


def anchor_for(start: dt.date, anchor_day: int | None) -> int:
    """Return the anchor day that a term beginning on `start` keeps: the old one where `start` still follows from it."""
    last_day = calendar.monthrange(start.year, start.month)[1]
    if anchor_day is not None and min(anchor_day, last_day) == start.day:
        return anchor_day
    return start.day


def horizon(today: dt.date) -> dt.date:
    """Return the last day on which coverage may end: ten years from `today`."""
    return add_months(today, HORIZON_MONTHS, today.day)
