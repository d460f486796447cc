"""The books broken, one way for each check, as the owner of the tables could with nothing to stop them."""

from django.apps import apps
from django.db import connection

from doctor.checks.house import OWN_APPS
from doctor.tests.situations import Story, gets_some_of_unapplied_money_back, pays_for_what_was_canceled, write_down
from journal.models import Event
from journal.seals import next_seal
from payments.models import Receipt, Reversal
from subscriptions.models import Subscription

BREAKING = {}
CONSTRAINTS = """
    SELECT conrelid::regclass, quote_ident(conname) FROM pg_constraint
    WHERE conrelid = ANY (%s::regclass[]) AND contype IN ('c', 'u', 'x') ORDER BY contype
"""
INDEXES = """
    SELECT indexrelid::regclass FROM pg_index
    WHERE indrelid = ANY (%s::regclass[]) AND indisunique AND NOT indisprimary
"""


def breaks(check):
    """Note how the books break so that the check finds it; the function returns the object's type and id."""

    def note(how):
        assert check not in BREAKING
        BREAKING[check] = how
        return how

    return note


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def become_owner():
    """Take guards, journal and constraints away; foreign keys stay, for they are looked at only at the end."""
    tables = [model._meta.db_table for label in OWN_APPS for model in apps.get_app_config(label).get_models()]
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET CONSTRAINTS ALL DEFERRED")
    for table in tables:
        sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table, name in sql(CONSTRAINTS, tables):
        sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE")
    for (index,) in sql(INDEXES, tables):
        sql(f"DROP INDEX {index}")
    sql("GRANT UPDATE, DELETE ON journal_event, journal_seal TO CURRENT_USER")


def change(row, **columns):
    """Change columns of a row; a value that begins with = is SQL."""
    become_owner()
    names = ", ".join(
        f"{name} = {value[1:] if str(value).startswith('=') else '%s'}" for name, value in columns.items()
    )
    values = [value for value in columns.values() if not str(value).startswith("=")]
    sql(f"UPDATE {row._meta.db_table} SET {names} WHERE {row._meta.pk.column} = %s", *values, row.pk)
    return row._meta.model_name, str(row.pk)


def copy(row, **columns):
    """Make another row that is the same but for some columns, each in SQL."""
    become_owner()
    names = [field.column for field in row._meta.concrete_fields if not field.primary_key and not field.generated]
    chosen = ", ".join(f"({columns[name]})" if name in columns else name for name in names)
    table = row._meta.db_table
    query = f"INSERT INTO {table} ({', '.join(names)}) SELECT {chosen} FROM {table} WHERE id = %s RETURNING id"
    ((new,),) = sql(query, row.pk)
    return row._meta.model_name, str(new)


def active():
    """Return a subscription that runs, and its payment."""
    story = Story()
    payment = story.buy(5)
    return Subscription.objects.get(pk=payment.subscription_id), payment


def pending():
    """Return a subscription that waits, and its payment."""
    story = Story()
    return story.subscribe(5), story.ask(5)


def refunded():
    """Return a payment of which all was given back, and the refund."""
    story = Story()
    payment = story.buy(5)
    refund = story.refund(payment, coverage="keep")
    return payment, refund


def reversed_():
    """Return a payment that was reversed."""
    story = Story()
    payment = story.buy(5)
    story.reverse(payment)
    return payment


# --- Subscriptions


@breaks("subscription_status_unknown")
def _():
    return change(active()[0], status="frozen")


@breaks("active_without_coverage")
def _():
    return change(pending()[0], status="active")


@breaks("covered_until_differs")
def _():
    return change(active()[0], covered_until="=covered_until + 30")


@breaks("access_until_differs")
def _():
    return change(active()[0], access_until="=access_until + interval '1 hour'")


@breaks("pending_with_access")
def _():
    return change(pending()[0], access_until="=now() + interval '1 year'")


@breaks("trialing_without_trial")
def _():
    return change(pending()[0], status="trialing")


