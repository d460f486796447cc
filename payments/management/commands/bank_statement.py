"""What the bank's statement should say."""

import argparse
import datetime as dt
import json
from typing import Any

from django.core.management.base import CommandError

from billing_time.clock import Moment
from operations.commands import PlainCommand, read_day
from payments.statement import Statement, month_of, statement


class Command(PlainCommand):
    """Sums up what came, what the bank took again and what was given back."""

    help = (
        "Print what came, what the bank took again and what was given back, by day, source and currency; "
        "without dates, of this month."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the days."""
        parser.add_argument("--from", metavar="DATE", dest="start", help="The first day, written YYYY-MM-DD.")
        parser.add_argument("--to", metavar="DATE", dest="end", help="The day after the last one.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a table.")

    def handle(self, *_args: Any, **options: Any) -> str | None:
        """Print the statement."""
        first, next_first = month_of(Moment.current().today)
        start = day_of("--from", options["start"]) or first
        end = day_of("--to", options["end"]) or max(next_first, month_of(start)[1])
        if end <= start:
            raise CommandError("--to must be later than --from; its day is not part of the statement.", returncode=2)
        found = statement(start, end)
        return json.dumps(found.as_data(), ensure_ascii=False) if options["json"] else in_words(found)


def day_of(name: str, text: Any) -> dt.date | None:
    """Return the day that an option gives; exit with 2 for what is none."""
    if text is None or isinstance(text, dt.date):
        return text
    try:
        return read_day(text)
    except ValueError:
        raise CommandError(f"{name} must be a day written YYYY-MM-DD, such as 2026-01-31.", returncode=2) from None


def in_words(found: Statement) -> str:
    """Return a line for each day, source and currency, and one for each currency's total."""
    lines = [f"{line.day} {line.source}: {sums_in_words(line.as_data())}" for line in found.lines]
    for currency, sums in found.totals.items():
        lines.append(f"In all: {sums_in_words(sums.as_data() | {'currency': currency})}")
    return "\n".join([*lines, f"{len(found.lines)} lines from {found.start} to before {found.end}."])


def sums_in_words(data: dict[str, str]) -> str:
    """Return the sums of one line."""
    words = "{received} received, {returned} returned, {refunded} refunded, {total} {currency} in total."
    return words.format(**data)
