from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DoctorConfig(AppConfig):
    """Looks over the books: what must hold between rows that no constraint can see at once."""

    name = "doctor"
    verbose_name = _("Doctor")
