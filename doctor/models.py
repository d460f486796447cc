"""What the books are kept by."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from subscriptions.models import Subscription


class SettingManager(models.Manager["Setting"]):
    """Keeps the one row that there is."""

    def keep(self) -> "Setting":
        """Return the setting, with the time zone of this program where none is known or nothing depends on it yet."""
        setting, is_new = self.get_or_create(pk=Setting.ONLY, defaults={"time_zone": settings.BILLING_TIME_ZONE})
        if not is_new and setting.differs and not Subscription.objects.exists():
            setting.adopt()
        return setting


class Setting(models.Model):
    """The billing time zone in which the dates of the books were made: another one would make them wrong."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    time_zone = models.CharField(_("time zone"), max_length=64)

    objects = SettingManager()

    class Meta:
        verbose_name = _("setting of the books")
        verbose_name_plural = _("settings of the books")
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="setting_only_one")]

    def __str__(self) -> str:
        return self.time_zone

    @property
    def differs(self) -> bool:
        """Whether this program is told another time zone."""
        return self.time_zone != settings.BILLING_TIME_ZONE

    def adopt(self) -> None:
        """Take the time zone of this program for the one of the books."""
        self.time_zone = settings.BILLING_TIME_ZONE
        self.save(update_fields=["time_zone"])
