"""Groups: who is in one holds its permissions, so only superusers change them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.forms import SeenForm

from .base import StaffAdmin, id_is
from .timeline import ACTIONS

# The names stand in the models' Meta, where Django keeps them in English; here they are known to the translation.
NAMES = (
    gettext_noop("Can subscribe, check out and cancel for any user"),
    gettext_noop("Can grant free time"),
    gettext_noop("Can confirm payments"),
    gettext_noop("Can refund payments"),
    gettext_noop("Can reverse payments"),
    gettext_noop("Can accept another amount than asked"),
)
# What only programs and verbs write: a permission for it would open nothing.
NOBODYS = Q(content_type__app_label__in=["admin", "contenttypes", "sessions", "api"]) | Q(
    content_type__model__in=["token", "permission", "allocation"]
)


class PermissionsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """A choice of permissions, each described in words."""

    def label_from_instance(self, permission: Any) -> str:
        """Return such as “Payments: view”."""
        model = permission.content_type.model_class()
        noun = model._meta.verbose_name_plural if model else permission.content_type.model
        action = ACTIONS.get(permission.codename.partition("_")[0])
        if permission.codename != f"{permission.codename.partition('_')[0]}_{permission.content_type.model}":
            action = None
        return f"{capfirst(noun)}: {action or _(permission.name)}"


def described_permissions() -> dict[str, Any]:
    """Return the arguments for a form field that offers the permissions that mean something."""
    order = ("content_type__app_label", "content_type__model", "codename")
    known = Permission.objects.exclude(NOBODYS).select_related("content_type").order_by(*order)
    return {"form_class": PermissionsField, "queryset": known}


class GroupForm(SeenForm):
    """What superusers change of a group."""

    class Meta:
        model = Group
        fields = ["name", "permissions"]


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(StaffAdmin):
    """Groups of staff."""

    form = GroupForm
    fields = ("name", "permissions")
    list_display = ("name",)
    search_fields = ("name",)
    ordering = ("name",)
    filter_horizontal = ("permissions",)

    def found_by(self, text: str) -> list[Q]:
        """Find by name."""
        return [Q(name__icontains=text), id_is(text)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only superusers make groups."""
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only superusers change what a group may do."""
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only superusers delete groups."""
        return request.user.is_superuser

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the permissions that mean something here, described in words."""
        return super().formfield_for_manytomany(db_field, request, **kwargs | described_permissions())
