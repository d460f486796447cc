"""The admin's site: whose login is limited, whose password change ends tokens, whose search does not fall over."""

from typing import Any, cast

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import BadRequest
from django.core.paginator import InvalidPage
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite

from .acting import acting_in_admin
from .forms import LoginForm, OwnPasswordForm


class OwnPasswordView(PasswordChangeView):
    """Change one's own password, and say so in the log."""

    form_class = OwnPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        """Set the password."""
        response = super().form_valid(form)
        words = _("Changed the own password; every token ended.")
        LogEntry.objects.log_actions(form.user.pk, [form.user], CHANGE, words, single_object=True)
        return response


class StaffSite(UnfoldAdminSite):
    """The one admin site of this program."""

    login_form = LoginForm

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show and take the form for one's own password."""
        request.current_app = self.name
        view = OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        with acting_in_admin(request.user):
            return cast(HttpResponse, view(request))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer the search of the side bar; unfold's own fails on pages that are none."""
        try:
            return super().search(request, extra_context)
        except (InvalidPage, ValueError):
            raise BadRequest("There is no such page.") from None
