"""What a password must be, beside Django's own rules."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_LENGTH = 256


class WrittenPasswordValidator:
    """Refuse passwords over 256 characters and those that begin or end with white space."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a password that cannot be typed reliably, or that costs a second to hash."""
        if len(password) > MAX_LENGTH or password.strip() != password:
            raise ValidationError(self.get_help_text(), code="password_not_typable")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return _("Your password must not be longer than 256 characters, nor begin or end with white space.")
