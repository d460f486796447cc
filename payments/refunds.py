"""Refunds: money given back. It is due until there is evidence that it went out, then paid."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from api.expectations import ANY, Expectation, row_values, version_of
from api.keys import KeyField, text_key
from api.problems import TransitionNotAllowed
from billing_time.clock import Moment

from .problems import ConfirmedDifferently, EvidenceAlreadyUsed, OwnPayment, RefundExceedsPayment
from .receipts import AMOUNT
from .states import REFUND, Status

if TYPE_CHECKING:
    from .models import Payment


class CoverageChoice(models.TextChoices):
    """What becomes of the days that the payment paid for."""

    KEEP = "keep", gettext_lazy("keep the paid days")
    TAKE_BACK = "take_back", gettext_lazy("take back the days to come")


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """What is to be given back: without an amount all that is left, which takes the days back unless told otherwise."""

    reason: str
    amount: Decimal | None = None
    coverage: str | None = None
    evidence: str | None = None
    ending: str | None = None
    """The reason for which the subscription ends with it, whatever other days are covered; None where it need not."""

    @property
    def takes_back(self) -> bool:
        """Whether the days to come go as well."""
        default = CoverageChoice.TAKE_BACK if self.amount is None else CoverageChoice.KEEP
        return (self.coverage or default) == CoverageChoice.TAKE_BACK

    def amount_of(self, payment: "Payment") -> Decimal:
        """Return how much, or raise what speaks against it. The caller holds the payment's lock."""
        if payment.status not in (Status.CONFIRMED, Status.REFUNDED):
            raise TransitionNotAllowed(_("Only a confirmed payment can be refunded."))
        left = payment.refundable_amount
        amount = left if self.amount is None else self.amount
        if amount <= 0 or amount > left:
            raise RefundExceedsPayment.over(left, payment.currency)
        return amount

    def repeated(self, payment: "Payment") -> "Refund | None":
        """Return the refund of the payment with the same evidence; raise EvidenceAlreadyUsed for another amount."""
        if self.evidence is None:
            return None
        found: Refund | None = payment.refunds.filter(evidence_key=text_key(self.evidence)).first()
        if found and self.amount not in (None, found.amount):
            raise EvidenceAlreadyUsed
        return found


class RefundQuerySet(models.QuerySet["Refund"]):
    """Refunds by what is left to do."""

    def due(self) -> "RefundQuerySet":
        """Return those that are still to be paid out."""
        return self.filter(status=Refund.Status.DUE)


