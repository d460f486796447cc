"""What the commands share: sentences for errors, one run at a time, small batches, an orderly stop."""

import argparse
import datetime as dt
import json
import signal
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from types import FrameType
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, InterfaceError, OperationalError, connection
from django.db.models import QuerySet

from api.fields import DATE
from billing_time.clock import Moment
from transactions.acting import Actor, Channel, acting
from transactions.retrying import BUSY, retrying, sqlstate

# The first half of the advisory lock's key: "bill". Locks of two integers never meet those of one.
LOCK_SPACE = 0x62696C6C
# A batch neither waits nor works for long, so that no request waits long for it.
TIMEOUTS = "SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '20s', true)"
ROUNDS = 3
PAUSE_SECONDS = 1.0
UNDEFINED_TABLE = "42P01"


class PlainCommand(BaseCommand):
    """A command that says in a sentence what went wrong with the database, and then exits with 1."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command."""
        try:
            return super().execute(*args, **options)
        except Error as error:
            raise CommandError(sentence_of(error)) from error

    @property
    def name(self) -> str:
        """What the command is called."""
        return type(self).__module__.rpartition(".")[2]

    def acting(self) -> AbstractContextManager[None]:
        """Open a transaction in which the journal knows that this command acts."""
        return acting(Actor.command(self.name), Channel.COMMAND)


