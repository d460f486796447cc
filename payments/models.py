"""Payments: money asked for. Confirming one is the one act that turns money received into coverage."""

import copy
import datetime as dt
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from api.expectations import ANY, Expectation, row_values, version_of
from api.problems import TransitionNotAllowed
from billing_time.clock import Moment
from billing_time.terms import Interval, Term
from prepared.queries import prepared
from prepared.rows import take_over, update
from subscriptions.models import CURRENCY, INTERVALS, MAX_DURATION, Coverage, Plan, Subscription
from subscriptions.problems import SubscriptionNotLive, TooFarAhead
from subscriptions.states import LIVE
from subscriptions.states import Status as SubscriptionStatus
from transactions.acting import because, whole

from .functions import CreditorReference, DateRange
from .problems import (
    AmountMismatch,
    ConfirmedDifferently,
    CurrencyMismatch,
    LaterCoverage,
    OwnPayment,
    PaymentNotPending,
)
from .querysets import PaymentQuerySet
from .receipts import AMOUNT, Allocation, Facts, Money, Receipt
from .refunds import Refund, RefundOrder, total
from .reversals import Kind, Reversal, ReversalOrder
from .states import LATE, PAYMENT, Status

__all__ = ["Allocation", "Facts", "Payment", "Receipt", "Refund", "RefundOrder", "Reversal", "ReversalOrder"]


class Provider(models.TextChoices):
    """How the money comes."""

    MANUAL = "manual", gettext_lazy("bank transfer")
    GRANT = "grant", gettext_lazy("free time")


def new_page_key() -> str:
    """Return a key of 128 bits that nobody guesses."""
    return secrets.token_urlsafe(16)