class Refund(models.Model):
    """Money given back of one payment."""

    class Status(models.TextChoices):
        """The states of a refund."""

        DUE = "due", gettext_lazy("to be paid out")
        PAID = "paid", gettext_lazy("paid out")
        CANCELED = "canceled", gettext_lazy("not owed any more")

    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, related_name="refunds", verbose_name=gettext_lazy("payment")
    )
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="refunds", db_index=False, verbose_name=gettext_lazy("user")
    )
    amount = models.DecimalField(gettext_lazy("amount"), **AMOUNT)
    currency = models.CharField(gettext_lazy("currency"), max_length=3)
    status = models.CharField(gettext_lazy("status"), max_length=8, choices=Status.choices, default=Status.DUE)
    coverage = models.CharField(gettext_lazy("paid days"), max_length=9, choices=CoverageChoice.choices)
    reason = models.CharField(gettext_lazy("reason"), max_length=500)
    evidence = models.CharField(gettext_lazy("evidence"), max_length=200, null=True)  # noqa: DJ001  (absent is a fact)
    evidence_key = KeyField(max_length=800, source="evidence", fold=text_key)
    paid_at = models.DateTimeField(gettext_lazy("paid out"), null=True)
    recorded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", verbose_name=gettext_lazy("recorded by")
    )
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now)

    objects = RefundQuerySet.as_manager()

    if TYPE_CHECKING:
        payment_id: int
        user_id: int

    class Meta:
        verbose_name = gettext_lazy("refund")
        verbose_name_plural = gettext_lazy("refunds")
        constraints = [
            models.UniqueConstraint(fields=["payment", "evidence_key"], name="refund_evidence_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
            models.CheckConstraint(condition=Q(status__in=REFUND.states), name="refund_status_known"),
            models.CheckConstraint(condition=Q(coverage__in=CoverageChoice.values), name="refund_coverage_known"),
            models.CheckConstraint(
                condition=Q(status="paid", evidence__isnull=False, evidence_key__isnull=False, paid_at__isnull=False)
                | (~Q(status="paid") & Q(evidence__isnull=True, evidence_key__isnull=True, paid_at__isnull=True)),
                name="refund_paid_has_evidence",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "id"], name="refund_user_id"),
            models.Index(fields=["id"], condition=Q(status="due"), name="refund_due"),
            models.Index(fields=["id"], condition=Q(status="canceled"), name="refund_canceled"),
            models.Index(fields=["coverage", "id"], name="refund_coverage"),
            models.Index(fields=["currency", "id"], name="refund_currency"),
            models.Index(fields=["created_at", "id"], name="refund_created"),
            models.Index(fields=["paid_at", "id"], name="refund_paid_at"),
            GinIndex(OpClass(F("evidence_key"), name="gin_trgm_ops"), name="refund_search"),
            models.Index(fields=["paid_at"], condition=Q(status="paid"), name="refund_paid"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @classmethod
    def record(cls, payment: "Payment", order: RefundOrder, amount: Decimal, by: User, moment: Moment) -> "Refund":
        """Record what is given back, as paid where there is evidence."""
        refund = cls(
            payment=payment,
            user_id=payment.user_id,
            amount=amount,
            currency=payment.currency,
            coverage=CoverageChoice.TAKE_BACK if order.takes_back else CoverageChoice.KEEP,
            reason=order.reason,
            recorded_by=by,
            created_at=moment.now,
        )
        if order.evidence:
            refund.become_paid(order.evidence, moment)
        refund.save(force_insert=True)
        return refund

    def version(self, moment: Moment) -> str:
        """Return the name of what is shown of it: another one as soon as anything of that is."""
        return version_of("refund", *row_values(self))

    def become_paid(self, evidence: str, moment: Moment) -> None:
        """Take the evidence that it went out; not saved yet."""
        self.status, self.evidence, self.paid_at = self.Status.PAID, evidence.strip(), moment.now

    def pay(self, evidence: str, *, by: User, moment: Moment, expected: Expectation = ANY) -> bool:
        """Record that it was paid out. Return False where that is known by the same evidence: a retry is harmless.

        Locks the payment, then this row. Raise OwnPayment, ConfirmedDifferently for another evidence,
        PreconditionFailed, TransitionNotAllowed for what is not owed any more, EvidenceAlreadyUsed.
        """
        if by.pk == self.user_id:
            raise OwnPayment
        with transaction.atomic():
            type(self.payment).objects.locked().get(pk=self.payment_id)
            self.refresh_from_db(from_queryset=Refund.objects.select_for_update(no_key=True))
            if self.status == self.Status.PAID:
                if self.evidence_key != text_key(evidence):
                    raise ConfirmedDifferently(_("It was paid out with another evidence."))
                return False
            expected.check(self, moment)
            if not REFUND.allows(self.status, self.Status.PAID):
                raise TransitionNotAllowed
            if self.payment.refunds.filter(evidence_key=text_key(evidence)).exists():
                raise EvidenceAlreadyUsed
            self.become_paid(evidence, moment)
            self.save(update_fields=["status", "evidence", "evidence_key", "paid_at"])
        return True


def total(rows: Any) -> Decimal:
    """Return the sum of the refunds; zero for none."""
    return sum((refund.amount for refund in rows), Decimal("0.00"))
