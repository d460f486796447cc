"""What may never happen is refused by PostgreSQL, whoever writes: here raw updates try it."""

import datetime as dt
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import Error, IntegrityError, connection, transaction
from stdnum.iso11649 import is_valid

from accounts.models import User
from payments.models import Allocation, Facts, Payment, Receipt, ReversalOrder
from payments.tests.factories import PaymentFactory
from subscriptions.models import Plan, Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.unguarded import unguarded

DAY = dt.date(2027, 1, 1)
NOON = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def confirmed(payment, staff, moment):
    payment.confirm(Facts(evidence="E-1"), by=staff, moment=moment)
    payment.refresh_from_db()
    return payment


def refused(constraint, rows, **changes):
    """Assert that PostgreSQL refuses the update in the name of the constraint, with the guards before it taken away."""
    with pytest.raises(Error) as caught, transaction.atomic(), unguarded():
        rows.update(**changes)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert caught.value.__cause__.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("payment_status_known", {"status": "paid"}),
        ("payment_amount_follows", {"amount": Decimal("1.00")}),
        ("payment_amount_positive", {"amount": 0, "unit_price": 0}),
        ("payment_currency_code", {"currency": "rub"}),
        ("payment_interval_known", {"interval": "eon"}),
        ("payment_duration", {"duration": 121, "amount": Decimal("119790.00")}),
        ("payment_provider_known", {"provider": "gold"}),
        ("payment_unconfirmed_covers_nothing", {"covers_from": DAY, "covers_to": DAY + dt.timedelta(days=31)}),
        ("payment_coverage_whole", {"covers_from": DAY}),
        ("payment_coverage_whole", {"covers_to": DAY}),
        ("payment_coverage_follows_terms", {"covers_from": DAY, "covers_to": DAY + dt.timedelta(days=35)}),
        ("payment_coverage_follows_terms", {"covers_from": DAY, "covers_to": DAY + dt.timedelta(days=30)}),
        ("payment_coverage_follows_terms", {"covers_from": DAY, "covers_to": DAY}),
        ("payment_confirmed_by_somebody", {"status": "confirmed"}),
        ("payment_unapplied_covers_nothing", {"unapplied": True}),
        ("payment_refunds_within", {"refunded_amount": Decimal("990.01")}),
        ("payment_shortfall", {"shortfall": Decimal("990.00")}),
    ],
)
def test_a_pending_payment_cannot_become(payment, constraint, changes):
    refused(constraint, Payment.objects.filter(pk=payment.pk), **changes)


def test_a_payment_stays_on_a_subscription_of_its_user(payment, bob):
    refused("payment_of_subscription_owner", Payment.objects.filter(pk=payment.pk), user=bob)


def test_paid_days_of_a_subscription_never_overlap(confirmed, staff, moment):
    second = PaymentFactory(subscription=confirmed.subscription)
    second.confirm(Facts(), by=staff, moment=moment)

    refused(
        "payment_coverage_never_overlaps",
        Payment.objects.filter(pk=second.pk),
        covers_from=confirmed.covers_to - dt.timedelta(days=1),
    )


def test_a_subscription_has_one_pending_payment(payment, moment):
    assert payment.cancel(moment)
    PaymentFactory(subscription=payment.subscription)

    refused("one_pending_payment_per_subscription", Payment.objects.filter(pk=payment.pk), status="pending")


def test_a_user_has_one_live_subscription_for_a_plan(subscription, moment):
    subscription.cancel(moment, now=True)
    SubscriptionFactory(user=subscription.user, plan=subscription.plan)

    refused(
        "one_live_subscription_per_user_and_plan",
        Subscription.objects.filter(pk=subscription.pk),
        status="pending",
    )


def test_evidence_is_unique_within_its_source(confirmed, alice):
    other = Receipt.objects.create(user=alice, source="manual", amount=1, currency="RUB")

    refused("receipt_evidence_unique", Receipt.objects.filter(pk=other.pk), evidence="e-1", evidence_key="e-1")


