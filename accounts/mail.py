"""Letters about the account itself."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from .models import User


def send_reset(user: User) -> None:
    """Tell the user how to set a new password, in the language of the request."""
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    send_mail(
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
        settings.DEFAULT_FROM_EMAIL,
        [user.email],
    )
