"""What the state of a subscription can refuse."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api.problems import Conflict, answers_constraint


@answers_constraint("one_live_subscription_per_user_and_plan")
class SubscriptionExists(Conflict):
    """The user has a live subscription for this plan."""

    code = "subscription_exists"
    title = gettext_lazy("There is a live subscription for this plan")


class SubscriptionNotLive(Conflict):
    """The subscription has ended; whoever comes back subscribes anew."""

    code = "subscription_not_live"
    title = gettext_lazy("The subscription has ended")


class PlanNotAvailable(Conflict):
    """The plan is not sold any more."""

    code = "plan_not_available"
    title = gettext_lazy("The plan is not on sale")


class TooFarAhead(Conflict):
    """The coverage would end later than ten years from today."""

    code = "too_far_ahead"
    title = gettext_lazy("This would reach more than ten years ahead")


def exists(subscription_id: int) -> SubscriptionExists:
    """Return the refusal that names the subscription in the way."""
    detail = _("There is a live subscription for this plan already: %(id)s.") % {"id": subscription_id}
    return SubscriptionExists(detail, subscription_id=subscription_id)
