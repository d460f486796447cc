import argparse
import os
import time
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
from payments.demo_bulk.filling import Refused, Size, fill
from payments.models import Payment


class Command(PlainCommand):
    """Fill an empty database with something to look at, and say where to look."""

    help = "Make demo plans, customers and staff where they are missing, and say how to log in."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the language and the word that it is meant."""
        parser.add_argument("--force", action="store_true", help="Do it although DEBUG is off.")
        parser.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES], default="en")
        parser.add_argument("--users", metavar="N", type=int, help="Make customers in bulk as well, so many in all.")
        parser.add_argument("--payments", metavar="M", type=int, help="And so many payments of theirs in all.")

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
            wanted = size_of(options)
            with self.acting():
                plans, people = tell(Moment.current())
            lines = [told(plans, people), *aligned(where_to_go())]
            return "\n".join([*lines, self.filled(wanted)] if wanted else lines)

    def filled(self, wanted: Size) -> str:
        """Make customers in bulk; return how many were made. Exit with 1 for what cannot be, 130 or 143 if stopped."""
        began = time.monotonic()
        try:
            made, stop = fill(wanted, Moment.current(), self.tell_progress)
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        said = told_in_bulk(made, time.monotonic() - began)
        if stop.signum:
            raise CommandError(said, returncode=128 + stop.signum)
        return said

    def tell_progress(self, done: int, of_all: int) -> None:
        """Show how far it is: on a terminal in one line, else in a line for each chunk."""
        begin, end = ("\r", "\n" if done == of_all else "") if self.stderr.isatty() else ("", "\n")
        said = _("payments %(done)s of %(all)s") % {"done": done, "all": of_all}
        self.stderr.write(f"{begin}{said}", style_func=str, ending=end)
        self.stderr.flush()


def size_of(options: dict[str, Any]) -> Size | None:
    """Return how much there is to be in bulk, if anything; exit with 2 where only one of both is told."""
    users, payments = options["users"], options["payments"]
    if users is None and payments is None:
        return None
    if users is None or payments is None or min(users, payments) < 0:
        raise CommandError("Name both --users and --payments, each zero or more.", returncode=2)
    return Size(users, payments)


def told_in_bulk(made: Size, seconds: float) -> str:
    """Return what was made in bulk, in one line."""
    if not made.users:
        return _("The customers in bulk are there already; nothing was changed.")
    return _("Made in bulk in %(seconds).0f s: customers %(users)s, payments %(payments)s.") % {
        "seconds": seconds,
        "users": made.users,
        "payments": made.payments,
    }


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
