"""PostgreSQL knows the tables of states edge by edge, and refuses by its guards whatever else is tried on money."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.db import Error, connection, transaction

from payments.grants import grant
from payments.models import Allocation, Facts, Payment, Receipt, Refund, RefundOrder, Reversal, ReversalOrder
from payments.states import PAYMENT, REFUND
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.states import SUBSCRIPTION
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.ledger import ledger
from tests.unguarded import ALL_GUARDS, SUMS, switch, unguarded

NOON = dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC)
DAY, LAST = dt.date(2020, 1, 1), dt.date(2020, 2, 1)
OF_TABLE = {guard.table: [one for one in ALL_GUARDS if one.table == guard.table] for guard in ALL_GUARDS}


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def set_columns(model, pk, changes):
    """Do what a person at psql would do."""
    columns = ", ".join(f"{name} = %s" for name in changes)
    sql(f"UPDATE {model._meta.db_table} SET {columns} WHERE id = %s", *changes.values(), pk)


def refusal_of(act):
    """Return the name of the guard or constraint that refuses the act, None where it is accepted; undo it."""
    try:
        with transaction.atomic():
            act()
            transaction.set_rollback(True)
    except Error as error:
        return error.__cause__.diag.constraint_name
    return None


@pytest.fixture
def paid(alice, staff, moment):
    """Alice's payment, confirmed, with a refund that is due and a reversal beside it; her subscription has a trial."""
    plan = PlanFactory(name="tried", trial_days=14)
    payment = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=plan))
    payment.confirm(Facts(evidence="E-1", received_on=moment.today), by=staff, moment=moment)
    payment.refund(RefundOrder(reason="Asked", amount=Decimal("1.00"), coverage="keep"), by=staff, moment=moment)
    switch("DISABLE", SUMS)  # rows are brought into states one by one; test_constraints.py has the sums over them
    return Payment.objects.get()


def columns_of_payment(payment):
    """Return, for each state, columns that its constraints agree with."""
    empty = {
        "covers_from": None, "covers_to": None, "receipt_id": None, "confirmed_at": None, "confirmed_by_id": None,
        "reversal_kind": None, "refunded_amount": Decimal("1.00"),
    }  # fmt: skip
    confirmed = {
        "covers_from": DAY, "covers_to": LAST, "receipt_id": payment.receipt_id, "confirmed_at": NOON,
        "confirmed_by_id": payment.confirmed_by_id, "reversal_kind": None, "refunded_amount": Decimal("1.00"),
    }  # fmt: skip
    return {
        "pending": empty,
        "canceled": empty,
        "expired": empty,
        "confirmed": confirmed,
        "refunded": confirmed | {"refunded_amount": payment.amount},
        "reversed": confirmed | {"reversal_kind": "mistake"},
    }


def columns_of_subscription(subscription):
    tried = {"start_date": subscription.start_date, "end_date": subscription.trial_end}
    ended = tried | {"access_until": None, "covered_until": None, "anchor_day": None}
    trialing = ended | {"access_until": NOON}
    covered = tried | {"covered_until": subscription.trial_end, "access_until": NOON, "anchor_day": 1}
    return {
        "pending": ended,
        "trialing": trialing,
        "active": covered,
        "past_due": covered,
        "expired": covered,
        "canceled": ended,
    }


def columns_of_refund(_refund):
    nothing = {"evidence": None, "evidence_key": None, "paid_at": None}
    return {"due": nothing, "canceled": nothing, "paid": {"evidence": "R-1", "evidence_key": "r-1", "paid_at": NOON}}


MACHINES = [
    (PAYMENT, Payment, columns_of_payment),
    (SUBSCRIPTION, Subscription, columns_of_subscription),
    (REFUND, Refund, columns_of_refund),
]
SOURCES = [
    pytest.param(*parts, source, id=f"{parts[0].name}-{source}") for parts in MACHINES for source in parts[0].states
]


def brought_into(model, columns, state):
    """Force the one row of the model into the state, past the guards; return the row."""
    row = model.objects.get()
    with unguarded():
        if (model, state) == (Payment, "refunded"):
            Refund.objects.update(amount=row.amount)
        if (model, state) == (Refund, "canceled"):
            Payment.objects.update(refunded_amount=0)
        set_columns(model, row.pk, {"status": state, **columns(row)[state]})
    return row


