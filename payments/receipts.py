"""Receipts: money that arrived; allocations: what of it settles which payment."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from api.keys import KeyField, text_key
from billing_time.clock import Moment
from prepared.queries import prepared
from prepared.rows import insert

from .problems import AmountMismatch, CurrencyMismatch, EvidenceAlreadyUsed

if TYPE_CHECKING:
    from .models import Payment

AMOUNT: dict[str, Any] = {"max_digits": 14, "decimal_places": 2}
MONEY_LEFT = Q(amount__gt=F("allocated_amount") + F("reversed_amount") + F("refunded_amount"))


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about money that arrived. What is None was not said."""

    amount: Decimal | None = None
    currency: str | None = None
    received_on: dt.date | None = None
    evidence: str | None = None
    source: str | None = None
    note: str = ""
    receipt_id: int | None = None
    """Names money that is on record already, instead of describing it."""
    accept_difference: bool = False
    """Another amount than asked is meant; the note says why."""

    def completed(self, payment: "Payment") -> "CompleteFacts":
        """Return the facts with what the payment says of amount, currency and source where they were left open."""
        return CompleteFacts(
            received_on=self.received_on,
            evidence=self.evidence,
            note=self.note,
            amount=payment.amount if self.amount is None else self.amount,
            currency=self.currency or payment.currency,
            source=self.source or payment.provider,
            accept_difference=self.accept_difference,
        )

    def named(self) -> list[str]:
        """Return the names of the facts of money that are given at all."""
        names = ("amount", "currency", "received_on", "evidence", "source", "receipt_id")
        return [name for name in names if getattr(self, name) is not None]

    def contradicting(self, receipt: "Receipt") -> list[str]:
        """Return the names of the facts, the amount aside, that both give, and give differently."""
        pairs: dict[str, tuple[Any, Any]] = {
            "receipt_id": (self.receipt_id, receipt.pk),
            "currency": (self.currency, receipt.currency),
            "source": (self.source and text_key(self.source), receipt.source_key),
            "evidence": (self.evidence and text_key(self.evidence), receipt.evidence_key),
            "received_on": (self.received_on, receipt.received_on),
        }
        return [name for name, (ours, theirs) in pairs.items() if None not in (ours, theirs) and ours != theirs]


@dataclass(frozen=True, kw_only=True)
class CompleteFacts(Facts):
    """Facts that leave neither amount nor currency nor source open."""

    amount: Decimal
    currency: str
    source: str


@dataclass(frozen=True)
class Money:
    """What of a receipt is there for a payment, and what is missing."""

    receipt: "Receipt"
    amount: Decimal
    shortfall: Decimal


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    """Receipts by owner, evidence and what is left of them."""

    def with_money_left(self, has: bool = True) -> "ReceiptQuerySet":
        """Return those of which something settles nothing yet, or those of which nothing is left."""
        return self.filter(MONEY_LEFT if has else ~MONEY_LEFT)

    def surplus(self) -> "ReceiptQuerySet":
        """Return those with money left beside what they settle; what no payment could use at all lies unapplied."""
        return self.with_money_left().exclude(payments__unapplied=True)

    def for_payment(self, payment: "Payment") -> "ReceiptQuerySet":
        """Return the money of the user in the payment's currency of which something is left, and what settles it."""
        theirs = self.filter(user_id=payment.user_id, currency=payment.currency).order_by("pk")
        own = Q(pk=payment.receipt_id) if payment.status in ("confirmed", "refunded") else Q()
        return theirs.filter(MONEY_LEFT | own)

    def of_entry(self, source: str, evidence: str) -> "ReceiptQuerySet":
        """Return what is recorded of the bank's entry: one at most."""
        return self.with_keys(text_key(evidence), text_key(source))

    def with_keys(self, evidence_key: Any, source_key: Any) -> "ReceiptQuerySet":
        """Return what is recorded of an entry, by the keys of its evidence and source."""
        return self.filter(evidence_key=evidence_key, source_key=source_key, voided_at__isnull=True)

    def with_evidence(self, key: Any) -> "ReceiptQuerySet":
        """Return what is or was recorded with the evidence of this key; each half has an index of its own."""
        return self.filter(Q(evidence_key=key, voided_at__isnull=True) | Q(evidence_key=key, voided_at__isnull=False))

    def locked(self) -> "ReceiptQuerySet":
        """Return them locked until the transaction ends; their payments are locked before them."""
        return self.select_for_update(no_key=True).order_by("pk")


