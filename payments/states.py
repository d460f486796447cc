"""The states of a payment and of what happens to its money, the one table of its steps, and what else is refused."""

from django.db import models

from states.guards import Guard, never_changes, never_deleted, row, update_of
from states.machine import Birth, StateMachine, Step


class Status(models.TextChoices):
    """The states of a payment."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REVERSED = "reversed"


TABLE = "payments_payment"
PAYMENT = StateMachine(
    "payment",
    TABLE,
    births=(
        Birth(Status.PENDING, ("check_out",)),
        Birth(Status.CONFIRMED, ("grant",), only="NEW.provider = 'grant' AND NEW.amount = 0"),
    ),
    steps=(
        Step(Status.PENDING, Status.CONFIRMED, ("confirm",)),
        Step(Status.PENDING, Status.CANCELED, ("cancel", "check_out")),
        Step(Status.PENDING, Status.EXPIRED, ("expire",)),
        Step(Status.CANCELED, Status.CONFIRMED, ("confirm",)),
        Step(Status.EXPIRED, Status.CONFIRMED, ("confirm",)),
        Step(Status.REVERSED, Status.CONFIRMED, ("confirm",)),
        Step(Status.CONFIRMED, Status.REFUNDED, ("refund",)),
        Step(Status.CONFIRMED, Status.REVERSED, ("reverse", "confirm")),
    ),
)

# Money may still come for these, with evidence that it did.
LATE = tuple(Status(state) for state in PAYMENT.before(Status.CONFIRMED) if state != Status.PENDING)

CONFIRMING = "(NEW.status = 'confirmed' AND OLD.status <> 'confirmed')"
COVERAGE = ("covers_from", "covers_to", "taken_back_on")
FACTS = ("receipt_id", "confirmed_at", "confirmed_by_id", "shortfall")
IDENTITY = (
    "id", "user_id", "subscription_id", "plan_name", "amount", "currency", "unit_price", "duration", "interval",
    "interval_count", "provider", "page_key", "created_at",
)  # fmt: skip
# Coverage is granted by confirming, anew only where it had been taken back; and taken back once, from a day on.
GRANTED = f"{CONFIRMING} AND (OLD.covers_from IS NULL OR OLD.taken_back_on IS NOT NULL) AND NEW.taken_back_on IS NULL"
TAKEN_BACK = (
    "OLD.status = 'confirmed' AND OLD.covers_from IS NOT NULL AND OLD.taken_back_on IS NULL"
    " AND ((NEW.covers_from, NEW.covers_to) IS NOT DISTINCT FROM (OLD.covers_from, NEW.taken_back_on)"
    " AND NEW.taken_back_on < OLD.covers_to"
    " OR NEW.covers_from IS NULL AND NEW.covers_to IS NULL AND NEW.taken_back_on = OLD.covers_from)"
)

PAYMENT_GUARDS: list[Guard] = [
    *PAYMENT.guards(),
    Guard(
        "payment_born_without_history",
        TABLE,
        "INSERT",
        "NEW.refunded_amount <> 0 OR NEW.taken_back_on IS NOT NULL OR NEW.unapplied OR NEW.shortfall <> 0",
        "nothing has happened yet to the money of a new payment",
    ),
    never_changes(
        "payment_identity_never_changes",
        TABLE,
        IDENTITY,
        "whose a payment is, for what, and how much never change",
    ),
    Guard(
        "payment_confirmed_facts_stay",
        TABLE,
        update_of((*FACTS, "unapplied")),
        f"{row('OLD', FACTS)} IS DISTINCT FROM {row('NEW', FACTS)} AND NOT {CONFIRMING}"
        f" OR NEW.unapplied AND NOT OLD.unapplied AND NOT {CONFIRMING}"
        " OR OLD.unapplied AND NOT NEW.unapplied AND NEW.status = OLD.status",
        "what was confirmed, by whom and with which money stays",
    ),
    Guard(
        "payment_coverage_never_moves",
        TABLE,
        update_of(COVERAGE),
        f"{row('OLD', COVERAGE)} IS DISTINCT FROM {row('NEW', COVERAGE)}"
        f" AND ({GRANTED}) IS NOT TRUE AND ({TAKEN_BACK}) IS NOT TRUE",
        "coverage is granted once and at most shortened once",
    ),
    never_deleted("payment", TABLE),
]

RECEIPT_GUARDS: list[Guard] = [
    Guard(
        "receipt_birth",
        "payments_receipt",
        "INSERT",
        "NEW.allocated_amount <> 0 OR NEW.reversed_amount <> 0 OR NEW.refunded_amount <> 0"
        " OR NEW.voided_at IS NOT NULL",
        "nothing has happened yet to money that comes in",
    ),
    never_changes(
        "receipt_identity_never_changes",
        "payments_receipt",
        ("id", "user_id", "source", "source_key", "amount", "currency", "recorded_by_id", "created_at"),
        "whose money it is, how much and from where never change",
    ),
    Guard(
        "receipt_facts_stay",
        "payments_receipt",
        update_of(("evidence", "evidence_key", "received_on", "voided_at", "reversed_amount", "refunded_amount")),
        "OLD.evidence IS NOT NULL"
        " AND (OLD.evidence, OLD.evidence_key) IS DISTINCT FROM (NEW.evidence, NEW.evidence_key)"
        " OR OLD.received_on IS NOT NULL AND OLD.received_on IS DISTINCT FROM NEW.received_on"
        " OR OLD.voided_at IS NOT NULL AND OLD.voided_at IS DISTINCT FROM NEW.voided_at"
        " OR NEW.reversed_amount < OLD.reversed_amount"
        " OR NEW.refunded_amount < OLD.refunded_amount AND NEW.reversed_amount = OLD.reversed_amount",
        "what is known of money that came in stays",
    ),
    Guard(
        "receipt_allocations_are_counted",
        "payments_receipt",
        update_of(["allocated_amount"]),
        "NEW.allocated_amount <> OLD.allocated_amount AND pg_trigger_depth() = 0",
        "what is allocated is counted from the allocations alone",
    ),
    never_deleted("receipt", "payments_receipt"),
]

REFUND = StateMachine(
    "refund",
    "payments_refund",
    births=(Birth("due", ("refund",)), Birth("paid", ("refund",))),
    steps=(Step("due", "paid", ("pay",)), Step("due", "canceled", ("reverse",))),
)
REFUND_GUARDS: list[Guard] = [
    *REFUND.guards(),
    never_changes(
        "refund_identity_never_changes",
        "payments_refund",
        ("id", "payment_id", "user_id", "amount", "currency", "coverage", "reason", "recorded_by_id", "created_at"),
        "what was given back, of which payment and why never change",
    ),
    Guard(
        "refund_facts_stay",
        "payments_refund",
        update_of(("evidence", "evidence_key", "paid_at")),
        f"NEW.status = OLD.status AND {row('OLD', ('evidence', 'evidence_key', 'paid_at'))}"
        f" IS DISTINCT FROM {row('NEW', ('evidence', 'evidence_key', 'paid_at'))}",
        "the evidence of a refund stays",
    ),
    never_deleted("refund", "payments_refund"),
]
REVERSAL_GUARDS: list[Guard] = [
    Guard("reversal_never_changes", "payments_reversal", "UPDATE", "true", "a reversal never changes"),
    never_deleted("reversal", "payments_reversal"),
]
ALLOCATION_GUARDS: list[Guard] = [
    Guard("allocation_never_changes", "payments_allocation", "UPDATE", "true", "an allocation never changes"),
]
GUARDS = [*PAYMENT_GUARDS, *RECEIPT_GUARDS, *REFUND_GUARDS, *REVERSAL_GUARDS, *ALLOCATION_GUARDS]