def test_a_receipt_is_never_overdrawn(confirmed, alice, plan, moment):
    receipt = confirmed.receipt
    other = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory()))

    with pytest.raises(IntegrityError, match="receipt_never_overdrawn"), transaction.atomic(), unguarded():
        Payment.objects.filter(pk=other.pk).update(
            status="confirmed", receipt=receipt, confirmed_at=NOON, confirmed_by=receipt.recorded_by
        )
        receipt.allocate(other, Decimal("0.01"))
    receipt.refresh_from_db()
    assert receipt.allocated_amount == receipt.amount


def test_the_database_counts_what_is_allocated(confirmed, staff, moment):
    assert Receipt.objects.get().allocated_amount == confirmed.amount
    confirmed.reverse(ReversalOrder(kind="returned_by_bank", reason="Returned"), by=staff, moment=moment)
    assert not Allocation.objects.exists()
    assert Receipt.objects.get().allocated_amount == 0


@pytest.mark.parametrize(
    ("constraint", "model", "changes"),
    [
        ("payment_of_subscription_owner", Payment, {"subscription": 0}),
        ("payment_of_receipt_owner", Payment, {"receipt": 0}),
        ("allocation_of_receipt_owner", Allocation, {"receipt": 0}),
        ("allocation_of_payment_owner", Allocation, {"payment": 0}),
        ("allocation_of_payment_owner", Allocation, {"user": 0}),
    ],
)
def test_what_a_row_refers_to_is_there(confirmed, constraint, model, changes):
    refused(constraint, model.objects.all(), **changes)


