import argparse
import re
from typing import Any

from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction

from accounts.models import Token, User
from operations.commands import PlainCommand

RIGHT = re.compile(r"([a-z_0-9]+)\.([a-z_0-9]+)", re.ASCII)


class Command(PlainCommand):
    """Let another backend in: an account without a password, which lives by its token."""

    help = "Make an account for another backend, and print its token. The token does not expire and is shown this once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the name and the rights."""
        parser.add_argument("name", metavar="NAME", help="3 to 32 letters, digits, dots, underscores and hyphens.")
        parser.add_argument(
            "--permission",
            metavar="APP.CODENAME",
            action="append",
            default=[],
            help="A right of the account, such as payments.confirm_payment; may be given several times.",
        )

    def handle(self, *_args: Any, **options: Any) -> str:
        """Make the account with its rights and its token, all or nothing; return the token."""
        with self.acting():
            rights = [found for name in options["permission"] for found in find_right(name)]
            account = create(options["name"])
            account.user_permissions.set(rights)
            return Token.issue(account, expires=False)[1]


def create(name: str) -> User:
    """Create the account, or raise CommandError for a name that breaks the rules or is taken."""
    try:
        with transaction.atomic():
            return User.objects.create_service_account(name)
    except ValidationError as error:
        raise CommandError(f"The name will not do. {' '.join(error.messages)}") from None
    except IntegrityError:
        raise CommandError(f"The name {name} is taken.") from None


def find_right(name: str) -> list[Permission]:
    """Return the permission, or raise CommandError where there is none. Django lets two models share a codename."""
    match = RIGHT.fullmatch(name)
    found = match and Permission.objects.filter(content_type__app_label=match[1], codename=match[2])
    if not found:
        raise CommandError(f"There is no right {name!a}; no account was made.")
    return list(found)