@breaks("canceled_with_access")
def _():
    story = Story()
    story.buy(5)
    story.cancel(now=True, forfeit=True)
    return change(story.subscription, access_until="=now() + interval '1 year'")


@breaks("cancel_at_differs")
def _():
    return change(active()[0], cancel_at="=covered_until + 1")


@breaks("end_date_differs")
def _():
    return change(active()[0], end_date="=end_date + 1")


@breaks("anchor_day_differs")
def _():
    subscription, payment = active()
    return change(subscription, anchor_day=payment.covers_from.day % 28 + 1)


@breaks("two_live_subscriptions")
def _():
    return copy(active()[0])


@breaks("subscription_terms_differ")
def _():
    return change(active()[0], interval_count=2)


@breaks("subscription_not_written_down")
def _():
    return change(pending()[0], pending_until="=now() - interval '2 days'")


# --- Payments


@breaks("payment_status_unknown")
def _():
    return change(active()[1], status="lost")


@breaks("payment_amount_differs")
def _():
    return change(active()[1], amount=1)


@breaks("payment_of_another_subscription")
def _():
    return change(active()[1], subscription_id=active()[0].pk)


@breaks("confirmed_without_receipt")
def _():
    return change(active()[1], receipt_id=None)


@breaks("unconfirmed_with_facts")
def _():
    return change(pending()[1], confirmed_at="=now()")


@breaks("confirmed_by_its_owner")
def _():
    return change(active()[1], confirmed_by_id="=user_id")


@breaks("two_pending_payments")
def _():
    return copy(pending()[1], page_key="'another'")


@breaks("pending_payment_of_canceled")
def _():
    subscription, payment = pending()
    change(subscription, status="canceled")
    return "payment", str(payment.pk)


@breaks("payment_not_written_down")
def _():
    return change(pending()[1], expires_at="=now() - interval '2 days'")


# --- Coverage


@breaks("coverage_overlaps")
def _():
    story = Story()
    story.buy(5)
    return change(story.pay(4), covers_from="=covers_from - 1")


@breaks("coverage_not_the_term")
def _():
    return change(active()[1], covers_to="=covers_to + 31")


@breaks("coverage_taken_back_differs")
def _():
    return change(active()[1], taken_back_on="=covers_to + 1")


@breaks("coverage_too_far")
def _():
    return change(active()[1], confirmed_at="=confirmed_at - interval '10 years'")


@breaks("applied_without_coverage")
def _():
    return change(active()[1], covers_from=None, covers_to=None)


@breaks("unapplied_with_coverage")
def _():
    return change(active()[1], unapplied=True)


@breaks("coverage_kept_after_reversal")
def _():
    story = Story()
    first = story.buy(5)
    story.pay(4)
    story.reverse(first, "returned_by_bank")
    return "payment", str(first.pk)


# --- Receipts


@breaks("allocations_differ")
def _():
    payment = active()[1]
    change(payment.allocations.get(), amount="=amount - 1")
    return "payment", str(payment.pk)


@breaks("allocation_of_unsettled")
def _():
    payment = pays_for_what_was_canceled()[1]
    copy(active()[1].allocations.get(), payment_id=payment.pk)
    return "payment", str(payment.pk)


@breaks("allocation_elsewhere")
def _():
    return change(active()[1].allocations.get(), currency="EUR")


@breaks("receipt_elsewhere")
def _():
    payment = active()[1]
    change(payment.receipt, currency="EUR")
    return "payment", str(payment.pk)


@breaks("receipt_overdrawn")
def _():
    return change(active()[1].receipt, amount="=amount - 1")


@breaks("receipt_allocated_differs")
def _():
    return change(active()[1].receipt, allocated_amount=1)


@breaks("receipt_reversed_differs")
def _():
    return change(reversed_().receipt, reversed_amount=1)


@breaks("receipt_refunded_differs")
def _():
    gets_some_of_unapplied_money_back()
    return change(Receipt.objects.get(refunded_amount__gt=0), refunded_amount="=refunded_amount - 1")