@pytest.mark.parametrize(("machine", "model", "columns", "source"), SOURCES)
def test_postgresql_accepts_exactly_the_steps_of_the_table(paid, machine, model, columns, source):
    if model is Subscription:
        sql("UPDATE payments_payment SET status = 'reversed', reversal_kind = 'mistake'")
    row = brought_into(model, columns, source)
    others = [target for target in machine.states if target != source]

    def step_to(target):
        return refusal_of(lambda: set_columns(model, row.pk, {"status": target, **columns(row)[target]}))

    assert {target for target in others if step_to(target) is None} == set(machine.after(source))
    with unguarded(guard for guard in ALL_GUARDS if guard.name != f"{machine.name}_transition"):
        refusals = {target: step_to(target) for target in others if not machine.allows(source, target)}
    assert set(refusals.values()) <= {f"{machine.name}_transition"}


@pytest.mark.parametrize("target", ["trialing", "pending"])
@pytest.mark.parametrize("source", ["active", "past_due"])
def test_a_paid_subscription_waits_again_only_where_money_was_given_back_or_is_gone(paid, source, target):
    row = brought_into(Subscription, columns_of_subscription, source)
    changes = {"status": target, **columns_of_subscription(row)[target]}

    assert refusal_of(lambda: set_columns(Subscription, row.pk, changes)) == "subscription_transition"


def copy(model, pk, **changes):
    """Insert a copy of the row, with other values in some columns."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = %s AND is_generated = 'NEVER' AND column_name <> 'id'",
            [table],
        )
        kept = [name for (name,) in cursor.fetchall() if name not in changes]
    names = ", ".join([*changes, *kept])
    values = ", ".join(["%s"] * len(changes) + kept)
    sql(f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE id = %s", *changes.values(), pk)


GIFT = {"provider": "grant", "amount": 0, "unit_price": 0, "receipt_id": None, "interval": "day", "interval_count": 31}
UNTOUCHED = {"refunded_amount": 0, "page_key": "another"}


@pytest.mark.parametrize("state", PAYMENT.states)
@pytest.mark.parametrize("given", [{}, GIFT], ids=["money", "grant"])
def test_a_payment_is_born_pending_or_a_grant_confirmed(paid, state, given):
    columns = columns_of_payment(paid)[state]
    row = brought_into(Payment, columns_of_payment, "canceled")
    changes = {"status": state, **columns, **UNTOUCHED, **given}
    if state == "pending":
        changes |= {"provider": "manual", "amount": row.amount, "unit_price": row.unit_price}
        changes |= {"interval": row.interval, "interval_count": row.interval_count}
    born = state == "pending" or (state == "confirmed" and given == GIFT)

    assert refusal_of(lambda: copy(Payment, row.pk, **changes)) in ([None] if born else ["payment_birth"])


@pytest.mark.parametrize("state", SUBSCRIPTION.states)
def test_a_subscription_is_born_pending_or_trialing(paid, bob, state):
    row = Subscription.objects.get()
    changes = {"status": state, "user_id": bob.pk, **columns_of_subscription(row)[state]}
    born = state in ("pending", "trialing")

    assert refusal_of(lambda: copy(Subscription, row.pk, **changes)) == (None if born else "subscription_birth")


@pytest.mark.parametrize("state", REFUND.states)
def test_a_refund_is_born_due_or_paid(paid, state):
    changes = {"status": state, **columns_of_refund(None)[state]}
    born = state in ("due", "paid")

    assert refusal_of(lambda: copy(Refund, Refund.objects.get().pk, **changes)) == (None if born else "refund_birth")


# --- The guards of the database are those that the tables make


def definitions():
    """Return what PostgreSQL says of every trigger that refuses."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid"
            " WHERE proname = 'refuse'"
        )
        return dict(cursor.fetchall())


def test_the_triggers_in_the_database_are_those_that_the_tables_make_now(db):
    before = definitions()
    for guard in ALL_GUARDS:
        sql(guard.drop)
        sql(guard.create.replace("%", "%%"))

    assert set(before) == {guard.name for guard in ALL_GUARDS}
    assert definitions() == before


@pytest.mark.parametrize("guard", [each for each in ALL_GUARDS if each.event != "DELETE"], ids=lambda each: each.name)
def test_a_guard_looks_at_every_update_of_what_it_compares(guard):
    """A change of status alone is what the transitions are about; to others it says when a change is allowed."""
    compared = set.intersection(*(set(re.findall(rf"{side}\.(\w+)", guard.when)) for side in ("OLD", "NEW")))
    looked_at = set(guard.event.removeprefix("UPDATE OF ").split(", "))
    assert compared - looked_at <= (set() if guard.name.endswith("_transition") else {"status"})


# --- Every guard refuses what it is there for

