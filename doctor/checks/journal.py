"""What must hold between the rows and the journal, and within it."""

from collections.abc import Iterator
from functools import partial

from django.utils.translation import gettext_lazy as _

from doctor.check import Finding, error, found, listed, table_of, warning
from doctor.fixes import run
from journal.seals import broken
from payments.models import Provider
from payments.states import PAYMENT, REFUND
from payments.states import Status as PaymentStatus
from subscriptions.states import SUBSCRIPTION

from .payments import PAYMENTS

MACHINES = (SUBSCRIPTION, PAYMENT, REFUND)
KEPT = {
    "subscription": "subscriptions_subscription",
    "payment": "payments_payment",
    "receipt": "payments_receipt",
    "refund": "payments_refund",
    "reversal": "payments_reversal",
}
ROWS = " UNION ALL ".join(f"SELECT '{name}' AS type, id, created_at FROM {table}" for name, table in KEPT.items())
STATES = " UNION ALL ".join(f"SELECT '{each.name}' AS type, id, status FROM {each.table}" for each in MACHINES)
STEPS = table_of((each.name, step.source, step.target) for each in MACHINES for step in each.steps)
BIRTHS = table_of((each.name, birth.state) for each in MACHINES for birth in each.births)
BORN = (
    f"(SELECT object_type, object_id::bigint AS id FROM journal_event"
    f" WHERE kind IN {listed(f'{name}.created' for name in KEPT)})"
)
# What is older than the journal has no entry of its birth: it is from before the migrations that attached it, and its
# id comes before the first that was recorded.
FIRST = "(SELECT object_type, min(id) AS id FROM born GROUP BY object_type)"
BEGAN = """(
    SELECT max(applied) FROM django_migrations
    WHERE (app, name) IN (('payments', '0007_journal'), ('subscriptions', '0004_journal'))
)"""


def newer(id_: str, instant: str) -> str:
    """Return whether a row is from when the journal was kept; `first` is the first that was recorded of its type."""
    return f"({id_} >= first.id OR {instant} >= {BEGAN})"


def broken_seals() -> Iterator[Finding]:
    """Yield the seals that do not hold."""
    return (Finding("seal", fault.seal, fault.why) for fault in broken())


CHECKS = (
    error(
        "row_without_entry",
        _("A row that the journal does not know"),
        _("Every row begins with an entry in the journal, except what is older than the journal."),
        f"""WITH born AS MATERIALIZED {BORN}, first AS {FIRST}
            SELECT rows.type AS object_type, rows.id::text AS object_id, concat('created_at ', created_at) AS detail
            FROM ({ROWS}) AS rows
            LEFT JOIN born ON born.object_type = rows.type AND born.id = rows.id
            LEFT JOIN first ON first.object_type = rows.type
            WHERE born.id IS NULL AND {newer("rows.id", "rows.created_at")}""",
    ),
    error(
        "row_gone",
        _("A row that is in the journal alone"),
        _("No subscription, payment, receipt, refund or reversal is ever deleted."),
        f"""SELECT born.object_type, born.id::text AS object_id, 'it is in the journal, and gone' AS detail
            FROM {BORN} AS born LEFT JOIN ({ROWS}) AS rows ON rows.type = born.object_type AND rows.id = born.id
            WHERE rows.id IS NULL""",
    ),
    error(
        "status_without_entry",
        _("A state that no entry led to"),
        _("The state of a row is the one that the last entry about its state says."),
        f"""SELECT rows.type AS object_type, rows.id::text AS object_id,
                concat('status ', rows.status, ', in the journal ', last.status) AS detail
            FROM ({STATES}) AS rows JOIN (
                SELECT DISTINCT ON (object_type, object_id) object_type, object_id, after ->> 'status' AS status
                FROM journal_event
                WHERE object_type IN {listed(each.name for each in MACHINES)} AND after ->> 'status' IS NOT NULL
                ORDER BY object_type, object_id, seq DESC
            ) AS last ON last.object_type = rows.type AND last.object_id = rows.id::text
            WHERE last.status <> rows.status""",
    ),
    error(
        "confirmed_without_entry",
        _("Confirmed, and no entry says so"),
        _("Every confirmation is in the journal: as one, or as the birth of free time."),
        f"""WITH born AS MATERIALIZED {BORN}, first AS {FIRST}
            SELECT {found("payment", "p.id", status="p.status", confirmed_at="p.confirmed_at")}
            FROM {PAYMENTS} LEFT JOIN (
                SELECT DISTINCT object_id FROM journal_event WHERE object_type = 'payment'
                AND after ->> 'status' = '{PaymentStatus.CONFIRMED}'
            ) AS e ON e.object_id = p.id::text
            LEFT JOIN first ON first.object_type = 'payment'
            WHERE p.confirmed_at IS NOT NULL AND e.object_id IS NULL AND {newer("p.id", "p.confirmed_at")}""",
    ),
    error(
        "step_unknown",
        _("A step in the journal that there is not"),
        _("Every step from state to state stands in the tables, and every row begins in a state that it may begin in."),
        f"""SELECT e.object_type, e.object_id, concat('entry ', e.seq, ' from ',
                coalesce(e.before ->> 'status', 'nothing'), ' to ', e.after ->> 'status') AS detail
            FROM journal_event AS e
            LEFT JOIN {STEPS} AS step (name, source, target) ON step.name = e.object_type
                AND step.source = e.before ->> 'status' AND step.target = e.after ->> 'status'
            LEFT JOIN {BIRTHS} AS birth (name, state) ON birth.name = e.object_type
                AND e.before ->> 'status' IS NULL AND birth.state = e.after ->> 'status'
                AND (e.object_type <> 'payment' OR birth.state <> '{PaymentStatus.CONFIRMED}'
                     OR e.after ->> 'provider' = '{Provider.GRANT}')
            WHERE e.object_type IN {listed(each.name for each in MACHINES)} AND e.after ->> 'status' IS NOT NULL
            AND step.name IS NULL AND birth.name IS NULL""",
    ),
    error(
        "seal_broken",
        _("A seal of the journal that does not hold"),
        _("Every seal is computed anew; one does not hold where entries under it were changed, added or cut out."),
        look=broken_seals,
        is_quick=False,
        remedy=_("Compare with the seals that were exported before, to see since when: verify_journal --against FILE."),
    ),
    warning(
        "events_not_sealed",
        _("Entries that nobody has sealed for two days"),
        _("What is not sealed could be changed by the owner of the database without its showing."),
        f"""SELECT {found("event", "min(e.seq)", entries="count(*)", oldest="min(e.at)")}
            FROM journal_event AS e, (SELECT max(last_seq) AS seq FROM journal_seal) AS sealed
            WHERE e.seq > sealed.seq AND e.at < %(now)s - interval '2 days' HAVING count(*) > 0""",
        remedy=_("Let cron run seal_journal daily; --fix runs it now."),
        fix=partial(run, "seal_journal"),
    ),
)
