"""Letters about the account itself."""

import logging

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from .models import User

logger = logging.getLogger(__name__)


def send_reset(user: User) -> None:
    """Tell the user how to set a new password, in the language of the request.

    A mail server that refuses or is away is logged and no more: an error would tell who has an account.
    """
    try:
        send_mail(*letter(user), settings.DEFAULT_FROM_EMAIL, [user.email])
    except OSError:
        logger.exception("The letter to reset a password was not sent to user %s.", user.pk)


def letter(user: User) -> tuple[str, str]:
    """Return subject and text."""
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    return (
        _("Set a new password"),
        _(
            "Somebody, perhaps you, asked to set a new password for %(username)s.\n\n"
            "Within %(hours)s hours, send these to /api/auth/password-reset/confirm with the new password, or enter "
            "them where you asked:\n\n"
            "user_id: %(user_id)s\ntoken: %(token)s\n\n"
            "If it was not you, there is nothing to do."
        )
        % {
            "username": user.username,
            "hours": hours,
            "user_id": user.pk,
            "token": default_token_generator.make_token(user),
        },
    )
