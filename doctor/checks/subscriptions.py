"""What must hold of subscriptions, and between them and the payments that cover them."""

from functools import partial

from django.utils.translation import gettext_lazy as _

from doctor.calendar import anchored, midnight
from doctor.check import error, found, listed, warning
from doctor.fixes import run
from subscriptions.states import COVERED, LIVE, RUNNING, SUBSCRIPTION, Status

SUBSCRIPTIONS = "subscriptions_subscription AS s"
# The last day that any payment of a subscription covers, whatever has become of the payment.
COVERAGE = """(
    SELECT subscription_id, max(covers_to) AS covers_to FROM payments_payment
    WHERE covers_to IS NOT NULL GROUP BY subscription_id
)"""
LAST_COVERAGE = """(
    SELECT DISTINCT ON (subscription_id) subscription_id, covers_from, covers_to FROM payments_payment
    WHERE covers_to IS NOT NULL ORDER BY subscription_id, covers_to DESC
)"""
TAKEN_BACK = "(SELECT DISTINCT subscription_id FROM payments_payment WHERE taken_back_on IS NOT NULL)"
END_OF_COVERED = midnight("s.covered_until + CASE WHEN s.cancel_at IS NULL THEN s.grace_days ELSE 0 END")


ACCESS = error(
    "access_until_differs",
    _("Access that does not follow from coverage or trial"),
    _(
        "Access ends at midnight, in the billing time zone, of the day after coverage and grace; without grace "
        "where the subscription is to end, or of the day after the trial. Where many are found, the time zone or "
        "its rules have changed since."
    ),
    f"""SELECT {found("subscription", "id", status="status", access_until="access_until", expected="expected")}
        FROM (
            SELECT s.id, s.status, s.access_until, CASE
                WHEN s.status <> '{Status.TRIALING}' AND s.covered_until IS NOT NULL THEN {END_OF_COVERED}
                WHEN s.status = '{Status.TRIALING}' OR s.access_until IS NOT NULL THEN {midnight("s.trial_end")}
            END AS expected
            FROM {SUBSCRIPTIONS} WHERE s.status IN {listed((*RUNNING, Status.EXPIRED))}
        ) AS s WHERE access_until IS DISTINCT FROM expected""",
)
CHECKS = (
    error(
        "subscription_status_unknown",
        _("A subscription in a state that there is not"),
        _("Every state of a subscription stands in the table of its steps."),
        f"""SELECT {found("subscription", "s.id", status="s.status")} FROM {SUBSCRIPTIONS}
            WHERE s.status NOT IN {listed(SUBSCRIPTION.states)}""",
    ),
    error(
        "active_without_coverage",
        _("Active without coverage"),
        _("An active or past due subscription has a payment that covers days, and an anchor day that they keep."),
        f"""SELECT {found("subscription", "s.id", status="s.status", covered_until="s.covered_until")}
            FROM {SUBSCRIPTIONS} LEFT JOIN {COVERAGE} AS c ON c.subscription_id = s.id
            WHERE s.status IN {listed(COVERED)}
            AND (c.covers_to IS NULL OR s.covered_until IS NULL OR s.anchor_day IS NULL)""",
    ),
    error(
        "covered_until_differs",
        _("Covered until another day than its payments cover"),
        _(
            "A subscription is covered until the end of its last coverage. One that was canceled may have had days "
            "taken back since; one that waits or is in trial has no covered day ahead."
        ),
        f"""SELECT {
            found("subscription", "s.id", status="s.status", covered_until="s.covered_until", covers_to="c.covers_to")
        }
            FROM {SUBSCRIPTIONS} LEFT JOIN {COVERAGE} AS c ON c.subscription_id = s.id
            WHERE CASE
                WHEN s.covered_until IS NULL THEN c.covers_to > %(today)s
                WHEN s.status = '{Status.CANCELED}' THEN s.covered_until < c.covers_to
                ELSE s.covered_until IS DISTINCT FROM c.covers_to
            END""",
    ),
    ACCESS,
    error(
        "pending_with_access",
        _("Waiting for payment, and giving access"),
        _("What nobody has paid for yet gives no access, covers nothing and is not about to end."),
        f"""SELECT {
            found(
                "subscription",
                "s.id",
                access_until="s.access_until",
                covered_until="s.covered_until",
                cancel_at="s.cancel_at",
            )
        }
            FROM {SUBSCRIPTIONS} WHERE s.status = '{Status.PENDING}'
            AND (s.access_until IS NOT NULL OR s.covered_until IS NOT NULL OR s.cancel_at IS NOT NULL)""",
    ),
    error(
        "trialing_without_trial",
        _("In trial without a trial"),
        _("A subscription in trial ends with the trial, and nothing of it is paid."),
        f"""SELECT {
            found(
                "subscription", "s.id", trial_end="s.trial_end", end_date="s.end_date", covered_until="s.covered_until"
            )
        }
            FROM {SUBSCRIPTIONS} WHERE s.status = '{Status.TRIALING}'
            AND (s.trial_end IS NULL OR s.end_date IS DISTINCT FROM s.trial_end OR s.covered_until IS NOT NULL)""",
    ),
    error(
        "canceled_with_access",
        _("Canceled, and still giving access"),
        _("What is canceled for good gives no access, and says when it ended."),
        f"""SELECT {found("subscription", "s.id", access_until="s.access_until", end_date="s.end_date")}
            FROM {SUBSCRIPTIONS} WHERE s.status = '{Status.CANCELED}'
            AND (s.access_until IS NOT NULL OR s.end_date IS NULL)""",
    ),
    error(
        "cancel_at_differs",
        _("About to end on another day than its term"),
        _("A cancellation at the end of the period falls on the end of what is paid, or else of the trial."),
        f"""SELECT {
            found(
                "subscription",
                "s.id",
                cancel_at="s.cancel_at",
                covered_until="s.covered_until",
                trial_end="s.trial_end",
            )
        }
            FROM {SUBSCRIPTIONS} WHERE s.status IN {listed(RUNNING)}
            AND s.cancel_at IS DISTINCT FROM coalesce(s.covered_until, s.trial_end) AND s.cancel_at IS NOT NULL""",
    ),
    error(
        "end_date_differs",
        _("An end that is not the end of what is paid"),
        _("An active or past due subscription ends where its coverage does, and none ends before it began."),
        f"""SELECT {
            found(
                "subscription",
                "s.id",
                start_date="s.start_date",
                end_date="s.end_date",
                covered_until="s.covered_until",
            )
        }
            FROM {SUBSCRIPTIONS} WHERE s.end_date < s.start_date
            OR (s.status IN {listed(COVERED)} AND (s.end_date IS DISTINCT FROM s.covered_until OR s.start_date IS NULL))
        """,
    ),
    error(
        "anchor_day_differs",
        _("An anchor day that does not fit the coverage"),
        _(
            "The anchor day is the day of the month on which unbroken coverage began, or the last one of a shorter "
            "month. Where days were taken back it may still be the one of those."
        ),
        f"""SELECT {
            found(
                "subscription", "s.id", anchor_day="s.anchor_day", covers_from="c.covers_from", covers_to="c.covers_to"
            )
        }
            FROM {SUBSCRIPTIONS} JOIN {LAST_COVERAGE} AS c ON c.subscription_id = s.id
            LEFT JOIN {TAKEN_BACK} AS t ON t.subscription_id = s.id
            WHERE s.status IN {listed(COVERED)} AND t.subscription_id IS NULL
            AND NOT {anchored("s.anchor_day", "c.covers_from")}""",
    ),
    error(
        "two_live_subscriptions",
        _("Two live subscriptions of one user for one plan"),
        _("A user has at most one subscription for a plan that can still be paid for."),
        f"""SELECT {
            found(
                "subscription",
                "max(s.id)",
                user="s.user_id",
                plan="s.plan_name",
                subscriptions="string_agg(s.id::text, ' and ' ORDER BY s.id)",
            )
        }
            FROM {SUBSCRIPTIONS} WHERE s.status IN {listed(LIVE)}
            GROUP BY s.user_id, s.plan_name HAVING count(*) > 1""",
    ),
    error(
        "subscription_terms_differ",
        _("Sold on other terms than the plan has"),
        _("Currency and interval of a plan never change, so a subscription has the plan's; its price is above zero."),
        f"""SELECT {
            found(
                "subscription",
                "s.id",
                plan="s.plan_name",
                currency="s.currency",
                interval="concat_ws(' ', s.interval_count, s.interval)",
                unit_price="s.unit_price",
            )
        }
            FROM {SUBSCRIPTIONS} JOIN subscriptions_plan AS p ON p.name = s.plan_name
            WHERE (s.currency, s.interval, s.interval_count) <> (p.currency, p.interval, p.interval_count)
            OR s.unit_price <= 0""",
    ),
    warning(
        "subscription_not_written_down",
        _("A state that dates have made, not written down for a day"),
        _(
            "Access and answers follow the dates in any case, but the journal and reports over the table do not know "
            "yet that a subscription is past due, expired or canceled."
        ),
        f"""SELECT {
            found("subscription", "s.id", status="s.status", access_until="s.access_until", cancel_at="s.cancel_at")
        }
            FROM {SUBSCRIPTIONS}
            WHERE (s.status = '{Status.PENDING}' AND s.pending_until < %(now)s - interval '1 day')
            OR (s.status IN {listed(RUNNING)} AND s.access_until < %(now)s - interval '1 day')
            OR (s.status IN {listed(RUNNING)} AND s.cancel_at < %(today)s)
            OR (s.status = '{Status.ACTIVE}' AND s.covered_until < %(today)s)""",
        remedy=_("Let cron run expire_subscriptions daily; --fix runs it now."),
        fix=partial(run, "expire_subscriptions"),
    ),
)
