import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Max, Sum

from journal.models import Event, Seal
from journal.seals import Broken, broken, differing, read_exported
from operations.commands import PlainCommand


class Command(PlainCommand):
    help = "Compute every seal of the journal anew; exit with 1 where one does not hold."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take what to compare with."""
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of sentences.")
        parser.add_argument(
            "--against", metavar="FILE", help="Compare with seals exported before, so that seals cut off show as well."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Verify, and say what was found."""
        found = [*broken(), *against(options["against"])]
        lines = [str(each) for each in found]
        told = counted() | {"outcome": "broken" if found else "done", "broken": lines}
        if options["json"]:
            self.stdout.write(json.dumps({"command": self.name} | told))
        elif not found:
            self.stdout.write(in_words(told))
        if found:
            raise CommandError("\n".join(lines), returncode=1)


def against(name: str | None) -> list[Broken]:
    """Return what differs from the seals in the file; exit with 2 where it cannot be read."""
    if name is None:
        return []
    try:
        with Path(name).open(encoding="ascii") as file:
            return list(differing(read_exported(file)))
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.", returncode=2) from error
    except ValueError as error:
        raise CommandError(f"{name} is not what seal_journal --export wrote: {error}.", returncode=2) from error


def counted() -> dict[str, int]:
    """Return how much is sealed, and how much is not."""
    sealed = Seal.objects.aggregate(last_seq=Max("last_seq", default=0), events=Sum("count", default=0))
    open_ = Event.objects.filter(seq__gt=sealed["last_seq"]).count()
    return {"seals": Seal.objects.count(), "sealed": sealed["events"], "not_sealed": open_}


def in_words(told: dict[str, Any]) -> str:
    """Return the one line of a journal in which all is well."""
    if not told["seals"]:
        return f"Nothing has been sealed yet; {told['not_sealed']} events wait for seal_journal."
    return f"Every seal holds, {told['seals']} over {told['sealed']} events; {told['not_sealed']} are not sealed yet."