ONE = Decimal("1.00")
CHANGES = [
    ("payment_transition", Payment, {"status": "pending"}),
    ("payment_identity_never_changes", Payment, {"amount": ONE, "unit_price": ONE}),
    ("payment_identity_never_changes", Payment, {"currency": "EUR"}),
    ("payment_identity_never_changes", Payment, {"duration": 2, "unit_price": Decimal("495.00")}),
    ("payment_identity_never_changes", Payment, {"interval": "year"}),
    ("payment_identity_never_changes", Payment, {"provider": "grant"}),
    ("payment_identity_never_changes", Payment, {"created_at": NOON}),
    ("payment_coverage_never_moves", Payment, {"covers_from": DAY}),
    ("payment_coverage_never_moves", Payment, {"covers_to": dt.date(2036, 1, 1)}),
    ("payment_coverage_never_moves", Payment, {"covers_from": None, "covers_to": None}),
    ("payment_coverage_never_moves", Payment, {"taken_back_on": DAY}),
    ("payment_confirmed_facts_stay", Payment, {"receipt_id": None}),
    ("payment_confirmed_facts_stay", Payment, {"confirmed_at": NOON}),
    ("payment_confirmed_facts_stay", Payment, {"shortfall": ONE}),
    ("payment_confirmed_facts_stay", Payment, {"unapplied": True, "covers_from": None, "covers_to": None}),
    ("receipt_identity_never_changes", Receipt, {"amount": Decimal("5000.00")}),
    ("receipt_identity_never_changes", Receipt, {"source": "other", "source_key": "other"}),
    ("receipt_identity_never_changes", Receipt, {"currency": "EUR"}),
    ("receipt_facts_stay", Receipt, {"evidence": "E-2", "evidence_key": "e-2"}),
    ("receipt_facts_stay", Receipt, {"evidence": None, "evidence_key": None}),
    ("receipt_facts_stay", Receipt, {"received_on": DAY}),
    ("receipt_facts_stay", Receipt, {"refunded_amount": 0}),
    ("receipt_allocations_are_counted", Receipt, {"allocated_amount": ONE}),
    ("refund_transition", Refund, {"status": "paid", "evidence": "R", "evidence_key": "r", "paid_at": NOON}),
    ("refund_identity_never_changes", Refund, {"amount": Decimal("2.00")}),
    ("refund_identity_never_changes", Refund, {"reason": "Another"}),
    ("refund_facts_stay", Refund, {"evidence": "R", "evidence_key": "r", "paid_at": NOON}),
    ("reversal_never_changes", Reversal, {"amount": ONE}),
    ("reversal_never_changes", Reversal, {"kind": "moved"}),
    ("allocation_never_changes", Allocation, {"amount": ONE}),
    ("subscription_transition", Subscription, {"status": "pending"}),
    ("subscription_identity_never_changes", Subscription, {"unit_price": ONE}),
    ("subscription_identity_never_changes", Subscription, {"trial_end": DAY}),
    ("subscription_identity_never_changes", Subscription, {"grace_days": 9}),
]
DELETES = [
    ("payment_never_deleted", Payment),
    ("receipt_never_deleted", Receipt),
    ("refund_never_deleted", Refund),
    ("reversal_never_deleted", Reversal),
    ("subscription_never_deleted", Subscription),
    ("allocation_fits_its_payment", Allocation),
]
BIRTHS = [
    ("payment_birth", Payment, {"page_key": "another", "refunded_amount": 0}),
    ("payment_born_without_history", Payment, {"page_key": "another", "refunded_amount": 1}),
    ("receipt_birth", Receipt, {"evidence": None, "evidence_key": None}),
    ("receipt_birth", Receipt, {"evidence": None, "evidence_key": None, "allocated_amount": 0, "refunded_amount": 1}),
    ("refund_birth", Refund, {"status": "canceled"}),
    ("subscription_birth", Subscription, {}),
]


@pytest.fixture
def eventful(paid, staff, moment):
    """Beside Alice's payment one that was reversed, so that there is a row of every kind."""
    free = grant(paid.subscription, 7, "Sorry", by=staff, moment=moment)
    free.reverse(ReversalOrder(kind="mistake", reason="Not for her"), by=staff, moment=moment)
    return paid


def row_of(model, payment):
    return payment if model is Payment else model.objects.get()


