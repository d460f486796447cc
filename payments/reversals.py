"""Reversals: money counted as received was not, or is gone again. What was recorded is undone, not computed anew."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from api.keys import text_key
from billing_time.clock import Moment

from .receipts import AMOUNT, Receipt

if TYPE_CHECKING:
    from .models import Payment


class Kind(models.TextChoices):
    """Why the money does not count any more."""

    MISTAKE = "mistake", gettext_lazy("confirmed by mistake")
    RETURNED_BY_BANK = "returned_by_bank", gettext_lazy("returned by the bank")
    MOVED = "moved", gettext_lazy("moved to another payment")


@dataclass(frozen=True, kw_only=True)
class ReversalOrder:
    """What happened to the money; `evidence` is the bank's id of the entry that took it away."""

    kind: str
    reason: str
    evidence: str | None = None

    def repeats(self, payment: "Payment") -> bool:
        """Tell whether the payment's last reversal has this evidence, or none is given."""
        last = payment.reversals.order_by("pk").last()
        return self.evidence is None or (last is not None and text_key(last.evidence) == text_key(self.evidence))


class Reversal(models.Model):
    """That a payment stopped counting: never changed, never deleted. `amount` is what its receipt lost."""

    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, related_name="reversals", verbose_name=gettext_lazy("payment")
    )
    receipt = models.ForeignKey(
        Receipt,
        on_delete=models.PROTECT,
        null=True,
        related_name="reversals",
        verbose_name=gettext_lazy("receipt"),
    )
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=gettext_lazy("user")
    )
    kind = models.CharField(gettext_lazy("kind"), max_length=20, choices=Kind.choices)
    amount = models.DecimalField(gettext_lazy("amount"), **AMOUNT)
    currency = models.CharField(gettext_lazy("currency"), max_length=3)
    reason = models.CharField(gettext_lazy("reason"), max_length=500, blank=True)
    evidence = models.CharField(gettext_lazy("evidence"), max_length=200, blank=True)
    recorded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", verbose_name=gettext_lazy("recorded by")
    )
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = gettext_lazy("reversal")
        verbose_name_plural = gettext_lazy("reversals")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="reversal_kind_known"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="reversal_amount"),
        ]
        indexes = [
            models.Index(fields=["kind", "id"], name="reversal_kind"),
            models.Index(fields=["currency", "id"], name="reversal_currency"),
            models.Index(fields=["user", "id"], name="reversal_user_id"),
            GinIndex(OpClass(Upper("evidence"), name="gin_trgm_ops"), name="reversal_search"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @classmethod
    def record(cls, payment: "Payment", order: ReversalOrder, lost: Decimal, by: User, moment: Moment) -> "Reversal":
        """Record that the payment stopped counting, and what of its receipt went with it."""
        return cls.objects.create(
            payment=payment,
            receipt_id=payment.receipt_id,
            user_id=payment.user_id,
            kind=order.kind,
            amount=lost,
            currency=payment.currency,
            reason=order.reason,
            evidence=(order.evidence or "").strip(),
            recorded_by=by,
            created_at=moment.now,
        )
