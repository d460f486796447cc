"""Asking for money: from "I want this plan" to one pending payment on the agreed terms."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from billing_time.clock import Moment
from prepared.queries import prepared
from prepared.rows import insert, update
from subscriptions.models import Plan, Subscription
from subscriptions.problems import SubscriptionNotLive
from subscriptions.states import LIVE
from transactions.acting import whole

from .models import Payment, Provider
from .problems import AmountMismatch, CurrencyMismatch


@dataclass(frozen=True)
class Order:
    """What a customer wants to pay for. The amount is compared with the price agreed; no price is taken from it."""

    plan: Plan
    amount: Decimal
    currency: str | None = None
    duration: int | None = None
    provider: str = Provider.MANUAL


def check_out(user: User, order: Order, moment: Moment, *, subscription: Subscription | None) -> tuple[Payment, bool]:
    """Return the one pending payment of the subscription, and whether it is new.

    Without a subscription the user's live one for the plan is paid, or a pending one is made with it. The same terms
    again return the payment that waits, so a retry is harmless; other terms cancel it and make a new one.

    READ COMMITTED; locks the user where a subscription is made, then the subscription, then its pending payment.
    Raise SubscriptionNotLive, AmountMismatch, CurrencyMismatch, TooFarAhead or PlanNotAvailable, with nothing written.
    """
    with whole():
        subscription = subscription or find_or_subscribe(user, order, moment)
        subscription.lock(moment)
        if subscription.status not in LIVE:
            raise SubscriptionNotLive
        asked = payment_for(subscription, order, moment)
        waiting = waiting_for.first(subscription_id=subscription.pk)
        if waiting and waiting.status_at(moment) == Payment.Status.PENDING and same_terms(waiting, asked):
            return waiting, False
        if waiting:
            waiting.status = replaced_status(waiting, moment)
            update(waiting, "status")
        insert(asked)
        subscription.wait_for_payment_until(asked.expires_at)
    return asked, True


@prepared
def waiting_for(subscription_id: Any) -> Any:
    """Return the pending payment of a subscription, locked."""
    return Payment.objects.filter(subscription_id=subscription_id, status=Payment.Status.PENDING).locked()


def find_or_subscribe(user: User, order: Order, moment: Moment) -> Subscription:
    """Return the user's live subscription for the plan, or a pending one made now.

    Where none is seen, the user is locked before looking again, so that of two at once the second finds the first's.
    """
    live = Subscription.objects.live(moment).filter(user=user, plan=order.plan)
    if found := live.first():
        return found
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if found := live.all().first():
        return found
    return Subscription.objects.subscribe(user, order.plan, order.duration or 1, moment, with_trial=False)


def payment_for(subscription: Subscription, order: Order, moment: Moment) -> Payment:
    """Return the payment that the order asks for, not saved yet, or raise what speaks against it."""
    duration = order.duration or subscription.duration
    due = subscription.unit_price * duration
    if order.currency not in (None, subscription.currency):
        raise CurrencyMismatch(_("The price agreed is in %(currency)s.") % {"currency": subscription.currency})
    if order.amount != due:
        raise AmountMismatch.between(due, order.amount, subscription.currency)
    payment = Payment(
        user_id=subscription.user_id,
        subscription=subscription,
        plan_id=subscription.plan_id,
        amount=due,
        currency=subscription.currency,
        unit_price=subscription.unit_price,
        duration=duration,
        interval=subscription.interval,
        interval_count=subscription.interval_count,
        provider=order.provider,
        expires_at=expiry(subscription, moment),
        created_at=moment.now,
    )
    subscription.next_coverage(payment.term, moment)
    return payment


def expiry(subscription: Subscription, moment: Moment) -> dt.datetime:
    """Return the instant until which the money is waited for; that of a renewal not before grace ends."""
    waits = moment.now + dt.timedelta(days=settings.PAYMENT_EXPIRES_DAYS)
    return max(waits, subscription.access_until or waits)


def same_terms(waiting: Payment, asked: Payment) -> bool:
    """Tell whether the payment that waits is what is asked for again."""
    names = ("plan_id", "amount", "currency", "unit_price", "duration", "interval", "interval_count", "provider")
    return all(getattr(waiting, name) == getattr(asked, name) for name in names)


def replaced_status(waiting: Payment, moment: Moment) -> str:
    """Return what becomes of a payment whose place is taken: expired where it was past its time, else canceled."""
    expired = waiting.status_at(moment) == Payment.Status.EXPIRED
    return Payment.Status.EXPIRED if expired else Payment.Status.CANCELED
