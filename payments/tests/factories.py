import factory

from billing_time.clock import Moment
from payments.checkout import Order, check_out
from payments.models import Payment
from subscriptions.tests.factories import SubscriptionFactory


class PaymentFactory(factory.django.DjangoModelFactory):
    """The payment that `check_out` makes for a subscription, at `moment`."""

    class Meta:
        model = Payment

    subscription = factory.SubFactory(SubscriptionFactory)

    @classmethod
    def _create(cls, model_class: type[Payment], *args: object, **kwargs: object) -> Payment:
        moment = kwargs.pop("moment", None) or Moment.current()
        subscription, duration = kwargs["subscription"], kwargs.get("duration")
        amount = subscription.unit_price * (duration or subscription.duration)
        order = Order(plan=subscription.plan, amount=amount, duration=duration)
        return check_out(subscription.user, order, moment, subscription=subscription)[0]
