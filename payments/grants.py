"""Free time: coverage that nobody paid for, given by staff."""

from decimal import Decimal

from django.db import transaction

from accounts.models import User
from api.expectations import ANY, Expectation
from billing_time.clock import Moment
from billing_time.terms import Interval
from subscriptions.models import Subscription
from subscriptions.problems import SubscriptionNotLive
from subscriptions.states import LIVE
from transactions.acting import because

from .models import Payment, Provider
from .problems import OwnPayment

MAX_DAYS = 366


def grant(
    subscription: Subscription, days: int, reason: str, *, by: User, moment: Moment, expected: Expectation = ANY
) -> Payment:
    """Cover 1 to 366 days for nothing, as a confirmed payment of zero without a receipt; it is never refundable.

    READ COMMITTED; locks the subscription. A retry grants again: it needs an Idempotency-Key, or to expect what it
    was decided on. Raise OwnPayment, PreconditionFailed, SubscriptionNotLive or TooFarAhead, having changed nothing.
    """
    if by.pk == subscription.user_id:
        raise OwnPayment
    with transaction.atomic():
        subscription.lock(moment)
        expected.check(subscription, moment)
        if subscription.status not in LIVE:
            raise SubscriptionNotLive
        because(reason)
        payment = free_payment(subscription, days, by, moment)
        coverage = subscription.next_coverage(payment.term, moment)
        payment.covers_from, payment.covers_to = coverage.start, coverage.end
        payment.save(force_insert=True)
        subscription.cover(coverage, moment)
    return payment


def free_payment(subscription: Subscription, days: int, by: User, moment: Moment) -> Payment:
    """Return the confirmed payment of zero for so many days, not saved yet."""
    return Payment(
        user_id=subscription.user_id,
        subscription=subscription,
        plan_id=subscription.plan_id,
        status=Payment.Status.CONFIRMED,
        amount=Decimal("0.00"),
        currency=subscription.currency,
        unit_price=Decimal("0.00"),
        duration=1,
        interval=Interval.DAY,
        interval_count=days,
        provider=Provider.GRANT,
        expires_at=moment.now,
        confirmed_at=moment.now,
        confirmed_by=by,
        created_at=moment.now,
    )
