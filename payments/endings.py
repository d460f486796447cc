"""Ending a subscription now that has paid days ahead, with the money of the last payment given back."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from api.expectations import ANY, Expectation
from api.problems import TransitionNotAllowed
from billing_time.clock import Moment
from subscriptions.models import REFUNDED, Subscription
from subscriptions.states import SUBSCRIPTION, Status

from .models import Payment
from .problems import RefundExceedsPayment
from .refunds import CoverageChoice, RefundOrder


def cancel_and_refund(
    subscription: Subscription, reason: str, *, by: User, moment: Moment, expected: Expectation = ANY
) -> bool:
    """End the subscription today, and owe the customer all that is left of its last payment.

    Return False, having changed nothing, where it was canceled before: a retry is harmless. Raise what canceling and
    refunding raise, with nothing changed. READ COMMITTED; locks the subscription, then its last payment.
    """
    with transaction.atomic():
        subscription.lock(moment)
        if subscription.status == Status.CANCELED:
            return False
        expected.check(subscription, moment)
        if not SUBSCRIPTION.allows(subscription.status, Status.CANCELED):
            raise TransitionNotAllowed
        order = RefundOrder(reason=reason or REFUNDED, coverage=CoverageChoice.TAKE_BACK, ending=reason or REFUNDED)
        last_payment(subscription).refund(order, by=by, moment=moment)
        subscription.cancel(moment, now=True, reason=reason, forfeit=True)
    return True


def last_payment(subscription: Subscription) -> Payment:
    """Return the payment that covers the last days, or raise RefundExceedsPayment where there is none."""
    covering = subscription.payments.filter(covers_to__isnull=False).order_by("covers_to")
    last: Payment | None = covering.last()
    if last is None:
        raise RefundExceedsPayment(_("Nothing was paid that could be given back."))
    last.subscription = subscription
    return last