@breaks("evidence_twice")
def _():
    receipt = active()[1].receipt
    return copy(receipt, evidence="'  ' || upper(evidence)", evidence_key="evidence_key || '!'")


@breaks("void_receipt_with_money")
def _():
    return change(active()[1].receipt, voided_at="=now()")


@breaks("receipt_without_evidence")
def _():
    story = Story()
    return "receipt", str(story.buy(5, evidence=None).receipt_id)


@breaks("money_unapplied_for_long")
def _():
    receipt = pays_for_what_was_canceled()[1].receipt
    return change(receipt, created_at="=created_at - interval '14 days'")


# --- Refunds and reversals


@breaks("refund_status_unknown")
def _():
    return change(refunded()[1], status="maybe")


@breaks("refund_without_evidence")
def _():
    return change(refunded()[1], status="paid")


@breaks("refund_elsewhere")
def _():
    return change(refunded()[1], currency="EUR")


@breaks("reversal_elsewhere")
def _():
    return change(Reversal.objects.get(payment=reversed_()), user_id=active()[0].user_id)


@breaks("refunds_over_payment")
def _():
    payment, refund = refunded()
    copy(refund)
    return "payment", str(payment.pk)


@breaks("refunded_amount_differs")
def _():
    return change(refunded()[0], refunded_amount=1)


@breaks("refunded_with_rest")
def _():
    return change(active()[1], status="refunded")


@breaks("nothing_left_not_refunded")
def _():
    return change(refunded()[0], status="confirmed")


@breaks("reversed_without_reversal")
def _():
    return change(active()[1], status="reversed", reversal_kind="mistake")


@breaks("reversal_kind_differs")
def _():
    return change(reversed_(), reversal_kind="moved")


@breaks("refund_due_for_long")
def _():
    return change(refunded()[1], created_at="=created_at - interval '15 days'")


# --- The journal


@breaks("row_without_entry")
def _():
    return copy(pending()[1], page_key="'another'")


@breaks("row_gone")
def _():
    payment = pending()[1]
    become_owner()
    sql("DELETE FROM payments_payment WHERE id = %s", payment.pk)
    return "payment", str(payment.pk)


@breaks("status_without_entry")
def _():
    return change(active()[0], status="past_due")


@breaks("confirmed_without_entry")
def _():
    payment = active()[1]
    become_owner()
    sql("DELETE FROM journal_event WHERE kind = 'payment.confirmed' AND object_id = %s", str(payment.pk))
    return "payment", str(payment.pk)


@breaks("step_unknown")
def _():
    story = Story()
    story.subscribe(40)
    payment = story.ask(40)
    write_down()
    become_owner()
    sql("UPDATE journal_event SET before = '{\"status\": \"refunded\"}' WHERE kind = 'payment.expired'")
    return "payment", str(payment.pk)


@breaks("seal_broken")
def _():
    active()
    newest = next_seal()
    newest.save()
    become_owner()
    sql("UPDATE journal_event SET reason = 'another' WHERE seq = %s", newest.last_seq)
    return "seal", str(newest)


@breaks("events_not_sealed")
def _():
    active()
    next_seal().save()
    Story()
    newest = Event.objects.order_by("seq").last()
    become_owner()
    sql("UPDATE journal_event SET at = at - interval '3 days' WHERE seq = %s", newest.pk)
    return "event", str(newest.pk)


# --- The house


@breaks("trigger_missing")
def _():
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("DROP TRIGGER payment_transition ON payments_payment")
    return "trigger", "payment_transition on payments_payment"


@breaks("constraint_missing")
def _():
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE payments_payment DROP CONSTRAINT payment_amount_positive")
    return "constraint", "payment_amount_positive on payments_payment"


@breaks("time_zone_differs")
def _():
    pending()
    sql("UPDATE doctor_setting SET time_zone = 'Asia/Tokyo'")
    return "setting", "BILLING_TIME_ZONE"