class Receipt(models.Model):
    """Money that arrived. `evidence` is the bank's or provider's id of the entry, unique within its source."""

    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="receipts", db_index=False, verbose_name=gettext_lazy("user")
    )
    source = models.CharField(gettext_lazy("source"), max_length=50)
    source_key = KeyField(max_length=200, source="source", fold=text_key)
    evidence = models.CharField(gettext_lazy("evidence"), max_length=200, null=True)  # noqa: DJ001  (absent is a fact)
    evidence_key = KeyField(max_length=800, source="evidence", fold=text_key)
    amount = models.DecimalField(gettext_lazy("amount"), **AMOUNT)
    currency = models.CharField(gettext_lazy("currency"), max_length=3)
    allocated_amount = models.DecimalField(gettext_lazy("allocated"), **AMOUNT, default=Decimal("0.00"), editable=False)
    reversed_amount = models.DecimalField(
        gettext_lazy("not received after all"), **AMOUNT, default=Decimal("0.00"), editable=False
    )
    refunded_amount = models.DecimalField(
        gettext_lazy("given back unapplied"), **AMOUNT, default=Decimal("0.00"), editable=False
    )
    received_on = models.DateField(gettext_lazy("received on"), null=True)
    note = models.TextField(gettext_lazy("note"), blank=True, max_length=1000)
    recorded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=gettext_lazy("recorded by")
    )
    voided_at = models.DateTimeField(gettext_lazy("void since"), null=True)
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now)

    objects = ReceiptQuerySet.as_manager()

    if TYPE_CHECKING:
        user_id: int
        payments: Any
        allocations: Any

    class Meta:
        verbose_name = gettext_lazy("receipt")
        verbose_name_plural = gettext_lazy("receipts")
        constraints = [
            models.UniqueConstraint(
                fields=["evidence_key", "source_key"],
                condition=Q(evidence_key__isnull=False, voided_at__isnull=True),
                name="receipt_evidence_unique",
            ),
            models.UniqueConstraint(fields=["id", "user", "currency"], name="receipt_owner"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="receipt_amount_positive"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="receipt_currency_code"),
            models.CheckConstraint(condition=Q(source_key__isnull=False), name="receipt_has_source"),
            models.CheckConstraint(
                condition=Q(evidence__isnull=True, evidence_key__isnull=True)
                | Q(evidence__isnull=False, evidence_key__isnull=False),
                name="receipt_evidence_has_key",
            ),
            models.CheckConstraint(
                condition=Q(
                    allocated_amount__gte=0,
                    reversed_amount__gte=0,
                    refunded_amount__gte=0,
                    amount__gte=F("allocated_amount") + F("reversed_amount") + F("refunded_amount"),
                ),
                name="receipt_never_overdrawn",
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True) | Q(reversed_amount=F("amount")), name="receipt_void_is_lost"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "id"], name="receipt_user_id"),
            models.Index(fields=["received_on", "id"], name="receipt_received_on"),
            models.Index(fields=["created_at", "id"], name="receipt_created"),
            models.Index(fields=["id"], condition=MONEY_LEFT, name="receipt_money_left"),
            models.Index(fields=["source_key", "id"], name="receipt_source"),
            models.Index(fields=["id"], condition=Q(evidence__isnull=True), name="receipt_without_evidence"),
            models.Index(fields=["evidence_key"], condition=Q(voided_at__isnull=False), name="receipt_void_evidence"),
            # Found by any part of it; the list of what is to be added is short, so that nobody adds much at once.
            GinIndex(
                OpClass(F("evidence_key"), name="gin_trgm_ops"), name="receipt_search", gin_pending_list_limit=256
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.evidence or self.pk}"

    @classmethod
    def record(cls, payment: "Payment", facts: CompleteFacts, by: User, moment: Moment) -> "Receipt":
        """Record the money that arrived for a payment. Of two at once with one evidence the unique key refuses one."""
        receipt = cls(
            user_id=payment.user_id,
            source=facts.source,
            amount=facts.amount,
            currency=facts.currency,
            received_on=facts.received_on,
            note=facts.note,
            recorded_by=by,
            evidence=facts.evidence and facts.evidence.strip(),
            created_at=moment.now,
        )
        insert(receipt)
        return receipt

    @classmethod
    def known(cls, payment: "Payment", facts: Facts) -> "Receipt | None":
        """Return the money on record that the facts name, by its id or by its evidence; None for new money."""
        if facts.receipt_id is not None:
            return cls.on_record(facts.receipt_id)
        if facts.evidence is None:
            return None
        source = facts.source or payment.provider
        return entries.first(evidence_key=text_key(facts.evidence), source_key=text_key(source))

    @classmethod
    def on_record(cls, pk: int) -> "Receipt":
        """Return the receipt; raise EvidenceAlreadyUsed where there is none, for it is no new money either."""
        if found := cls.objects.filter(pk=pk).first():
            return found
        raise EvidenceAlreadyUsed

    @property
    def unapplied_amount(self) -> Decimal:
        """What of it settles nothing yet, and was not given back."""
        return self.amount - self.allocated_amount - self.reversed_amount - self.refunded_amount

    def money_left_for(self, payment: "Payment", facts: Facts) -> Money:
        """Return what of it can settle one more payment of the user; lock it first, so that it is there.

        Raise EvidenceAlreadyUsed where it is another's, holds too little or is known differently, AmountMismatch or
        CurrencyMismatch where that is not what the payment asks for.
        """
        self.refresh_from_db(from_queryset=Receipt.objects.locked())
        if self.user_id != payment.user_id or facts.contradicting(self):
            raise EvidenceAlreadyUsed
        if self.currency != payment.currency:
            raise CurrencyMismatch(_("This payment is in %(currency)s.") % {"currency": payment.currency})
        if facts.amount not in (None, payment.amount, self.amount) and not facts.accept_difference:
            raise AmountMismatch.between(payment.amount, facts.amount, payment.currency)
        amount = min(payment.amount, self.unapplied_amount)
        if amount <= 0 or (amount < payment.amount and not facts.accept_difference):
            raise EvidenceAlreadyUsed
        return Money(self, amount, payment.amount - amount)

    def take_evidence(self, evidence: str | None) -> None:
        """Take the id of the bank's entry, or raise EvidenceAlreadyUsed; of two at once the unique key refuses one."""
        if evidence is None:
            return
        if Receipt.objects.of_entry(self.source, evidence).exists():
            raise EvidenceAlreadyUsed
        self.evidence = evidence.strip()

    def complete(self, facts: Facts) -> None:
        """Add the evidence and the value date where they were absent. The caller holds the lock."""
        known = (self.evidence, self.received_on)
        if self.evidence is None:
            self.take_evidence(facts.evidence)
        self.received_on = self.received_on or facts.received_on
        if known != (self.evidence, self.received_on):
            self.save(update_fields=["evidence", "evidence_key", "received_on"])

    def lose(self, payment: "Payment", moment: Moment, *, void: bool, unapplied: bool) -> Decimal:
        """Count what of it was there for the payment as not received; return how much. The payment's lock is held.

        What was refunded of `unapplied` money is not counted twice. Where no other payment uses the money all of it
        goes, and with `void` its evidence is free again.
        """
        self.refresh_from_db(from_queryset=Receipt.objects.locked())
        settled = self.take_allocation_of(payment)
        if unapplied:
            self.refunded_amount = Decimal("0.00")
        others = self.payments.exclude(pk=payment.pk).filter(status__in=["confirmed", "refunded"])
        due = settled or min(payment.amount - payment.shortfall, self.unapplied_amount)
        lost = due if others.exists() else self.unapplied_amount
        self.reversed_amount += lost
        if void and self.reversed_amount == self.amount:
            self.voided_at = moment.now
        self.save(update_fields=["reversed_amount", "refunded_amount", "voided_at"])
        return lost

    def give_back(self, amount: Decimal) -> None:
        """Count an amount of it, which settles nothing, as given back. The payment's lock is held."""
        self.refresh_from_db(from_queryset=Receipt.objects.locked())
        self.refunded_amount += amount
        self.save(update_fields=["refunded_amount"])

    def take_allocation_of(self, payment: "Payment") -> Decimal:
        """Undo what it settles of the payment, which is reversed; return how much that was."""
        settled = sum((found.amount for found in self.allocations.filter(payment=payment)), Decimal("0.00"))
        self.allocations.filter(payment=payment).delete()
        self.allocated_amount -= settled
        return settled

    def allocate(self, payment: "Payment", amount: Decimal) -> "Allocation":
        """Settle a payment with part of this money; a trigger keeps the total, a CHECK its bounds."""
        allocation = Allocation(
            receipt=self, payment=payment, user_id=self.user_id, currency=self.currency, amount=amount
        )
        insert(allocation)
        self.allocated_amount += amount
        return allocation


class Allocation(models.Model):
    """What of a receipt settles which payment: within one user and currency.

    Composite foreign keys see to it (allocation_of_receipt_owner, allocation_of_payment_owner), so no other ones do.
    """

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="allocations", db_constraint=False)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, related_name="allocations", db_constraint=False
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(**AMOUNT)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = gettext_lazy("allocation")
        verbose_name_plural = gettext_lazy("allocations")
        constraints = [
            models.UniqueConstraint(fields=["receipt", "payment"], name="allocation_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.receipt_id} → {self.payment_id}"


@prepared
def entries(evidence_key: Any, source_key: Any) -> Any:
    """Return what is recorded of a bank's entry."""
    return Receipt.objects.with_keys(evidence_key, source_key)
