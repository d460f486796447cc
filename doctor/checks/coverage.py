"""What must hold of coverage: the days that a payment pays for."""

from django.utils.translation import gettext_lazy as _

from billing_time.terms import HORIZON_MONTHS
from doctor.calendar import day_of, last_day_of, local_day
from doctor.check import error, found, listed, warning
from payments.models import Provider
from payments.states import Status
from subscriptions.states import COVERED

from .payments import ONCE_CONFIRMED, PAYMENTS

# The last day of the month in which a term of so many months ends, and the first day that an anchor could lead to.
MONTHS = "(p.interval_count::int * p.duration * CASE p.interval WHEN 'year' THEN 12 ELSE 1 END)"
DAYS = "(p.interval_count::int * p.duration * CASE p.interval WHEN 'week' THEN 7 ELSE 1 END)"
MONTH_END = (
    f"(date_trunc('month', p.covers_from::timestamp) + make_interval(months => {MONTHS} + 1) - interval '1 day')::date"
)
LATEST = f"""CASE
    WHEN p.interval IN ('day', 'week') THEN p.covers_from + {DAYS}
    WHEN {day_of("p.covers_from")} = {last_day_of("p.covers_from")} THEN {MONTH_END}
    ELSE (p.covers_from + make_interval(months => {MONTHS}))::date
END"""
EARLIEST = f"""CASE
    WHEN p.interval IN ('day', 'week') THEN p.covers_from + {DAYS}
    ELSE (p.covers_from + make_interval(months => {MONTHS}))::date
END"""

CHECKS = (
    error(
        "coverage_overlaps",
        _("Days paid for twice"),
        _("No day of a subscription is covered by two payments."),
        f"""SELECT {found("payment", "id", covers_from="covers_from", covers_to="covers_to", before="before")}
            FROM (
                SELECT p.id, p.covers_from, p.covers_to, max(p.covers_to) OVER (
                    PARTITION BY p.subscription_id ORDER BY p.covers_from, p.id
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS before
                FROM {PAYMENTS} WHERE p.covers_from IS NOT NULL
            ) AS p WHERE before > covers_from""",
    ),
    error(
        "coverage_not_the_term",
        _("Coverage that is not the term paid for"),
        _(
            "Coverage is as long as the payment's own terms say: exact for days and weeks; for months and years in the "
            "right month, on a day that an anchor day explains."
        ),
        f"""SELECT {
            found(
                "payment",
                "p.id",
                covers_from="p.covers_from",
                covers_to="p.covers_to",
                term="concat_ws(' ', p.interval_count::int * p.duration, p.interval)",
                earliest=EARLIEST,
                latest=LATEST,
            )
        }
            FROM {PAYMENTS} WHERE p.taken_back_on IS NULL
            AND ((p.covers_from IS NULL) <> (p.covers_to IS NULL)
                 OR p.covers_to NOT BETWEEN {EARLIEST} AND {LATEST})""",
    ),
    error(
        "coverage_taken_back_differs",
        _("Coverage that does not end where it was taken back"),
        _("What is left of coverage that was taken back ends on that day, before the full term would; or nothing is."),
        f"""SELECT {
            found(
                "payment",
                "p.id",
                covers_from="p.covers_from",
                covers_to="p.covers_to",
                taken_back_on="p.taken_back_on",
                latest=LATEST,
            )
        }
            FROM {PAYMENTS} WHERE p.taken_back_on IS NOT NULL
            AND (p.status NOT IN {listed(ONCE_CONFIRMED)} OR (p.covers_from IS NULL) <> (p.covers_to IS NULL)
                 OR p.covers_to <> p.taken_back_on OR p.covers_from >= p.taken_back_on OR p.covers_to >= {LATEST})""",
    ),
    error(
        "coverage_too_far",
        _("Coverage further than ten years ahead"),
        _("Coverage never ends later than ten years from the day on which it was granted."),
        f"""SELECT {found("payment", "p.id", confirmed_at="p.confirmed_at", covers_to="p.covers_to")}
            FROM {PAYMENTS} WHERE p.covers_to
            > ({local_day("p.confirmed_at")} + make_interval(months => {HORIZON_MONTHS}))::date""",
    ),
    error(
        "applied_without_coverage",
        _("Confirmed and applied, but covering nothing"),
        _("A confirmed payment covers days, had them taken back, or is unapplied and waits for staff."),
        f"""SELECT {found("payment", "p.id", receipt="p.receipt_id", confirmed_at="p.confirmed_at")}
            FROM {PAYMENTS} WHERE p.status = '{Status.CONFIRMED}' AND NOT p.unapplied
            AND p.covers_from IS NULL AND p.taken_back_on IS NULL""",
    ),
    error(
        "unapplied_with_coverage",
        _("Unapplied, and covering days"),
        _("Money that a subscription could not take covers nothing; only a confirmed payment waits so."),
        f"""SELECT {found("payment", "p.id", status="p.status", covers_from="p.covers_from", covers_to="p.covers_to")}
            FROM {PAYMENTS} WHERE p.unapplied
            AND (p.status <> '{Status.CONFIRMED}' OR p.covers_from IS NOT NULL OR p.provider = '{Provider.GRANT}')""",
    ),
    warning(
        "coverage_kept_after_reversal",
        _("Days that go on although their money is gone"),
        _("A payment was reversed while later coverage stood on its days, so they were kept; they are still ahead."),
        f"""SELECT {
            found(
                "payment",
                "p.id",
                reversed_because="p.reversal_kind",
                covers_from="p.covers_from",
                covers_to="p.covers_to",
            )
        }
            FROM {PAYMENTS} JOIN subscriptions_subscription AS s ON s.id = p.subscription_id
            WHERE p.status = '{Status.REVERSED}' AND p.taken_back_on IS NULL AND p.covers_to > %(today)s
            AND s.status IN {listed(COVERED)}""",
        remedy=_("Ask the customer for the money anew, or reverse or refund what covers the days after it."),
    ),
)