def test_every_reference_has_a_key_in_the_database(db):
    """Its own, or one together with whose row it is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, attname FROM pg_constraint"
            " JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)"
            " WHERE contype = 'f' AND convalidated AND conrelid::regclass::text LIKE 'payments%%'"
        )
        kept = set(cursor.fetchall())
    fields = [field for model in apps.get_app_config("payments").get_models() for field in model._meta.fields]
    assert {(field.model._meta.db_table, field.column) for field in fields if field.remote_field} <= kept


def test_an_allocation_stays_within_one_user_and_currency(confirmed, bob):
    refused("allocation_of_payment_owner", Allocation.objects.all(), user=bob)
    refused("allocation_of_payment_owner", Allocation.objects.all(), currency="EUR")


@pytest.mark.parametrize(
    "changes", [{"interval": "year"}, {"interval_count": 2}, {"currency": "EUR"}, {"name": "other"}]
)
def test_name_interval_count_and_currency_of_a_plan_never_change(plan, changes):
    refused("plan_identity_never_changes", Plan.objects.filter(pk="pro"), **changes)


def test_price_grace_and_trial_of_a_plan_do(plan):
    assert Plan.objects.filter(pk="pro").update(price=1, grace_days=0, trial_days=30) == 1


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("plan_price_positive", {"price": 0}),
        ("plan_grace_within_interval", {"grace_days": 28}),
        ("plan_trial_days", {"trial_days": 367}),
    ],
)
def test_a_plan_cannot_have(plan, constraint, changes):
    refused(constraint, Plan.objects.filter(pk="pro"), **changes)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("subscription_status_known", {"status": "paused"}),
        ("subscription_active_has_coverage", {"status": "active"}),
        ("subscription_active_has_coverage", {"status": "past_due"}),
        ("subscription_trialing_has_trial", {"status": "trialing"}),
        (
            "subscription_trialing_has_trial",
            {"status": "trialing", "trial_end": LONG_AGO, "access_until": LONG_AGO, "end_date": None},
        ),
        (
            "subscription_active_has_coverage",
            {"status": "active", "covered_until": DAY, "access_until": NOON, "anchor_day": 1, "end_date": None},
        ),
        ("subscription_pending_has_no_access", {"covered_until": DAY}),
        ("subscription_access_follows_term", {"access_until": NOON}),
        ("subscription_trial_days", {"trial_days": 367}),
        ("subscription_trial_follows_start", {"trial_end": DAY, "start_date": DAY, "end_date": DAY, "trial_days": -1}),
        ("subscription_dates_in_order", {"end_date": dt.date(2020, 1, 1)}),
        ("subscription_duration", {"duration": 121}),
        ("subscription_price_positive", {"unit_price": 0}),
        ("subscription_grace_within_interval", {"grace_days": 31}),
        ("subscription_anchor_day", {"anchor_day": 32}),
    ],
)
def test_a_pending_subscription_cannot_become(subscription, constraint, changes):
    refused(constraint, Subscription.objects.filter(pk=subscription.pk), **changes)


def test_what_is_canceled_gives_no_access(confirmed):
    rows = Subscription.objects.filter(pk=confirmed.subscription_id)
    refused("subscription_canceled_has_no_access", rows, status="canceled")


@pytest.mark.parametrize("model", [User, Subscription, Payment, Receipt])
def test_nothing_that_money_hangs_on_is_deleted(confirmed, model):
    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("number", [1, 31, 96, 97, 98, 123456, 1234567, 2**62])
def test_every_payment_has_a_valid_iso_11649_reference_from_the_database(payment, number):
    with unguarded():
        Payment.objects.filter(pk=payment.pk).update(id=number)
    reference = Payment.objects.get(pk=number).reference

    assert is_valid(reference)
    assert reference[4:].lstrip("0") == str(number)


# --- What is compared at the end of a transaction, and between tables


def refused_at_the_end(constraint, *statements):
    """Assert that PostgreSQL refuses the statements in the name of the constraint, at the latest at the end."""
    with pytest.raises(Error) as caught, transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert caught.value.__cause__.diag.constraint_name == constraint


CONFIRM = """UPDATE payments_payment SET status = 'confirmed', confirmed_at = now(), confirmed_by_id = {by},
    receipt_id = {receipt}, covers_from = '2027-01-01', covers_to = '2027-02-01' WHERE status = 'pending'"""


def test_nobody_confirms_their_own_payment_in_sql_either(payment, confirmed_of_bob):
    statement = CONFIRM.format(by=payment.user_id, receipt=confirmed_of_bob.receipt_id)
    refused_at_the_end("payment_confirmed_by_another", statement)


def test_another_users_money_confirms_nothing(payment, confirmed_of_bob, staff):
    refused_at_the_end("payment_of_receipt_owner", CONFIRM.format(by=staff.pk, receipt=confirmed_of_bob.receipt_id))


def test_a_payment_that_nothing_settles_is_not_confirmed(payment, staff, alice):
    receipt = Receipt.objects.create(user=alice, source="manual", amount=990, currency="RUB")
    refused_at_the_end("payment_money_agrees", CONFIRM.format(by=staff.pk, receipt=receipt.pk))


def test_a_payment_is_not_reversed_without_a_reversal(confirmed):
    refused_at_the_end(
        "payment_money_agrees",
        "UPDATE payments_payment SET status = 'reversed', reversal_kind = 'mistake'",
        "DELETE FROM payments_allocation",
    )


def test_money_of_a_receipt_is_not_given_back_without_a_refund(confirmed, payment, staff, moment, alice, plan):
    receipt = Receipt.objects.create(user=alice, source="manual", amount=990, currency="RUB")
    refused_at_the_end(
        "receipt_refunds_agree", f"UPDATE payments_receipt SET refunded_amount = 1 WHERE id = {receipt.pk}"
    )


def test_evidence_is_not_freed_while_its_money_counts(confirmed):
    refused("receipt_void_is_lost", Receipt.objects.all(), voided_at=NOON)


def test_a_grant_costs_nothing(payment):
    refused("payment_amount_positive", Payment.objects.all(), provider="grant")


def test_no_subscription_is_covered_without_a_payment(subscription):
    refused_at_the_end(
        "subscription_coverage_agrees",
        "UPDATE subscriptions_subscription SET status = 'active', start_date = '2027-01-01', end_date = '2027-02-01',"
        " covered_until = '2027-02-01', access_until = '2027-02-01', anchor_day = 1",
    )


def test_nor_longer_than_its_payments_say(confirmed):
    refused_at_the_end(
        "subscription_coverage_agrees",
        "UPDATE subscriptions_subscription SET end_date = '2099-01-01', covered_until = '2099-01-01'",
    )


def test_nor_does_it_give_access_longer_than_its_grace(confirmed):
    refused("subscription_access_follows_term", Subscription.objects.all(), access_until=NOON.replace(year=2099))


def test_what_is_confirmed_has_a_receipt(payment, staff):
    refused("payment_confirmed_has_receipt", Payment.objects.all(), status="confirmed", confirmed_by=staff)


def test_a_grant_is_of_days(payment):
    refused("payment_grant_is_days", Payment.objects.all(), provider="grant", amount=0, unit_price=0)


def test_a_payment_is_asked_for_on_the_terms_of_its_subscription(payment):
    columns = "user_id, subscription_id, plan_name, status, currency, duration, interval_count, provider, expires_at,"
    columns += " unapplied, shortfall, refunded_amount, created_at"
    refused_at_the_end(
        "payment_terms_are_agreed",
        f"INSERT INTO payments_payment ({columns}, interval, amount, unit_price, page_key)"
        f" SELECT {columns}, 'year', amount, unit_price, 'another' FROM payments_payment",
    )


def test_a_receipt_is_recorded_by_another_than_its_owner(confirmed, alice):
    refused("receipt_recorded_by_another", Receipt.objects.all(), recorded_by=alice)


def test_a_receipt_of_what_the_bank_took_back_keeps_its_evidence(confirmed, staff, moment):
    confirmed.reverse(ReversalOrder(kind="returned_by_bank", reason="Gone"), by=staff, moment=moment)
    refused_at_the_end("receipt_reversals_agree", "UPDATE payments_receipt SET voided_at = now()")


def test_what_ended_gives_no_access_without_a_payment(subscription):
    refused_at_the_end(
        "subscription_coverage_agrees",
        "UPDATE subscriptions_subscription SET status = 'expired', covered_until = '2099-01-01',"
        " access_until = '2099-01-01'",
    )


@pytest.fixture
def confirmed_of_bob(bob, staff, moment):
    payment = PaymentFactory(subscription=SubscriptionFactory(user=bob, plan=PlanFactory()))
    payment.confirm(Facts(evidence="E-of-Bob"), by=staff, moment=moment)
    return payment


SOLD = """user_id, plan_name, duration, currency, interval, interval_count, trial_days, grace_days, start_date,
    trial_end, pending_until, cancel_reason, created_at"""


def test_a_subscription_is_sold_on_the_terms_of_its_plan(subscription, moment):
    subscription.cancel(moment, now=True)
    refused_at_the_end(
        "subscription_terms_are_the_plans",
        f"INSERT INTO subscriptions_subscription ({SOLD}, status, unit_price)"
        f" SELECT {SOLD}, 'pending', 0.01 FROM subscriptions_subscription",
    )


def test_a_trial_is_had_once(alice, moment):
    SubscriptionFactory(user=alice, plan=PlanFactory(trial_days=7)).cancel(moment, now=True)
    refused_at_the_end(
        "one_trial_per_user_and_plan",
        f"INSERT INTO subscriptions_subscription ({SOLD}, status, unit_price, end_date, access_until)"
        f" SELECT {SOLD}, 'trialing', unit_price, trial_end, trial_end FROM subscriptions_subscription",
    )
