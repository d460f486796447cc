"""Payments: money asked for. Confirming one is the one act that turns money received into coverage."""

import secrets
from decimal import Decimal
from typing import TYPE_CHECKING

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from billing_time.clock import Moment
from billing_time.terms import Interval, Term
from subscriptions.models import CURRENCY, INTERVALS, MAX_DURATION, Coverage, Plan, Subscription
from subscriptions.problems import TooFarAhead
from subscriptions.querysets import LIVE
from subscriptions.querysets import Status as SubscriptionStatus

from .problems import AmountMismatch, ConfirmedDifferently, CurrencyMismatch, OwnPayment, PaymentNotPending
from .querysets import LATE, PaymentQuerySet, Status
from .receipts import AMOUNT, Allocation, CompleteFacts, Facts, Receipt

__all__ = ["Allocation", "Facts", "Payment", "Receipt"]


class Provider(models.TextChoices):
    """How the money comes."""

    MANUAL = "manual", gettext_lazy("bank transfer")
    GRANT = "grant", gettext_lazy("free time")


class CreditorReference(Func):
    """The ISO 11649 reference of an id: `RF`, two check digits modulo 97 (with R = 27, F = 15), at least six digits."""

    template = (
        "('RF' || lpad((98 - mod(%(expressions)s::numeric * 1000000 + 271500, 97))::text, 2, '0')"
        " || lpad(%(expressions)s::text, greatest(6, length(%(expressions)s::text)), '0'))"
    )
    output_field = models.CharField(max_length=25)


class DateRange(Func):
    """The half-open range of two days."""

    function = "DATERANGE"
    output_field = DateRangeField()


def new_page_key() -> str:
    """Return a key of 128 bits that nobody guesses."""
    return secrets.token_urlsafe(16)


