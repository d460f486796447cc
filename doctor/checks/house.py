"""What must hold of the database itself: guards, constraints, and the time zone in which the books are kept."""

from collections.abc import Iterator

from django.apps import apps
from django.utils.translation import gettext_lazy as _

from billing_time.clock import Moment
from doctor.check import error, table_of
from doctor.models import Setting
from doctor.visits import visit
from payments.states import GUARDS as PAYMENT_GUARDS
from subscriptions.states import GUARDS as SUBSCRIPTION_GUARDS

from . import subscriptions

OWN_APPS = ("accounts", "subscriptions", "payments", "journal")
RECORDED = (
    "accounts_user", "auth_group", "subscriptions_plan", "subscriptions_subscription", "payments_payment",
    "payments_receipt", "payments_refund", "payments_reversal", "payments_allocation",
)  # fmt: skip
RIGHTS_RECORDED = ("accounts_user_groups", "accounts_user_user_permissions", "auth_group_permissions")
# Triggers that see to more than one row; table, trigger, function.
KEEPERS = [
    ("subscriptions_plan", "plan_identity_never_changes", "plan_identity_never_changes"),
    ("subscriptions_subscription", "subscription_steps_back", "subscription_steps_back"),
    ("subscriptions_subscription", "subscription_terms_are_the_plans", "subscription_terms_are_the_plans"),
    ("payments_allocation", "allocation_counts", "allocation_counts"),
    ("payments_allocation", "allocation_fits_its_payment", "allocation_fits_its_payment"),
    ("payments_payment", "payment_refunds_agree", "payment_refunds_agree"),
    ("payments_refund", "payment_refunds_agree", "payment_refunds_agree"),
    ("payments_receipt", "receipt_reversals_agree", "receipt_reversals_agree"),
    ("payments_reversal", "receipt_reversals_agree", "receipt_reversals_agree"),
    ("payments_payment", "payment_terms_are_agreed", "payment_terms_are_agreed"),
    ("payments_receipt", "receipt_refunds_agree", "receipt_refunds_agree"),
    ("payments_payment", "payment_money_agrees", "payment_money_agrees"),
    ("payments_allocation", "payment_money_agrees", "payment_money_agrees"),
    ("subscriptions_subscription", "subscription_coverage_agrees", "subscription_coverage_agrees"),
    ("payments_payment", "subscription_coverage_agrees", "subscription_coverage_agrees"),
    ("journal_event", "journal_is_append_only", "journal_is_append_only"),
    ("journal_seal", "journal_is_append_only", "journal_is_append_only"),
]
TRIGGERS = [
    *((guard.table, guard.name, "refuse") for guard in (*SUBSCRIPTION_GUARDS, *PAYMENT_GUARDS)),
    *KEEPERS,
    *((table, "journal_record", "journal_record") for table in RECORDED),
    *((table, "journal_record_right", "journal_record_right") for table in RIGHTS_RECORDED),
]
OWNERS = [
    ("payments_payment", "payment_of_subscription_owner"),
    ("payments_payment", "payment_of_receipt_owner"),
    ("payments_allocation", "allocation_of_payment_owner"),
    ("payments_allocation", "allocation_of_receipt_owner"),
    ("payments_refund", "refund_of_payment_owner"),
    ("payments_reversal", "reversal_of_payment_owner"),
    ("payments_reversal", "reversal_of_receipt_owner"),
]
ENABLED = "('O', 'A')"


def constraints() -> Iterator[tuple[str, str]]:
    """Yield table and name of what the models declare, and of the keys by which rows have one owner."""
    for label in OWN_APPS:
        for model in apps.get_app_config(label).get_models():
            yield from ((model._meta.db_table, constraint.name) for constraint in model._meta.constraints)
    yield from OWNERS


def adopt_time_zone() -> str:
    """Take the program's time zone for the one of the books, if all access ends at a midnight of it."""
    (access,) = visit([subscriptions.ACCESS], Moment.current(), seconds=600)
    if not access.is_clean:
        return "Access does not end at midnights of this time zone; nothing was changed."
    setting = Setting.objects.get()
    setting.adopt()
    return f"All access ends at midnights of {setting}; the books are kept in it."


CHECKS = (
    error(
        "trigger_missing",
        _("A guard that is missing, switched off or another one"),
        _("Triggers refuse what no verb does, and write the journal, whoever changes a row; all are there, and on."),
        f"""SELECT 'trigger' AS object_type, concat(g.name, ' on ', g.table_name) AS object_id,
                CASE WHEN t.oid IS NULL THEN 'missing' WHEN t.tgenabled NOT IN {ENABLED} THEN 'switched off'
                ELSE concat('calls ', p.proname) END AS detail
            FROM {table_of(TRIGGERS)} AS g (table_name, name, function)
            LEFT JOIN pg_trigger AS t ON t.tgrelid = to_regclass(g.table_name) AND t.tgname = g.name
            LEFT JOIN pg_proc AS p ON p.oid = t.tgfoid
            WHERE t.oid IS NULL OR t.tgenabled NOT IN {ENABLED} OR p.proname <> g.function""",
        remedy=_(
            "See in the journal what happened since, by the other checks too; then switch it on again: ALTER TABLE "
            "the table ENABLE TRIGGER its name. One that is missing comes back from a fresh schema or a backup."
        ),
    ),
    error(
        "constraint_missing",
        _("A constraint that is missing, or was never validated"),
        _("What the models promise, constraints of the database hold."),
        f"""SELECT 'constraint' AS object_type, concat(g.name, ' on ', g.table_name) AS object_id,
                CASE WHEN c.oid IS NULL AND i.indexrelid IS NULL THEN 'missing' ELSE 'not validated' END AS detail
            FROM {table_of(constraints())} AS g (table_name, name)
            LEFT JOIN pg_constraint AS c ON c.conrelid = to_regclass(g.table_name) AND c.conname = g.name
            LEFT JOIN (
                SELECT x.indrelid, x.indexrelid, x.indisvalid, r.relname
                FROM pg_index AS x JOIN pg_class AS r ON r.oid = x.indexrelid
            ) AS i ON i.indrelid = to_regclass(g.table_name) AND i.relname = g.name
            WHERE NOT coalesce(c.convalidated, i.indisvalid, false)""",
        remedy=_("Add it again as the migrations do; what speaks against it is found by the other checks."),
    ),
    error(
        "time_zone_differs",
        _("Another time zone than the one in which the books are kept"),
        _("The days of coverage and access begin in one time zone, which cannot be exchanged for another later."),
        """SELECT 'setting' AS object_type, 'BILLING_TIME_ZONE' AS object_id,
                concat('it is ', %(zone)s::text, ', the books are kept in ', time_zone) AS detail
            FROM doctor_setting WHERE time_zone <> %(zone)s::text
            AND (SELECT id FROM subscriptions_subscription LIMIT 1) IS NOT NULL""",
        remedy=_(
            "Set BILLING_TIME_ZONE to the time zone of the books. Where that one was never meant and all access ends "
            "at midnights of the new one, --fix writes the new one down."
        ),
        fix=adopt_time_zone,
    ),
)