class Payment(models.Model):
    """Money asked for, on terms of its own: they hold whatever plan or subscription say by the time it comes."""

    Status = Status

    user = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        related_name="payments",
        db_index=False,
        db_constraint=False,  # payment_of_subscription_owner
        verbose_name=gettext_lazy("user"),
    )
    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.PROTECT,
        related_name="payments",
        db_index=False,
        db_constraint=False,  # payment_of_subscription_owner
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
    taken_back_on = models.DateField(gettext_lazy("taken back from"), null=True)
    receipt = models.ForeignKey(
        Receipt,
        on_delete=models.PROTECT,
        null=True,
        related_name="payments",
        db_constraint=False,  # payment_of_receipt_owner
        verbose_name=gettext_lazy("receipt"),
    )
    confirmed_at = models.DateTimeField(gettext_lazy("confirmed at"), null=True)
    confirmed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=gettext_lazy("confirmed by")
    )
    reversal_kind = models.CharField(  # noqa: DJ001  (absent is a fact)
        gettext_lazy("reversed because"), max_length=20, choices=Kind.choices, null=True
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
        receipt_id: int | None
        refunds: Any

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
                condition=(Q(amount__gt=0) & ~Q(provider=Provider.GRANT))
                | Q(amount=0, unit_price=0, provider=Provider.GRANT, receipt__isnull=True),
                name="payment_amount_positive",
            ),
            models.CheckConstraint(condition=~Q(confirmed_by=F("user")), name="payment_confirmed_by_another"),
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
                condition=Q(refunded_amount__gte=0, amount__gte=F("refunded_amount") + F("shortfall")),
                name="payment_refunds_within",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.REFUNDED) | Q(amount=F("refunded_amount") + F("shortfall"), amount__gt=0),
                name="payment_refunded_whole",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.REVERSED, reversal_kind__isnull=False, reversal_kind__in=Kind.values)
                | (~Q(status=Status.REVERSED) & Q(reversal_kind__isnull=True)),
                name="payment_reversed_has_kind",
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
            models.Index(
                fields=["covers_to"],
                condition=Q(status=Status.REVERSED, covers_to__isnull=False, taken_back_on__isnull=True),
                name="payment_reversed_and_kept",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @classmethod
    def asked(cls, pk: int) -> "Payment":
        """Return the payment with its subscription and its receipt, or raise DoesNotExist."""
        if found := with_subscription.first(pk=pk):
            return found
        raise cls.DoesNotExist

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

    def version(self, moment: Moment) -> str:
        """Return the name of what is shown of it at `moment`: another one as soon as anything of that is."""
        received_on, shown = self.receipt.received_on if self.receipt else None, copy.copy(self)
        shown.status = self.status_at(moment)
        return version_of("payment", received_on, *row_values(shown))

    @property
    def refundable_amount(self) -> Decimal:
        """What is left to give back of the money that came; nothing of free time."""
        return self.amount - self.shortfall - self.refunded_amount

    @property
    def keeps_coverage(self) -> bool:
        """Whether its days were left to it: a reversal leaves them where later coverage stands on them."""
        return self.covers_from is not None and self.taken_back_on is None

    # --- Verbs

    def confirm(self, facts: Facts, *, by: User, moment: Moment, expected: Expectation = ANY) -> bool:
        """Record the money as a receipt, or take it from one on record, and turn it into coverage, once.

        Return False, having changed nothing but facts that were absent, if it was confirmed with the same facts: a
        retry is harmless. Raise OwnPayment, ConfirmedDifferently, PreconditionFailed, AmountMismatch,
        CurrencyMismatch, PaymentNotPending, EvidenceAlreadyUsed or SubscriptionNotLive, having changed nothing.

        READ COMMITTED. Locks the user where the subscription has ended (it may come to life beside a new one), then
        the subscriptions in question by id, then this payment and those that the money leaves by id, then the receipt.
        """
        if by.pk == self.user_id:
            raise OwnPayment
        with whole():
            subscription, others = self.lock_subscriptions(moment)
            known = Receipt.known(self, facts)
            left = self.lock(moment, beside=known)
            if self.status in (Status.CONFIRMED, Status.REFUNDED):
                self.confirm_again(facts, moment, expected)
                return False
            expected.check(self, moment)
            because(facts.note)
            money = self.money_from(known, facts, by, moment)
            coverage = None if self.keeps_coverage else self.coverage_in(subscription, others, moment)
            applied = coverage is not None or self.keeps_coverage
            if known and not applied:
                raise SubscriptionNotLive(_("The subscription cannot take the money; it stays where it is on record."))
            if coverage and self.status in LATE:
                subscription.payments.write_down(moment)
                subscription.payments.withdraw_pending()
            self.settle(money, coverage, applied=applied, by=by, moment=moment)
            for payment in left:
                payment.lose_money_to(self, by, moment)
            if coverage:
                subscription.cover(coverage, moment)
            elif self.covers_from and self.covers_to:
                subscription.count_again(self.covers_from, self.covers_to, moment)
        return True

    def lock_subscriptions(self, moment: Moment) -> tuple[Subscription, list[Subscription]]:
        """Lock and return the subscription paid for, and other live ones of the user for the same plan."""
        paid_for = self.subscription
        if paid_for.status_at(moment) not in LIVE:
            User.objects.select_for_update(no_key=True).get(pk=self.user_id)
        locked = {row.pk: row for row in in_question(pk=paid_for.pk, user_id=self.user_id, plan_id=paid_for.plan_id)}
        for row in locked.values():
            row.catch_up(moment)
        self.subscription = locked.pop(paid_for.pk)
        return self.subscription, [row for row in locked.values() if row.status in LIVE]

    def lock(self, moment: Moment, *, beside: Receipt | None = None) -> list["Payment"]:
        """Lock and re-read this row, and write down that it has expired. The caller holds the subscription's lock.

        With it, and in the order of their ids, lock and return the payments that hold the money of `beside` unapplied:
        no more of them come into being, for a receipt on record is never taken unapplied.
        """
        subscription, left = self.subscription, []
        if beside:
            both = Q(pk=self.pk) | Q(receipt=beside, unapplied=True)
            left = [row for row in Payment.objects.filter(both).locked() if row.pk != self.pk]
        take_over(self, locked_payment.first(pk=self.pk))
        self.subscription = subscription
        if self.status_at(moment) != self.status:
            self.status = Status.EXPIRED
            update(self, "status")
        return left

    def money_from(self, known: Receipt | None, facts: Facts, by: User, moment: Moment) -> Money:
        """Return the money: what is left of it on record, or a new receipt. Raise what speaks against confirming."""
        complete = facts.completed(self)
        if complete.currency != self.currency:
            raise CurrencyMismatch(_("This payment is in %(currency)s.") % {"currency": self.currency})
        if (self.status in LATE and not (complete.evidence or known)) or self.provider == Provider.GRANT:
            raise PaymentNotPending(_("It is not pending any more: late money needs its evidence."))
        if known:
            return self.enough(known.money_left_for(self, facts))
        if complete.amount != self.amount and not facts.accept_difference:
            raise AmountMismatch.between(self.amount, complete.amount, self.currency)
        settled = min(complete.amount, self.amount)
        return self.enough(Money(Receipt.record(self, complete, by, moment), settled, self.amount - settled))

    def enough(self, money: Money) -> Money:
        """Return the money, or raise AmountMismatch where more than it was paid back already, before a reversal."""
        if money.amount < self.refunded_amount:
            raise AmountMismatch.between(self.amount, money.amount, self.currency)
        return money

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

    def settle(self, money: Money, coverage: Coverage | None, *, applied: bool, by: User, moment: Moment) -> None:
        """Become confirmed by the money: with its days and an allocation, or unapplied without either."""
        self.status, self.reversal_kind = Status.CONFIRMED, None
        self.receipt, self.shortfall = money.receipt, money.shortfall
        self.confirmed_at, self.confirmed_by = moment.now, by
        self.unapplied = not applied
        if not self.keeps_coverage:
            self.covers_from, self.covers_to = (coverage.start, coverage.end) if coverage else (None, None)
            self.taken_back_on = None
        update(
            self, "status", "reversal_kind", "receipt", "shortfall", "confirmed_at", "confirmed_by", "unapplied",
            "covers_from", "covers_to", "taken_back_on",
        )  # fmt: skip
        if applied:
            money.receipt.allocate(self, money.amount)

    def confirm_again(self, facts: Facts, moment: Moment, expected: Expectation) -> None:
        """Add to the receipt what was not known yet; raise ConfirmedDifferently where a known fact is another one."""
        if contradicted := self.contradicting(facts):
            expected.check(self, moment)
            raise ConfirmedDifferently(
                _("It was confirmed with another value of: %(names)s.") % {"names": ", ".join(contradicted)}
            )
        if self.receipt:
            self.receipt.complete(facts)

    def contradicting(self, facts: Facts) -> list[str]:
        """Lock the receipt; return the names of the facts that are known to be others, for free time of any."""
        if self.receipt is None:
            return facts.named()
        self.receipt.refresh_from_db(from_queryset=Receipt.objects.locked())
        contradicted = facts.contradicting(self.receipt)
        if facts.amount is not None and facts.amount not in self.amounts_known():
            contradicted.insert(0, "amount")
        return contradicted

    def amounts_known(self) -> list[Decimal]:
        """Return the amounts that confirming it again may name: the receipt's, and its part of a shared one."""
        if self.receipt is None:
            return []
        shared = self.receipt.payments.exclude(pk=self.pk).exists()
        return [self.receipt.amount, *([self.amount, self.amount - self.shortfall] if shared else [])]

    def lose_money_to(self, other: "Payment", by: User, moment: Moment) -> None:
        """Become reversed, for the money that lay here unapplied settles `other` now. Locks are held."""
        words = _("Its money settles payment %(reference)s.") % {"reference": other.reference}
        self.become_reversed(Kind.MOVED)
        Reversal.record(self, ReversalOrder(kind=Kind.MOVED, reason=words), Decimal("0.00"), by, moment)

    def become_reversed(self, kind: str) -> None:
        """Count no more; the days that it paid for are dealt with before."""
        self.status, self.reversal_kind, self.unapplied = Status.REVERSED, kind, False
        self.save(
            update_fields=[
                "status", "reversal_kind", "unapplied", "covers_from", "covers_to", "taken_back_on", "refunded_amount",
            ]
        )  # fmt: skip

    def refund(
        self, order: RefundOrder, *, by: User, moment: Moment, expected: Expectation = ANY
    ) -> tuple[Refund, bool]:
        """Record money given back, and take back the days to come where that is asked; return it, and whether new.

        The same evidence again returns the refund it stands for: a retry with evidence is harmless, one without needs
        an Idempotency-Key. Raise OwnPayment, EvidenceAlreadyUsed, PreconditionFailed, TransitionNotAllowed,
        RefundExceedsPayment or LaterCoverage, having changed nothing.

        READ COMMITTED. Locks the subscription, this payment, then the receipt of unapplied money.
        """
        if by.pk == self.user_id:
            raise OwnPayment
        with transaction.atomic():
            self.lock_with_subscription(moment)
            if repeated := order.repeated(self):
                return repeated, False
            expected.check(self, moment)
            amount = order.amount_of(self)
            because(order.reason)
            covered = self.covers_from is not None
            if order.takes_back:
                self.take_back(moment)
            lying_at = self.receipt if self.unapplied else None
            self.give_back(amount)
            refund = Refund.record(self, order, amount, by, moment)
            if lying_at:
                lying_at.give_back(amount)
            if covered and order.takes_back:
                otherwise = SubscriptionStatus.CANCELED
                self.subscription.uncover(self.last_covered(), moment, otherwise=otherwise, ending=order.ending)
        return refund, True

    def give_back(self, amount: Decimal) -> None:
        """Count an amount as given back; it is refunded once all of it is."""
        self.refunded_amount += amount
        if self.refundable_amount == 0:
            self.status, self.unapplied = Status.REFUNDED, False
        self.save(update_fields=["status", "unapplied", "refunded_amount", "covers_from", "covers_to", "taken_back_on"])

    def reverse(self, order: ReversalOrder, *, by: User, moment: Moment, expected: Expectation = ANY) -> bool:
        """Record that the money was not received, or is gone again; take back the days to come.

        Where later coverage stands on them they are kept, for staff to look at. Return False where it was reversed for
        the same cause before, and by the same evidence as far as any is given: a retry is harmless. Raise OwnPayment,
        PreconditionFailed or TransitionNotAllowed, having changed nothing.

        READ COMMITTED. Locks the subscription, this payment, then the receipt.
        """
        if by.pk == self.user_id:
            raise OwnPayment
        with transaction.atomic():
            self.lock_with_subscription(moment)
            if (self.status, self.reversal_kind) == (Status.REVERSED, order.kind) and order.repeats(self):
                return False
            expected.check(self, moment)
            self.check_reversible(order.kind)
            because(order.reason)
            covered = self.covers_from is not None and not self.has_later_coverage()
            if covered:
                self.take_back(moment)
            lost = self.lose_money(order.kind, moment)
            Reversal.record(self, order, lost, by, moment)
            if covered:
                self.subscription.uncover(self.last_covered(), moment, otherwise=SubscriptionStatus.PENDING)
        return True

    def check_reversible(self, kind: str) -> None:
        """Raise TransitionNotAllowed unless it is confirmed; a bank can return no free time."""
        if not PAYMENT.allows(self.status, Status.REVERSED):
            raise TransitionNotAllowed(_("Only a confirmed payment can be reversed."))
        if self.receipt is None and kind == Kind.RETURNED_BY_BANK:
            raise TransitionNotAllowed(_("No money came for free time; it can only have been given by mistake."))

    def lose_money(self, kind: str, moment: Moment) -> Decimal:
        """Become reversed, owe no refund any more, and take from the receipt what was there; return how much."""
        was_unapplied = self.unapplied
        self.refunds.due().update(status=Refund.Status.CANCELED)
        self.refunded_amount = total(self.refunds.filter(status=Refund.Status.PAID))
        self.become_reversed(kind)
        if self.receipt is None:
            return Decimal("0.00")
        return self.receipt.lose(self, moment, void=kind == Kind.MISTAKE, unapplied=was_unapplied)

    def take_back(self, moment: Moment) -> None:
        """End its coverage at the later of today and its first day, not saved yet; what is past stays as it was.

        Raise LaterCoverage where other coverage stands on it.
        """
        if self.covers_from is None or self.covers_to is None:
            return
        if self.has_later_coverage():
            raise LaterCoverage
        day = max(moment.today, self.covers_from)
        if self.taken_back_on is None and day < self.covers_to:
            self.taken_back_on = day
            self.covers_from, self.covers_to = (self.covers_from, day) if day > self.covers_from else (None, None)

    def has_later_coverage(self) -> bool:
        """Tell whether the subscription's coverage goes on after its days."""
        return self.subscription.payments.filter(covers_from__gte=self.covers_to).exists()

    def last_covered(self) -> dt.date | None:
        """Return the first day that no payment of the subscription covers any more."""
        return self.subscription.payments.aggregate(end=Max("covers_to"))["end"]

    def lock_with_subscription(self, moment: Moment) -> None:
        """Lock and re-read the subscription, then this row."""
        self.subscription.lock(moment)
        self.lock(moment)

    def cancel(self, moment: Moment, *, expected: Expectation = ANY) -> bool:
        """Stop waiting for the money. Return False where it was canceled before; a retry is harmless.

        Locks the subscription, then this row. Raise PreconditionFailed, or PaymentNotPending for what is confirmed or
        expired.
        """
        with transaction.atomic():
            self.lock_with_subscription(moment)
            if self.status == Status.CANCELED:
                return False
            expected.check(self, moment)
            if not PAYMENT.allows(self.status, Status.CANCELED):
                raise PaymentNotPending
            self.status = Status.CANCELED
            self.save(update_fields=["status"])
        return True


@prepared
def with_subscription(pk: Any) -> Any:
    """Return a payment with what it is for, and what is shown of the money received."""
    return Payment.objects.with_receipt().select_related("subscription").filter(pk=pk)


@prepared
def locked_payment(pk: Any) -> Any:
    """Return a payment, locked."""
    return Payment.objects.filter(pk=pk).locked()


@prepared
def in_question(pk: Any, user_id: Any, plan_id: Any) -> Any:
    """Return a subscription of the user for the plan and the other live ones, locked in the order of their ids."""
    rows = Subscription.objects.filter(user_id=user_id, plan_id=plan_id)
    return rows.filter(Q(pk=pk) | Q(status__in=LIVE)).locked()
