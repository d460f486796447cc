import argparse
import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from billing_time.clock import Moment
from operations.commands import PlainCommand, alone
from payments.demo import ADMIN, OPERATOR, PASSWORD, STORIES, tell
from payments.models import Payment


class Command(PlainCommand):
    """Fill an empty database with something to look at, and say where to look."""

    help = "Make demo plans, customers and staff where they are missing, and say how to log in."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the language and the word that it is meant."""
        parser.add_argument("--force", action="store_true", help="Do it although DEBUG is off.")
        parser.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES], default="en")

    def handle(self, *_args: Any, **options: Any) -> str:
        """Tell the stories. Everybody knows the passwords, so a production database is refused."""
        if not (settings.DEBUG or options["force"]):
            raise CommandError(
                "DEBUG is off, so this may be in production, where logins that everybody knows do harm. "
                "Nothing was made. If it is meant: --force."
            )
        with translation.override(options["language"]), alone("demo") as allowed:
            if not allowed:
                return _("demo is already running; nothing done here.")
            with self.acting():
                plans, people = tell(Moment.current())
            return "\n".join([told(plans, people), *aligned(where_to_go())])


def told(plans: int, people: int) -> str:
    """Return what was made, in one line."""
    if not plans and not people:
        return _("The demo data is there already; nothing was changed.")
    return _("Demo data made: plans %(plans)s, people %(people)s.") % {"plans": plans, "people": people}


def where_to_go() -> dict[str, str]:
    """Return what there is to see, and how to log in where the demo's password holds."""
    base = settings.PUBLIC_URL or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    lines = {_("staff log in at"): f"{base}{reverse('admin:index')}"}
    staff = User.objects.filter(username__in=[ADMIN, OPERATOR]).order_by("username")
    if names := [user.username for user in staff if user.check_password(PASSWORD)]:
        lines[_("as")] = _("%(names)s, password %(password)s") % {
            "names": _(" or ").join(names),
            "password": PASSWORD,
        }
    lines[_("customers")] = _("%(names)s, the same password") % {"names": ", ".join(STORIES)}
    if waiting := Payment.objects.filter(user__username="boris").last():
        lines[_("a page to pay on")] = f"{base}{reverse('checkout', args=[waiting.page_key])}"
    return lines


def aligned(lines: dict[str, str]) -> list[str]:
    """Return the lines with what they say below one another."""
    width = max(map(len, lines))
    return [f"  {label:{width}} {text}" for label, text in lines.items()]
