"""How usernames and e-mail addresses are written, and the folded keys by which they are unique."""

import re
import unicodedata
from contextlib import suppress

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

USERNAME = r"^[A-Za-z0-9._-]{3,32}$"
EMAIL_LENGTH = 254
EMAIL_KEY_LENGTH = 320
LOCAL_PART = re.compile(r"[!-~]+", re.ASCII)


def validate_username(username: str) -> None:
    """Raise ValidationError unless the name is 3 to 32 of ASCII letters, digits, dot, underscore, hyphen."""
    if not re.fullmatch(USERNAME.strip("^$"), username, re.ASCII):
        raise ValidationError(_("Must be 3 to 32 of the letters A to Z, digits, “.”, “_” and “-”."), code="invalid")


def normalise_email(email: str) -> str:
    """Return the address with its domain in lower case, or raise ValidationError for what is no plain address."""
    validate = EmailValidator()
    local, _at, domain = email.rpartition("@")
    # Django's pattern lets a few letters beyond ASCII pass that fold to ASCII ones, and control characters in quotes.
    if not LOCAL_PART.fullmatch(local):
        raise ValidationError(validate.message, code=validate.code)
    domain = unicodedata.normalize("NFKC", domain).lower()
    normal = f"{local}@{domain}"
    validate(normal)
    if len(normal) > EMAIL_LENGTH or len(email_key(normal)) > EMAIL_KEY_LENGTH:
        raise ValidationError(_("The address is too long."), code="max_length")
    return normal


def email_key(email: str) -> str:
    """Return the key by which addresses are unique: case folded, an international domain in its ASCII form."""
    local, _at, domain = email.rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}".casefold()


def username_key(username: str) -> str:
    """Return the key by which usernames are unique."""
    return username.casefold()
