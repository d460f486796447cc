from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SubscriptionsConfig(AppConfig):
    """Plans, and the subscriptions that users have for them."""

    name = "subscriptions"
    verbose_name = _("Subscriptions")
