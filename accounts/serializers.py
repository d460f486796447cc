"""What the routes below /api/auth read and write."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import get_error_detail

from api.fields import IdField, StrictSerializer, TextField, TidyTextField
from api.shown import RowSerializer

from .models import EmailTaken, User, UsernameTaken
from .names import EMAIL_LENGTH, USERNAME, normalise_email, username_key, validate_username


class UserSerializer(RowSerializer[User]):
    """A user, as they see themselves."""

    class Meta:
        model = User
        fields = ["id", "username", "email"]


@extend_schema_field({"type": "string", "pattern": USERNAME})
class UsernameField(TidyTextField):
    """3 to 32 ASCII letters, digits, dots, underscores and hyphens."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=32, validators=[validate_username], **kwargs)


@extend_schema_field({"type": "string", "format": "email"})
class EmailField(TidyTextField):
    """An e-mail address, normalised."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=EMAIL_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the address."""
        try:
            return normalise_email(super().to_internal_value(data))
        except DjangoValidationError as error:
            raise serializers.ValidationError(get_error_detail(error)) from None


class PasswordField(TidyTextField):
    """A new password; Django's rules are applied where the user it is for is known."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, min_length=8, max_length=256, **kwargs)


def check_password_rules(password: str, user: User, field: str = "password") -> None:
    """Raise 400 on `field` unless the password may be this user's."""
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise serializers.ValidationError({field: get_error_detail(error)}) from None


class Register(StrictSerializer):
    """A new customer."""

    username = UsernameField()
    email = EmailField()
    password = PasswordField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check the password against the names, and that nobody has these names."""
        check_password_rules(attrs["password"], User(username=attrs["username"], email=attrs["email"]))
        if User.objects.filter(username_key=username_key(attrs["username"])).exists():
            raise UsernameTaken
        if User.objects.find_email(attrs["email"]):
            raise EmailTaken
        return attrs


class Login(StrictSerializer):
    """A name or an address, and the password."""

    username = TidyTextField(required=False, max_length=256)
    email = TidyTextField(required=False, max_length=256)
    password = TidyTextField(max_length=256, write_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require exactly one of username and e-mail address."""
        if ("username" in attrs) == ("email" in attrs):
            raise serializers.ValidationError({"username": [_("Give either the username or the e-mail address.")]})
        return attrs


class LoggedIn(serializers.Serializer[Any]):
    """The token, shown this once."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField()
    user = UserSerializer()


class ChangeEmail(StrictSerializer):
    """What of oneself can change."""

    email = EmailField(required=False)


class ChangePassword(StrictSerializer):
    """The old password and the new one."""

    old_password = TidyTextField(max_length=256, write_only=True)
    new_password = PasswordField()


class RequestReset(StrictSerializer):
    """Whose password is lost."""

    email = EmailField()


class ConfirmReset(StrictSerializer):
    """What the reset mail said, and the new password."""

    user_id = IdField()
    token = TextField(max_length=200)
    new_password = PasswordField()
