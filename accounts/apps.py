from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who is who: users, their tokens, service accounts."""

    name = "accounts"
    verbose_name = _("Accounts")


class StaffAdminConfig(admin_apps.AdminConfig):
    """Django's admin with the site of this program."""

    default = False
    default_site = "accounts.staff_site.StaffSite"