class Payment(models.Model):
    """Money asked for, on terms of its own: they hold whatever plan or subscription say by the time it comes."""

    Status = Status

    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="payments", db_index=False, verbose_name=gettext_lazy("user")
    )
    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.PROTECT,
        related_name="payments",
        db_index=False,
        verbose_name=gettext_lazy("subscription"),
    )
    plan = models.ForeignKey(
        Plan,
        on_delete=models.PROTECT,
        related_name="payments",
        db_column="plan_name",
        db_index=False,
        verbose_name=gettext_lazy("plan"),
    )
    status = models.CharField(
        gettext_lazy("status"),
        max_length=9,
        default=Status.PENDING,
        choices=[
            (Status.PENDING, gettext_lazy("waiting for confirmation")),
            (Status.CONFIRMED, gettext_lazy("confirmed")),
            (Status.CANCELED, gettext_lazy("canceled")),
            (Status.EXPIRED, gettext_lazy("expired")),
            (Status.REFUNDED, gettext_lazy("refunded")),
            (Status.REVERSED, gettext_lazy("reversed")),
        ],
    )
    amount = models.DecimalField(gettext_lazy("amount"), **AMOUNT)
    currency = models.CharField(gettext_lazy("currency"), max_length=3)
    unit_price = models.DecimalField(gettext_lazy("unit price"), **AMOUNT)
    duration = models.PositiveSmallIntegerField(
        gettext_lazy("duration"), validators=[MinValueValidator(1), MaxValueValidator(MAX_DURATION)]
    )
    interval = models.CharField(gettext_lazy("interval"), max_length=5, choices=Interval.choices)
    interval_count = models.PositiveSmallIntegerField(gettext_lazy("intervals"))
    provider = models.CharField(
        gettext_lazy("provider"), max_length=20, choices=Provider.choices, default=Provider.MANUAL
    )
    reference = models.GeneratedField(
        expression=CreditorReference(F("id")),
        output_field=models.CharField(max_length=25),
        db_persist=True,
        unique=True,
        verbose_name=gettext_lazy("reference"),
    )
    page_key = models.CharField(max_length=22, unique=True, default=new_page_key, editable=False)
    expires_at = models.DateTimeField(gettext_lazy("expires"))
    covers_from = models.DateField(gettext_lazy("covers from"), null=True)
    covers_to = models.DateField(gettext_lazy("covers to"), null=True)
    receipt = models.ForeignKey(
        Receipt,
        on_delete=models.PROTECT,
        null=True,
        related_name="payments",
        verbose_name=gettext_lazy("receipt"),
    )
    confirmed_at = models.DateTimeField(gettext_lazy("confirmed at"), null=True)
    confirmed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=gettext_lazy("confirmed by")
    )
    unapplied = models.BooleanField(gettext_lazy("unapplied"), default=False)
    shortfall = models.DecimalField(gettext_lazy("shortfall"), **AMOUNT, default=Decimal("0.00"))
    refunded_amount = models.DecimalField(gettext_lazy("refunded"), **AMOUNT, default=Decimal("0.00"))
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now)

    objects = PaymentQuerySet.as_manager()

    if TYPE_CHECKING:
        user_id: int
        subscription_id: int
        plan_id: str

    class Meta:
        verbose_name = gettext_lazy("payment")
        verbose_name_plural = gettext_lazy("payments")
        permissions = [
            ("confirm_payment", "Can confirm payments"),
            ("refund_payment", "Can refund payments"),
            ("reverse_payment", "Can reverse payments"),
            ("accept_difference", "Can accept another amount than asked"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"],
                condition=Q(status=Status.PENDING),
                name="one_pending_payment_per_subscription",
            ),
            ExclusionConstraint(
                name="payment_coverage_never_overlaps",
                expressions=[
                    ("subscription", RangeOperators.EQUAL),
                    (DateRange("covers_from", "covers_to"), RangeOperators.OVERLAPS),
                ],
                condition=Q(covers_from__isnull=False),
            ),
            models.UniqueConstraint(fields=["id", "user", "currency"], name="payment_owner"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="payment_status_known"),
            models.CheckConstraint(condition=Q(amount=F("unit_price") * F("duration")), name="payment_amount_follows"),
            models.CheckConstraint(
                condition=Q(amount__gt=0) ^ Q(amount=0, provider=Provider.GRANT), name="payment_amount_positive"
            ),
            models.CheckConstraint(condition=CURRENCY, name="payment_currency_code"),
            models.CheckConstraint(condition=INTERVALS, name="payment_interval_known"),
            models.CheckConstraint(condition=Q(duration__gte=1, duration__lte=MAX_DURATION), name="payment_duration"),
            models.CheckConstraint(condition=Q(provider__in=Provider.values), name="payment_provider_known"),
            models.CheckConstraint(
                condition=Q(covers_from__isnull=True, covers_to__isnull=True)
                | Q(covers_from__isnull=False, covers_to__isnull=False, covers_to__gt=F("covers_from")),
                name="payment_coverage_whole",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[Status.CONFIRMED, Status.REFUNDED, Status.REVERSED])
                | Q(covers_from__isnull=True, confirmed_at__isnull=True, receipt__isnull=True),
                name="payment_unconfirmed_covers_nothing",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.CONFIRMED, Status.REFUNDED])
                | Q(confirmed_at__isnull=False)
                & (Q(receipt__isnull=False) | Q(provider=Provider.GRANT, receipt__isnull=True)),
                name="payment_confirmed_has_receipt",
            ),
            models.CheckConstraint(
                condition=Q(unapplied=False) | Q(status=Status.CONFIRMED, covers_from__isnull=True),
                name="payment_unapplied_covers_nothing",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("amount")), name="payment_refunds_within"
            ),
            models.CheckConstraint(
                condition=Q(shortfall__gte=0, shortfall__lt=F("amount")) | Q(shortfall=0), name="payment_shortfall"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "id"], name="payment_user_id"),
            models.Index(fields=["subscription", "id"], name="payment_subscription_id"),
            models.Index(fields=["plan", "id"], name="payment_plan_id"),
            models.Index(fields=["status", "id"], name="payment_status_id"),
            models.Index(fields=["created_at", "id"], name="payment_created"),
            models.Index(fields=["confirmed_at", "id"], name="payment_confirmed"),
            models.Index(fields=["amount", "id"], name="payment_amount"),
            models.Index(fields=["expires_at"], condition=Q(status=Status.PENDING), name="payment_expires"),
            models.Index(fields=["id"], condition=Q(unapplied=True), name="payment_unapplied"),
        ]

    def __str__(self) -> str:
        return self.reference

    # --- What it is at a moment

    def status_at(self, moment: Moment) -> str:
        """Return the state that the clock says."""
        if self.status == Status.PENDING and self.expires_at <= moment.now:
            return Status.EXPIRED
        return self.status

    @property
    def term(self) -> Term:
        """The length of time that it pays for."""
        return Term(self.interval, self.interval_count * self.duration)

    # --- Verbs

    def confirm(self, facts: Facts, *, by: User, moment: Moment) -> bool:
        """Record the money as a receipt, and turn it into coverage of the subscription, once.

        Return False, having changed nothing but facts that were absent, if it was confirmed with the same facts: a
        retry is harmless. Raise OwnPayment, ConfirmedDifferently, AmountMismatch, CurrencyMismatch, PaymentNotPending
        or EvidenceAlreadyUsed, having changed nothing.

        READ COMMITTED. Locks the user where the subscription has ended (it may come to life beside a new one), then
        the subscriptions in question by id, then this payment, then the receipt.
        """
        if by.pk == self.user_id:
            raise OwnPayment
        with transaction.atomic():
            subscription, others = self.lock_subscriptions(moment)
            self.lock(moment)
            if self.status in (Status.CONFIRMED, Status.REFUNDED):
                self.add_absent(facts)
                return False
            complete = self.completed(facts)
            coverage = self.coverage_in(subscription, others, moment)
            if coverage and self.status in LATE:
                subscription.payments.withdraw_pending()
            self.settle(Receipt.record(self, complete, by, moment), coverage, by, moment)
            if coverage:
                subscription.cover(coverage, moment)
        return True

    def lock_subscriptions(self, moment: Moment) -> tuple[Subscription, list[Subscription]]:
        """Lock and return the subscription paid for, and other live ones of the user for the same plan."""
        paid_for = self.subscription
        if paid_for.status_at(moment) not in LIVE:
            User.objects.select_for_update(no_key=True).get(pk=self.user_id)
        rows = Subscription.objects.filter(user_id=self.user_id, plan_id=paid_for.plan_id)
        locked = {row.pk: row for row in rows.filter(Q(pk=paid_for.pk) | Q(status__in=LIVE)).locked()}
        for row in locked.values():
            row.catch_up(moment)
        self.subscription = locked.pop(paid_for.pk)
        return self.subscription, [row for row in locked.values() if row.status in LIVE]

    def lock(self, moment: Moment) -> None:
        """Lock and re-read this row, and write down that it has expired. The caller holds the subscription's lock."""
        subscription = self.subscription
        self.refresh_from_db(from_queryset=Payment.objects.locked())
        self.subscription = subscription
        if self.status_at(moment) != self.status:
            self.status = Status.EXPIRED
            self.save(update_fields=["status"])

    def completed(self, facts: Facts) -> CompleteFacts:
        """Return the facts with what they left open, or raise what speaks against confirming on them."""
        complete = facts.completed(self)
        if complete.currency != self.currency:
            raise CurrencyMismatch(_("This payment is in %(currency)s.") % {"currency": self.currency})
        if complete.amount != self.amount:
            raise AmountMismatch.between(self.amount, complete.amount, self.currency)
        if self.status in LATE and not complete.evidence:
            raise PaymentNotPending(_("It is not pending any more: late money needs its evidence."))
        return complete

    def coverage_in(self, subscription: Subscription, others: list[Subscription], moment: Moment) -> Coverage | None:
        """Return the days to be covered, or None where the subscription cannot take the money any more.

        That is when it is canceled, would reach too far ahead, or a newer one took its place; a newer one that nobody
        has paid for makes room.
        """
        if subscription.status == SubscriptionStatus.CANCELED:
            return None
        if subscription.status not in LIVE and any(other.was_ever_paid_or_tried() for other in others):
            return None
        try:
            coverage = subscription.next_coverage(self.term, moment)
        except TooFarAhead:
            return None
        if subscription.status not in LIVE:
            for other in others:
                other.end(moment.today, moment)
        return coverage

    def settle(self, receipt: Receipt, coverage: Coverage | None, by: User, moment: Moment) -> None:
        """Become confirmed by the receipt: with its days and an allocation, or unapplied without either."""
        self.status = Status.CONFIRMED
        self.receipt = receipt
        self.confirmed_at, self.confirmed_by = moment.now, by
        self.unapplied = coverage is None
        if coverage:
            self.covers_from, self.covers_to = coverage.start, coverage.end
        self.save(
            update_fields=[
                "status", "receipt", "confirmed_at", "confirmed_by", "unapplied", "covers_from", "covers_to",
            ]
        )  # fmt: skip
        if coverage:
            receipt.allocate(self, self.amount)

    def add_absent(self, facts: Facts) -> None:
        """Add to the receipt what was not known yet; raise ConfirmedDifferently where a known fact is another one."""
        if self.receipt is None:
            raise ConfirmedDifferently
        receipt = self.receipt
        receipt.refresh_from_db(from_queryset=Receipt.objects.select_for_update(no_key=True))
        if contradicted := facts.contradicting(receipt):
            raise ConfirmedDifferently(
                _("It was confirmed with another value of: %(names)s.") % {"names": ", ".join(contradicted)}
            )
        receipt.complete(facts)

    def cancel(self, moment: Moment) -> bool:
        """Stop waiting for the money. Return False where it was canceled before; a retry is harmless.

        Locks the subscription, then this row. Raise PaymentNotPending for what is confirmed or expired.
        """
        with transaction.atomic():
            self.subscription.lock(moment)
            self.lock(moment)
            if self.status == Status.CANCELED:
                return False
            if self.status != Status.PENDING:
                raise PaymentNotPending
            self.status = Status.CANCELED
            self.save(update_fields=["status"])
        return True
