"""The admin's forms about users: logging in, adding, changing, passwords."""

import math
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import Throttled
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, AuthenticationForm
from unfold.widgets import UnfoldAdminPasswordWidget

from api.expectations import row_values, version_of
from api.limits import client_address, limit
from billing_time.clock import Moment

from .models import User
from .names import normalise_email, username_key
from .validators import MAX_LENGTH

# What no page shows and no form changes.
UNSEEN = ("password", "last_login")


class LoginForm(AuthenticationForm):
    """The admin's login, limited like the API's: by the same counters, so that one does not double the other."""

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Count the try before the password is looked at."""
        try:
            self.count()
        except Throttled as exc:
            minutes = math.ceil((getattr(exc, "wait", None) or 60) / 60)
            raise ValidationError(
                _("Too many attempts. Try again in %(minutes)s min."), "throttled", {"minutes": minutes}
            ) from None
        return super().clean()

    def count(self) -> None:
        """Raise Throttled where this address, or this name from this address, tried too often."""
        address = client_address(self.request)
        limit("login_address", address)
        if username := self.cleaned_data.get("username"):
            limit("login_name", username_key(username), address)


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """One's own new password; every token ends."""

    def save(self, commit: bool = True) -> User:
        """Set the password."""
        self.user.change_password(self.cleaned_data["new_password1"])
        return self.user


class PasswordForm(AdminPasswordChangeForm):
    """A new password for somebody else, or none at all; every token of theirs ends."""

    def save(self, commit: bool = True) -> User:
        """Set the password."""
        usable = self.cleaned_data["set_usable_password"]
        self.user.change_password(self.cleaned_data["password1"] if usable else None)
        return self.user


class VersionField(forms.CharField):
    """What a row was when its page was opened: it travels with the form, and is nothing that anybody changes."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """It is no value of the row's."""
        return False


class ActForm(forms.Form):
    """The form of an act on a row, as of a moment, for somebody; it carries what the row was when it was shown."""

    version = VersionField()

    def __init__(
        self, data: Any = None, *, row: Any, moment: Moment, by: User, initial: dict[str, Any] | None = None
    ) -> None:
        self.row, self.moment, self.by = row, moment, by
        super().__init__(data, initial=(initial or {}) | {"version": row.version(moment)})


class SeenForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that knows what its reader saw: where the row is another by now, `StaffAdmin` saves nothing.

    A program that sends no version means the row as it is.
    """

    version = VersionField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            del self.fields["version"]
        else:
            self.initial["version"] = version_of_row(self.instance)

    @cached_property
    def changed_columns(self) -> list[str]:
        """The columns to write."""
        columns = {field.name for field in self.instance._meta.concrete_fields}
        return [name for name in self.changed_data if name in columns]


def version_of_row(row: models.Model) -> str:
    """Return the name of what a row holds, the rights given to it included; what logging in changes aside."""
    columns = zip(row._meta.concrete_fields, row_values(row), strict=True)
    values = [value for field, value in columns if field.name not in UNSEEN]
    rights = [sorted(getattr(row, field.name).values_list("pk", flat=True)) for field in row._meta.many_to_many]
    return version_of(row._meta.label_lower, *values, *rights)


class EmailMixin:
    """An e-mail address, normalised, that nobody else has."""

    cleaned_data: dict[str, Any]
    instance: User

    def clean_email(self) -> str:
        """Return the address; the unique key stands behind the look-up."""
        email = self.cleaned_data["email"]
        if not email:
            return ""
        email = normalise_email(email)
        other = User.objects.find_email(email)
        if other and other.pk != self.instance.pk:
            raise ValidationError(_("This e-mail address is taken."), code="taken")
        return email


class UserForm(EmailMixin, SeenForm):
    """What staff change of a user."""

    class Meta:
        model = User
        fields = ["email", "is_active", "is_staff", "is_superuser", "groups", "user_permissions"]


def password_field(label: Any) -> forms.CharField:
    """Return a field for a new password."""
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, required=False, strip=False, max_length=MAX_LENGTH, widget=widget)


class AddUserForm(EmailMixin, forms.ModelForm):  # type: ignore[type-arg]
    """A new user with a password, or a service account without."""

    password1 = password_field(gettext_lazy("Password"))
    password2 = password_field(gettext_lazy("Password (again)"))

    class Meta:
        model = User
        fields = ["username", "email", "is_service"]

    def clean_username(self) -> str:
        """Return the name, if nobody has it in whatever case."""
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username_key=username_key(username)).exists():
            raise ValidationError(_("This username is taken."), code="taken")
        return username

    @sensitive_variables("password")
    def clean(self) -> dict[str, Any]:
        """Check the password against the rules, or that a service account has none."""
        given = super().clean() or self.cleaned_data
        password = given.get("password1")
        if given.get("is_service"):
            if password or given.get("password2"):
                self.add_error("password1", _("A service account has no password: it lives by its token."))
        elif not password:
            self.add_error("password1", _("Give a password, or make it a service account."))
        elif password != given.get("password2"):
            self.add_error("password2", _("The two passwords are not the same."))
        else:
            self.check_rules(password)
        return given

    def check_rules(self, password: str) -> None:
        """Add the error of a password that this user may not have."""
        user = User(username=self.cleaned_data.get("username", ""), email=self.cleaned_data.get("email", ""))
        try:
            validate_password(password, user)
        except ValidationError as error:
            self.add_error("password1", error)

    def save(self, commit: bool = True) -> User:
        """Return the user with the password set."""
        user: User = super().save(commit=False)
        user.set_password(self.cleaned_data.get("password1") or None)
        if commit:
            user.save()
        return user
