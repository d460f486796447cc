import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from journal.models import Seal
from journal.seals import exported, next_seal
from operations.commands import PlainCommand, alone


class Command(PlainCommand):
    help = "Seal the events since the last seal. Keep exported seals where whoever owns the database cannot write."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take what to do with the seal."""
        parser.add_argument("--dry-run", action="store_true", help="Say what would be sealed, and write nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a sentence.")
        parser.add_argument("--export", metavar="FILE", help="Write all seals to FILE as lines of JSON; - is stdout.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Seal, say what was sealed, export."""
        with alone(self.name) as allowed:
            seal = next_seal() if allowed else None
            if seal and not options["dry_run"]:
                seal.save(force_insert=True)
        outcome = "already running" if not allowed else "dry run" if options["dry_run"] else "done"
        said = as_json(outcome, seal) if options["json"] else in_words(outcome, seal)
        (self.stderr if options["export"] == "-" else self.stdout).write(said)
        if options["export"] == "-":
            self.stdout.writelines(exported())
        elif options["export"]:
            export(Path(options["export"]))


def in_words(outcome: str, seal: Seal | None) -> str:
    """Return the one line."""
    if outcome == "already running":
        return "seal_journal is already running; nothing done here."
    if seal is None:
        return "Nothing new to seal."
    verb = "Dry run, nothing written; it would be sealed" if outcome == "dry run" else "Sealed"
    return f"{verb}: {seal.count} event{'s' * (seal.count != 1)}, {seal}. Digest {seal.digest}"


def as_json(outcome: str, seal: Seal | None) -> str:
    """Return the same as one JSON object."""
    told: dict[str, Any] = {"command": "seal_journal", "outcome": outcome, "count": seal.count if seal else 0}
    if seal:
        told |= {"first_seq": seal.first_seq, "last_seq": seal.last_seq, "digest": seal.digest}
    return json.dumps(told)


def export(path: Path) -> None:
    """Write all seals into a file, at once: an export that breaks off leaves the one before."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="ascii") as file:
            file.writelines(exported())
        unfinished.replace(path)
    except OSError as error:
        raise CommandError(f"The seals could not be written to {path}: {error.strerror}.") from error
