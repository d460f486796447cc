"""Users: who may be changed by whom. Rights are given by superusers alone."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from accounts.forms import AddUserForm, PasswordForm, UserForm
from accounts.models import User

from .base import StaffAdmin, id_is, in_words, link_to_list, page_of
from .groups import described_permissions
from .lists import person_is

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
OWN = ("is_active", "is_staff", "is_superuser")


def holds_rights(user: User) -> bool:
    """Tell whether somebody is more than a customer, so that only a superuser may touch them."""
    return (
        user.is_staff or user.is_superuser or user.is_service or user.groups.exists() or user.user_permissions.exists()
    )


@admin.register(User)
class UserAdmin(DjangoUserAdmin, StaffAdmin):  # type: ignore[type-arg, misc]
    """Customers, staff and service accounts. Tokens are shown nowhere."""

    form = UserForm
    add_form = AddUserForm
    change_password_form = PasswordForm
    list_display = ("username", "email", "is_active", "is_staff", "is_service", "created_at")
    list_filter = (
        ("is_active", admin.BooleanFieldListFilter),
        ("is_staff", admin.BooleanFieldListFilter),
        ("is_service", admin.BooleanFieldListFilter),
        ("created_at", admin.DateFieldListFilter),
    )
    search_help_text = gettext_lazy("Username, e-mail address or id")
    search_fields = ("username",)  # type: ignore[misc]
    ordering = ("-id",)
    sortable_by = ("username",)
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("username", "email", "is_active", "password_state", "their_records")}),
        (gettext_lazy("Rights"), {"fields": RIGHTS}),
        (gettext_lazy("Dates"), {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "is_service", "password1", "password2")}),)
    readonly_fields = ("username", "password_state", "their_records", "created_at", "last_login")

    lookup_allowed = StaffAdmin.lookup_allowed

    def found_by(self, text: str) -> list[Q]:
        """Find by name, address or id."""
        return [person_is(text), id_is(text)]

    # --- Who may do what

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the right, customers may be changed; whoever holds rights, by superusers alone."""
        may = super().has_change_permission(request, obj)
        return may and (request.user.is_superuser or obj is None or not holds_rights(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The same holds for deleting; nobody deletes themselves."""
        may = super().has_delete_permission(request, obj) and (obj is None or obj.pk != request.user.pk)
        return may and (request.user.is_superuser or obj is None or not holds_rights(obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Rights are given by superusers, and nobody locks themselves out."""
        if obj is None:
            return ()
        rights = () if request.user.is_superuser else RIGHTS
        own = OWN if obj.pk == request.user.pk else ()
        return tuple(dict.fromkeys((*self.readonly_fields, *rights, *own)))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the permissions that mean something here, described in words."""
        if db_field.name == "user_permissions":
            kwargs |= described_permissions()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Set somebody's password, which ends their tokens; a service account cannot have one."""
        user = self.get_object(request, unquote(id))
        if user and user.is_service and self.has_change_permission(request, user):
            messages.error(request, _("A service account has no password: it lives by its token."))
            return redirect(page_of(user))
        return in_words(request, lambda: super(UserAdmin, self).user_change_password(request, id, form_url))

    # --- What is shown

    @display(description=gettext_lazy("password"))
    def password_state(self, user: User) -> str:
        """Say whether there is one, and where to set it; its hash is nobody's business."""
        if user.is_service:
            return _("None: a service account lives by its token.")
        usable = user.has_usable_password()
        state, words = (_("Set."), _("Set another password")) if usable else (_("Not set."), _("Set a password"))
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('{} <a class="text-link" href="{}">{}</a>', state, address, words)

    @display(description=gettext_lazy("records"))
    def their_records(self, user: User) -> str:
        """Link to what belongs to the user."""
        lists = {
            "subscriptions_subscription": _("subscriptions"),
            "payments_payment": _("payments"),
            "payments_receipt": _("receipts"),
        }
        links = [(link_to_list(model, name, user__id__exact=user.pk),) for model, name in lists.items()]
        return format_html_join(" · ", "{}", links)
