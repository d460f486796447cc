from decimal import Decimal

import factory

from accounts.tests.factories import UserFactory
from billing_time.clock import Moment
from subscriptions.models import Plan, Subscription


class PlanFactory(factory.django.DjangoModelFactory):
    """990.00 roubles a month, three days of grace, no trial."""

    class Meta:
        model = Plan

    name = factory.Sequence(lambda number: f"plan{number}")
    title = factory.LazyAttribute(lambda plan: plan.name.title())
    price = Decimal("990.00")
    currency = "RUB"
    interval = "month"
    grace_days = 3


class SubscriptionFactory(factory.django.DjangoModelFactory):
    """A subscription as `subscribe` makes it, at `moment`."""

    class Meta:
        model = Subscription

    user = factory.SubFactory(UserFactory)
    plan = factory.SubFactory(PlanFactory)
    duration = 1

    @classmethod
    def _create(cls, model_class: type[Subscription], *args: object, **kwargs: object) -> Subscription:
        moment = kwargs.pop("moment", None) or Moment.current()
        return Subscription.objects.subscribe(kwargs["user"], kwargs["plan"], kwargs["duration"], moment)