@pytest.mark.parametrize(("guard", "model", "changes"), CHANGES)
def test_a_guard_refuses_raw_sql_and_update_and_nothing_changes(eventful, guard, model, changes):
    if guard == "refund_transition":
        with unguarded():
            Refund.objects.update(status="canceled")
            Payment.objects.filter(pk=eventful.pk).update(refunded_amount=0)
    if "refunded_amount" in changes:
        with unguarded():
            sql("UPDATE payments_payment SET status = 'reversed', reversal_kind = 'moved' WHERE receipt_id IS NOT NULL")
            sql("DELETE FROM payments_allocation")
            Receipt.objects.update(refunded_amount=ONE)
    if guard == "subscription_transition":
        brought_into(Subscription, columns_of_subscription, "canceled")
    row, before = row_of(model, eventful), ledger()
    others = [one for one in OF_TABLE[model._meta.db_table] if one.name != guard]

    assert refusal_of(lambda: set_columns(model, row.pk, changes)) in {one.name for one in OF_TABLE[row._meta.db_table]}
    with unguarded(others):
        assert refusal_of(lambda: set_columns(model, row.pk, changes)) == guard
        assert refusal_of(lambda: model.objects.filter(pk=row.pk).update(**changes)) == guard
    assert ledger() == before


@pytest.mark.parametrize(("guard", "model"), DELETES)
def test_nothing_of_money_is_deleted(eventful, guard, model):
    row, before = row_of(model, eventful), ledger()

    assert refusal_of(lambda: sql(f"DELETE FROM {model._meta.db_table} WHERE id = %s", row.pk)) == guard
    assert ledger() == before


@pytest.mark.parametrize(("guard", "model", "changes"), BIRTHS)
def test_nothing_is_born_with_a_past(eventful, bob, guard, model, changes):
    row = row_of(model, eventful)
    if model is Payment:
        changes = changes | {"covers_from": None, "covers_to": None}
    with unguarded(one for one in OF_TABLE[model._meta.db_table] if one.name != guard):
        assert refusal_of(lambda: copy(model, row.pk, **changes)) == guard


def test_every_guard_is_seen_to_refuse():
    seen = {case[0] for case in [*CHANGES, *DELETES, *BIRTHS]}
    assert {guard.name for guard in ALL_GUARDS} <= seen


def test_coverage_is_shortened_once_and_never_lengthened(paid):
    def shorten(day):
        set_columns(Payment, paid.pk, {"covers_to": day, "taken_back_on": day})

    day = paid.covers_from + dt.timedelta(days=5)
    shorten(day)
    for another in (day - dt.timedelta(days=1), day + dt.timedelta(days=1)):
        assert refusal_of(lambda day=another: shorten(day)) == "payment_coverage_never_moves"
    back = {"covers_to": paid.covers_to, "taken_back_on": None}
    assert refusal_of(lambda: set_columns(Payment, paid.pk, back)) == "payment_coverage_never_moves"


def test_days_that_were_kept_are_not_granted_anew_by_confirming_again(paid):
    sql("UPDATE payments_payment SET status = 'reversed', reversal_kind = 'mistake'")
    again = {"status": "confirmed", "reversal_kind": None}

    assert refusal_of(lambda: set_columns(Payment, paid.pk, again)) is None
    moved = again | {"covers_from": LAST, "covers_to": dt.date(2020, 3, 1)}
    assert refusal_of(lambda: set_columns(Payment, paid.pk, moved)) == "payment_coverage_never_moves"


def test_a_receipt_takes_what_was_not_known_and_loses_no_more_than_its_reversals_say(paid):
    with unguarded():
        Receipt.objects.update(evidence=None, evidence_key=None, received_on=None)
    receipt = Receipt.objects.get()

    changes = {"evidence": "E-9", "evidence_key": "e-9", "received_on": DAY}
    assert refusal_of(lambda: set_columns(Receipt, receipt.pk, changes)) is None
    assert refusal_at_the_end(lambda: release(receipt, paid)) == "receipt_reversals_agree"


def release(receipt, payment):
    """Reverse a payment by hand, with more lost than the reversal says."""
    set_columns(Payment, payment.pk, {"status": "reversed", "reversal_kind": "mistake"})
    sql("DELETE FROM payments_allocation")
    set_columns(Receipt, receipt.pk, {"reversed_amount": ONE})


def refusal_at_the_end(act):
    """Return the name of what refuses the act when the transaction would be committed."""

    def and_look():
        act()
        sql("SET CONSTRAINTS ALL IMMEDIATE")

    return refusal_of(and_look)


def test_what_was_given_back_is_the_sum_of_the_refunds(paid):
    change = {"refunded_amount": Decimal("2.00")}
    assert refusal_at_the_end(lambda: set_columns(Payment, paid.pk, change)) == "payment_refunds_agree"
    assert refusal_at_the_end(lambda: copy(Refund, Refund.objects.get().pk)) == "payment_refunds_agree"


def test_only_a_confirmed_payment_is_settled(paid, moment):
    waiting = PaymentFactory(subscription=paid.subscription)
    allocate = {"payment_id": waiting.pk, "amount": ONE}
    assert (
        refusal_of(lambda: copy(Allocation, Allocation.objects.get().pk, **allocate)) == "allocation_fits_its_payment"
    )
