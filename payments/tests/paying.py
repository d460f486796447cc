"""Short ways to bring money into every state, each by its verb, and to see what the journal says of it."""

import datetime as dt
from contextlib import contextmanager
from decimal import Decimal

from django.db import connection

from billing_time.clock import Moment
from journal.models import Event
from payments.models import Facts, Payment, RefundOrder, ReversalOrder
from payments.tests.factories import PaymentFactory


def at(text):
    return Moment.of(dt.datetime.fromisoformat(f"{text}T12:00:00+00:00"))


def later(moment, **length):
    return Moment.of(moment.now + dt.timedelta(**length))


def confirm(payment, staff, moment, **facts):
    return Payment.objects.get(pk=payment.pk).confirm(Facts(**facts), by=staff, moment=moment)


def refund(payment, staff, moment, amount=None, coverage=None, evidence=None):
    order = RefundOrder(reason="Asked", amount=amount and Decimal(amount), coverage=coverage, evidence=evidence)
    return Payment.objects.get(pk=payment.pk).refund(order, by=staff, moment=moment)


def reverse(payment, staff, moment, kind="mistake"):
    return Payment.objects.get(pk=payment.pk).reverse(ReversalOrder(kind=kind, reason="Gone"), by=staff, moment=moment)


def paid(subscription, staff, moment, **facts):
    """Ask for money and confirm it; return the payment as it is then."""
    subscription.refresh_from_db()
    payment = PaymentFactory(subscription=subscription, moment=moment)
    confirm(payment, staff, moment, **facts)
    return fresh(payment)


def unapplied(subscription, staff, moment, **facts):
    """Confirm money for a subscription that was canceled meanwhile; return the payment."""
    payment = PaymentFactory(subscription=subscription, moment=moment)
    subscription.refresh_from_db()
    subscription.cancel(moment, now=True)
    confirm(payment, staff, moment, **{"evidence": "late"} | facts)
    return fresh(payment)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


@contextmanager
def told():
    """Give the list of what the journal says happens inside, as pairs of kind and reason, sorted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('journal.reason', '', true)")
    last = Event.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    entries = []
    yield entries
    entries += sorted(Event.objects.filter(seq__gt=last).values_list("kind", "reason"))
