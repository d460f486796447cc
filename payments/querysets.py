"""Payments by what they are; one past its expiry is expired, whether or not that is written down."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from billing_time.clock import Moment

from .states import Status

if TYPE_CHECKING:
    from accounts.models import User

    from .models import Payment


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Payments by owner and state."""

    def visible_to(self, user: "User") -> "PaymentQuerySet":
        """Return those that the user may see: their own, or all with the right."""
        return self if user.has_perm("payments.view_payment") else self.filter(user=user)

    def managed_by(self, user: "User") -> "PaymentQuerySet":
        """Return those that the user may act on: their own, or all with the right."""
        return self if user.has_perm("subscriptions.manage_all_subscriptions") else self.filter(user=user)

    def in_states(self, states: list[str], moment: Moment) -> "PaymentQuerySet":
        """Return those that are in one of the states at `moment`."""
        wanted = Q(status__in=[state for state in states if state != Status.PENDING])
        if Status.PENDING in states:
            wanted |= Q(status=Status.PENDING, expires_at__gt=moment.now)
        if Status.EXPIRED in states:
            wanted |= Q(status=Status.PENDING, expires_at__lte=moment.now)
        return self.filter(wanted)

    def outdated(self, moment: Moment) -> "PaymentQuerySet":
        """Return the pending ones past their expiry."""
        return self.filter(status=Status.PENDING, expires_at__lte=moment.now)

    def write_down(self, moment: Moment) -> int:
        """Expire those past their expiry, in one statement; return how many."""
        return self.outdated(moment).update(status=Status.EXPIRED)

    def withdraw_pending(self) -> int:
        """Cancel the pending ones, such as those of a subscription that has ended; return how many."""
        return self.filter(status=Status.PENDING).update(status=Status.CANCELED)

    def locked(self) -> "PaymentQuerySet":
        """Return them locked until the transaction ends; their subscription is locked before them."""
        return self.select_for_update(no_key=True, of=("self",)).order_by("pk")

    def with_receipt(self) -> "PaymentQuerySet":
        """Return them with what is shown of the money received."""
        return self.select_related("receipt")

    def kept_though_reversed(self, moment: Moment) -> "PaymentQuerySet":
        """Return those whose money is gone and whose days still run, for later coverage stands on them."""
        return self.filter(status=Status.REVERSED, covers_to__gt=moment.today, taken_back_on__isnull=True)

    def able_to_take_money(self, moment: Moment) -> "PaymentQuerySet":
        """Return those that money on record could settle."""
        waiting = self.in_states([Status.PENDING, Status.EXPIRED, Status.CANCELED], moment)
        return waiting.exclude(subscription__status="canceled").order_by("-pk")

    def could_settle(self, payment: "Payment", moment: Moment) -> list[Any]:
        """Return the ids of the user's other payments that the money of an unapplied one could settle."""
        left = payment.receipt.unapplied_amount if payment.receipt else 0
        same = self.filter(user_id=payment.user_id, currency=payment.currency, amount__lte=left)
        others = same.able_to_take_money(moment).exclude(pk=payment.pk)
        return list(others.values_list("pk", flat=True)[:20])
