from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JournalConfig(AppConfig):
    """Everything that happened: written by triggers, read by staff, machines and auditors, changed by nobody."""

    name = "journal"
    verbose_name = _("Journal")
