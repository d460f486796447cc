from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    """Money asked for, money received, and the one act that turns it into coverage."""

    name = "payments"
    verbose_name = _("Payments")