def sentence_of(error: Error) -> str:
    """Return what a database error means to whoever runs a command, or raise it where it is a fault of this program."""
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    if sqlstate(error) == UNDEFINED_TABLE:
        return "The database is not ready for this program: run `manage.py migrate` first."
    if isinstance(error, OperationalError | InterfaceError):
        return f"The database could not be used: {first_line}."
    raise error


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Yield whether nobody else runs `name` in this database.

    The lock belongs to the session of this process's connection, so that it ends with it, however that ends.
    """
    key = [LOCK_SPACE, zlib.crc32(name.encode()) - 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        if held:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


@dataclass
class Stop:
    """The wish to stop: SIGINT and SIGTERM express it, and the work looks at it between two batches."""

    signum: int = 0
    wished: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take the signals meanwhile. Outside of the main thread nothing can, and nothing needs to."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def note(self, signum: int, _frame: FrameType | None) -> None:
        """Finish the running batch and stop; at the second signal stop at once, which rolls it back."""
        if self.signum:
            raise SystemExit(128 + signum)
        self.signum = signum
        self.wished.set()


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    DRY_RUN = "dry run"
    ALREADY_RUNNING = "already running"
    STOPPED = "stopped"
    LEFT_SOME = "left some"
    FAILED = "failed"


@dataclass
class Run:
    """One run of a batch command: when it acts, and what it has done so far."""

    moment: Moment
    counts: Counter[str] = field(default_factory=Counter)
    left: int = 0
    stop: Stop = field(default_factory=Stop)
    outcome: Outcome = Outcome.DONE
    error: str = ""

    @property
    def exit_code(self) -> int:
        """Zero where all that was due is done, or another run is doing it."""
        if self.outcome is Outcome.STOPPED:
            return 128 + self.stop.signum
        return int(self.outcome in (Outcome.LEFT_SOME, Outcome.FAILED))


class BatchCommand(PlainCommand):
    """A command that changes many rows, a batch per transaction; interrupted anywhere, it is simply run again.

    Rows that somebody else has locked are left out and tried again a little later: whoever holds them writes down the
    same facts. What is still locked then is reported, with exit code 1.
    """

    batch_size = 1000
    unit: ClassVar[dict[str, tuple[str, str]]]
    """What is counted: for each name in the JSON, how the line calls one of it, and several."""

    def due(self, moment: Moment) -> list[QuerySet[Any]]:
        """Return the rows that are to be changed at `moment`."""
        raise NotImplementedError

    def change(self, rows: QuerySet[Any], moment: Moment) -> dict[str, int]:
        """Change locked rows, set-based, within the caller's transaction; return what was done by name."""
        raise NotImplementedError

    def foresee(self, rows: QuerySet[Any], moment: Moment) -> dict[str, int]:
        """Return what `change` would do; touch nothing."""
        raise NotImplementedError

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take what every batch command takes."""
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done, and touch nothing.")
        parser.add_argument("--at", metavar="DATE", help="Act as if it were that day, written YYYY-MM-DD.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a sentence.")

    def handle(self, *_args: Any, **options: Any) -> str | None:
        """Run, and say how it went; exit with 1 where something failed, 130 or 143 where it was stopped."""
        run = Run(moment_at(options["at"]))
        run.counts.update(dict.fromkeys(self.unit, 0))
        if options["dry_run"]:
            self.look(run)
        else:
            self.work(run)
        said = self.as_json(run) if options["json"] else self.in_words(run)
        if not run.exit_code:
            return said
        if options["json"]:
            self.stdout.write(said)
        raise CommandError(self.in_words(run), returncode=run.exit_code)

    def look(self, run: Run) -> None:
        """Count what a run would do. Nothing is locked, so it may look on while another run is at work."""
        run.outcome = Outcome.DRY_RUN
        for rows in self.due(run.moment):
            run.counts.update(self.foresee(rows, run.moment))

    def work(self, run: Run) -> None:
        """Do what is due, unless another run is at it."""
        try:
            with alone(self.name) as allowed, run.stop.on_signals():
                if allowed:
                    self.work_off(run)
                else:
                    run.outcome = Outcome.ALREADY_RUNNING
        except Error as error:
            run.error = sentence_of(error)
            run.outcome = Outcome.FAILED

    def work_off(self, run: Run) -> None:
        """Go over what is due until nothing is left, or until it is clear that others hold on to the rest."""
        for round_ in range(ROUNDS):
            run.stop.wished.wait(PAUSE_SECONDS if round_ else 0)
            for rows in self.due(run.moment):
                self.go_over(rows, run)
            run.left = sum(rows.count() for rows in self.due(run.moment))
            if run.stop.signum or not run.left:
                break
        if run.left:
            run.outcome = Outcome.STOPPED if run.stop.signum else Outcome.LEFT_SOME

    def go_over(self, rows: QuerySet[Any], run: Run) -> None:
        """Change the rows batch by batch in the order of their keys, until the last or until the wish to stop."""
        after: Any = None
        while not run.stop.signum:
            done, after = retrying(partial(self.batch, rows, after, run.moment), BUSY)
            run.counts.update(done)
            if after is None:
                return

    def batch(self, rows: QuerySet[Any], after: Any, moment: Moment) -> tuple[dict[str, int], Any]:
        """Change the next rows in one transaction; return what was done, and the last key or None at the end.

        READ COMMITTED: each row is looked at again once it is locked, and one that others hold is left to them.
        """
        following = rows if after is None else rows.filter(pk__gt=after)
        with self.acting():
            with connection.cursor() as cursor:
                cursor.execute(TIMEOUTS)
            free = following.order_by("pk").select_for_update(skip_locked=True, no_key=True, of=("self",))
            keys = list(free.values_list("pk", flat=True)[: self.batch_size])
            done = self.change(rows.model._default_manager.filter(pk__in=keys), moment) if keys else {}
        return done, keys[-1] if len(keys) == self.batch_size else None

    def in_words(self, run: Run) -> str:
        """Return the one line."""
        done = ", ".join(f"{count} {self.unit[name][count != 1]}" for name, count in sorted_as(self.unit, run.counts))
        match run.outcome:
            case Outcome.DRY_RUN:
                return f"Dry run, nothing changed; it would be: {done}."
            case Outcome.ALREADY_RUNNING:
                return f"{self.name} is already running; nothing done here."
            case Outcome.STOPPED:
                return f"Stopped: {done}; {run.left} left. Run it again for the rest."
            case Outcome.LEFT_SOME:
                return f"{done}; {run.left} left, for others hold them. Run it again later."
            case Outcome.FAILED:
                return f"{run.error} Before that: {done}."
            case _:
                return f"{done}."

    def as_json(self, run: Run) -> str:
        """Return the same as one JSON object."""
        told = {"command": self.name, "outcome": run.outcome, "at": run.moment.today.isoformat()}
        return json.dumps(told | dict(sorted_as(self.unit, run.counts)) | {"left": run.left})


def sorted_as(names: dict[str, Any], counts: Counter[str]) -> list[tuple[str, int]]:
    """Return the counts in the order of the names."""
    return [(name, counts[name]) for name in names]


def moment_at(day: str | dt.date | None) -> Moment:
    """Return the moment that `--at` means, the present one without it; exit with 2 for what is no day."""
    if day is None:
        return Moment.current()
    try:
        if not isinstance(day, dt.date):
            day = read_day(day)
        return Moment.on(day)
    except (ValueError, OverflowError):
        raise CommandError("--at must be a day written YYYY-MM-DD, such as 2026-01-31.", returncode=2) from None


def read_day(text: str) -> dt.date:
    """Return the day, or raise ValueError for anything but ASCII `YYYY-MM-DD`."""
    if not DATE.fullmatch(text):
        raise ValueError(text)
    return dt.date.fromisoformat(text)
