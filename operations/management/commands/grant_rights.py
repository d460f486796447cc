import argparse
from typing import Any

from django.core.management.base import CommandError
from django.db import ProgrammingError

from operations import rights
from operations.commands import PlainCommand, alone
from transactions.retrying import sqlstate

SHOWN = 10
INSUFFICIENT_PRIVILEGE = "42501"


class Command(PlainCommand):
    """Give the application's role what it needs, and take from it what could undo a record."""

    help = (
        "Give ROLE, which the application serves with, its rights: to be run as the owner of the tables after each "
        "`migrate`. `make migrate` does so where DATABASE_OWNER_URL is set."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the role, and whether only to look."""
        parser.add_argument("role", metavar="ROLE", help="The role of the application's DATABASE_URL.")
        parser.add_argument("--check", action="store_true", help="Change nothing; exit with 1 where rights differ.")

    def handle(self, *_args: Any, **options: Any) -> str:
        """Compare, or mend; say which in one line."""
        role = options["role"]
        if not rights.exists(role):
            raise CommandError(f"There is no role {role!a}: CREATE ROLE makes one; see docs/deployment.md.")
        refuse_powers(role)
        return compared(role) if options["check"] else self.granted(role)

    def granted(self, role: str) -> str:
        """Mend the role's rights, unless another run is at it."""
        if not rights.is_ours():
            raise CommandError(f"This must run as {rights.owner()}, the role that owns the tables.")
        with alone(self.name) as allowed:
            return mended(role) if allowed else f"{self.name} is already running; nothing done here."


def refuse_powers(role: str) -> None:
    """Refuse a role that no grant could hold back."""
    if found := rights.powers(role):
        raise CommandError(f"{role} {found[0]}: rights would not hold it back. The application needs a plain role.")


def compared(role: str) -> str:
    """Return that all is well, or raise CommandError with what is not."""
    if found := rights.differences(role):
        raise CommandError(f"{role} {listed(found)}.")
    return f"{role} has the rights that it should have."


def mended(role: str) -> str:
    """Return what was done, or raise CommandError with what could not be."""
    before = rights.differences(role)
    try:
        left = rights.mend(role)
    except ProgrammingError as error:
        if sqlstate(error) != INSUFFICIENT_PRIVILEGE:
            raise
        raise CommandError(f"Nothing was changed: {str(error).splitlines()[0]}.") from None
    if left:
        raise CommandError(f"{role} still {listed(left)}: only whoever granted that can change it.")
    return f"{role} has the rights that it should have; {len(before)} of them changed."


def listed(found: list[rights.Difference]) -> str:
    """Return the differences as the end of a sentence, the first few by name."""
    more = [f"{len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "; ".join([*map(str, found[:SHOWN]), *more])
