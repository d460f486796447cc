"""The bank statement: what came, what the bank took again and what was given back, by day, source and currency."""

import datetime as dt
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection

from billing_time.clock import midnight

# Money counted by mistake never came: it is left out of what was received, on whatever day it was found out.
# An entry of the bank belongs to its value date; where that is not known, to the day it was recorded on.
STATEMENT = """
WITH came AS (
    SELECT COALESCE(r.received_on, (r.created_at AT TIME ZONE %(zone)s)::date) AS day,
           r.source, r.source_key, r.currency,
           r.amount - COALESCE(
               (SELECT sum(m.amount) FROM payments_reversal m WHERE m.receipt_id = r.id AND m.kind = 'mistake'), 0
           ) AS received, 0.00 AS returned, 0.00 AS refunded
    FROM payments_receipt r
    WHERE r.received_on >= %(start)s AND r.received_on < %(end)s
       OR r.received_on IS NULL AND r.created_at >= %(since)s AND r.created_at < %(until)s
), went AS (
    SELECT (v.created_at AT TIME ZONE %(zone)s)::date AS day, r.source, r.source_key, r.currency,
           0.00 AS received, v.amount AS returned, 0.00 AS refunded
    FROM payments_reversal v JOIN payments_receipt r ON r.id = v.receipt_id
    WHERE v.kind = 'returned_by_bank' AND v.created_at >= %(since)s AND v.created_at < %(until)s
), given AS (
    SELECT (f.paid_at AT TIME ZONE %(zone)s)::date AS day, r.source, r.source_key, r.currency,
           0.00 AS received, 0.00 AS returned, f.amount AS refunded
    FROM payments_refund f
    JOIN payments_payment p ON p.id = f.payment_id
    JOIN payments_receipt r ON r.id = p.receipt_id
    WHERE f.status = 'paid' AND f.paid_at >= %(since)s AND f.paid_at < %(until)s
), entries AS (
    SELECT * FROM came UNION ALL SELECT * FROM went UNION ALL SELECT * FROM given
)
SELECT day, min(min(source)) OVER (PARTITION BY source_key), currency,
       sum(received), sum(returned), sum(refunded), sum(received) - sum(returned) - sum(refunded)
FROM entries
GROUP BY day, source_key, currency
HAVING bool_or(received <> 0 OR returned <> 0 OR refunded <> 0)
ORDER BY day, source_key, currency
"""
FIRST, LAST = dt.date(1, 1, 2), dt.date(9999, 12, 30)


@dataclass(frozen=True)
class Sums:
    """Money in one currency: `total` is what came less what the bank took again and what was given back."""

    received: Decimal = Decimal("0.00")
    returned: Decimal = Decimal("0.00")
    refunded: Decimal = Decimal("0.00")
    total: Decimal = Decimal("0.00")

    def __add__(self, other: "Sums") -> "Sums":
        """Return both together."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return Sums(*(ours + theirs for ours, theirs in pairs))

    def as_data(self) -> dict[str, str]:
        """Return the amounts as text with two places."""
        return {name: f"{amount:.2f}" for name, amount in asdict(self).items()}


@dataclass(frozen=True)
class Line:
    """What one source brought and took on one day in one currency."""

    day: dt.date
    source: str
    currency: str
    sums: Sums

    def as_data(self) -> dict[str, str]:
        """Return it as text."""
        return {"day": self.day.isoformat(), "source": self.source, "currency": self.currency} | self.sums.as_data()


@dataclass(frozen=True)
class Statement:
    """The lines of the days `[start, end)`; no sum is over two currencies."""

    start: dt.date
    end: dt.date
    lines: list[Line]

    @property
    def totals(self) -> dict[str, Sums]:
        """The sums of each currency."""
        totals: dict[str, Sums] = {}
        for line in self.lines:
            totals[line.currency] = totals.get(line.currency, Sums()) + line.sums
        return dict(sorted(totals.items()))

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "days": [line.as_data() for line in self.lines],
            "totals": {currency: sums.as_data() for currency, sums in self.totals.items()},
        }


def statement(start: dt.date = FIRST, end: dt.date = LAST) -> Statement:
    """Return what happened from `start` on and before `end`: one statement of SQL."""
    start, end = max(start, FIRST), min(end, LAST)
    given = {"zone": settings.BILLING_TIME_ZONE, "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, given | {"since": midnight(start), "until": midnight(end)})
        rows = cursor.fetchall()
    return Statement(start, end, [Line(day, source, currency, Sums(*sums)) for day, source, currency, *sums in rows])


def month_of(day: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first day of the month that a day is in, and the first of the next."""
    first = day.replace(day=1)
    try:
        return first, (first + dt.timedelta(days=31)).replace(day=1)
    except OverflowError:
        return first, dt.date.max
