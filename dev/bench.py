"""`make bench`: this program beside a FastAPI twin and pgbench, in one run on one PostgreSQL."""

import os
import secrets
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.compare.options import Options, read
from benchmarks.compare.psql import Psql
from benchmarks.compare.recording import Recorder
from benchmarks.compare.report import table
from benchmarks.compare.seeds import Slots, Tables
from benchmarks.compare.session import Session
from benchmarks.compare.statements import PREFIX
from benchmarks.compare.systems import Pgbench, Served, System
from dev import binaries, environment, postgres, run, serve, suite, twin
from dev.environment import LOCAL, LOGS, Database
from dev.processes import Child, Children, Stopped
from dev.say import Refusal, say

READY_SECONDS = 60.0
# No checkpoint comes into a measurement: one is asked for before each round.
SETTINGS = ["max_wal_size=8GB", "checkpoint_timeout=1h", f"log_line_prefix={PREFIX}"]
ALREADY = "Another make bench is at work in this checkout; let it end first."


class Cluster(postgres.Cluster):
    """A PostgreSQL that writes through to the disk, as in production: fsync and synchronous_commit are on."""

    def options(self, port: int) -> Iterator[str]:
        """Add to what every private PostgreSQL is started with: room for the write-ahead log, and a log to be read."""
        yield from super().options(port)
        for option in SETTINGS:
            yield from ("-c", option)


def main(arguments: list[str]) -> int:
    options = read(arguments[0], shlex.split(os.environ.get("ARGS", "")))
    with environment.lock("bench", refusal=ALREADY), empty_cluster() as private, Children() as children:
        try:
            return measure(children, options, private)
        except Stopped:
            say("\nStopped.")
            return 130


def measure(children: Children, options: Options, private: Cluster) -> int:
    folder = twin.folder(environment.given())
    bench = Bench(children, private, private.start(children))
    systems, slots = bench.systems(options, folder)
    results = Session(options, systems, slots, bench.superuser).run()
    say(table(results, systems))
    return 0


@contextmanager
def empty_cluster() -> Iterator[Cluster]:
    """Give a cluster that begins empty, and take its files away once all that used them has stopped."""
    private = Cluster(binaries.runtime_folder() / "postgres-bench")
    shutil.rmtree(private.data, ignore_errors=True)
    try:
        yield private
    finally:
        shutil.rmtree(private.home, ignore_errors=True)


class Bench:
    """Starts what is measured."""

    def __init__(self, children: Children, private: Cluster, database: Database) -> None:
        self.children, self.private, self.database = children, private, database
        self.port = int(database.url.rpartition(":")[2].partition("/")[0])
        self.postmaster = private.server.process.pid
        self.superuser = self.psql(private.url(postgres.SUPERUSER, self.port))
        self.tables = Tables(self.psql(database.owner_url), "billing")
        self.env = suite.test_environment() | {"DATABASE_URL": database.url, "RATE_LIMITS": "off"}
        self.env |= {"SECRET_KEY": secrets.token_urlsafe(64), "ALLOWED_HOSTS": "127.0.0.1"}

    def psql(self, url: str) -> Psql:
        return Psql(self.private.programs, url, binaries.ENVIRONMENT)

    def systems(self, options: Options, folder: Path) -> tuple[list[System], Slots]:
        """Start both programs, with the same rows; record the first's statements; return all three with the slots."""
        say("Applying migrations")
        run.migrate(self.children, self.env, self.database)
        serve.check(self.children, self.env)
        other = self.twin(folder)
        say("Making the rows")
        other.fill()
        with self.recording() as recorded:
            recorded.fill()
            slots = Slots([self.tables, other.tables])
            say("Recording the statements")
            recorder = Recorder(recorded, slots, self.private.log, self.children.pause)
            scripts = {work: recorder.script(work, LOCAL / "bench") for work in options.works}
        ours = self.billing({})[0]
        for work in options.works:
            number = slots.numbers(work, 1)[0]
            ours.try_out(work, number)
            other.try_out(work, number)
        for tables in slots.sides:
            tables.settle()
        limit = Pgbench("c", "pgbench", self.psql(self.database.url), scripts, self.postmaster, self.children)
        return [ours, other, limit], slots

    @contextmanager
    def recording(self) -> Iterator[Served]:
        """Serve this program while PostgreSQL logs all that it is sent by it."""
        (LOCAL / "bench").mkdir(exist_ok=True)
        self.superuser.ask(f"ALTER ROLE {self.database.role} SET log_statement = 'all';")
        served, web = self.billing({"WEB_PROCESSES": "1"})
        yield served
        self.children.stop(web)
        self.superuser.ask(f"ALTER ROLE {self.database.role} RESET log_statement;")

    def billing(self, values: dict[str, str]) -> tuple[Served, Child]:
        """Serve this program as `make serve` does: by its own role, with the owner's triggers and rights in place."""
        port = postgres.free_port()
        command = run.web_server(values, "127.0.0.1", port, "info")
        web = self.children.start("The web server", command, env=self.env, log=LOGS / "bench-billing.log")
        run.wait_until_ready(self.children, port)
        return self.served("a", "this program", port, web, self.tables), web

    def twin(self, folder: Path) -> Served:
        """Serve the twin, with as many processes."""
        self.private.ask(self.port, "CREATE DATABASE twin OWNER :owner;")
        url = self.database.owner_url.rpartition("/")[0] + "/twin"
        port, python = postgres.free_port(), twin.install(self.children, folder)
        env = twin.server_environment(folder, url)
        web = self.children.start("The twin", twin.server(python, port), env=env, log=LOGS / "bench-twin.log")
        wait_until_it_listens(self.children, port)
        return self.served("b", "the twin", port, web, Tables(self.psql(url), "twin"))

    def served(self, letter: str, title: str, port: int, web: Child, tables: Tables) -> Served:
        return Served(letter, title, port, web.process.pid, self.postmaster, tables, self.children)


def wait_until_it_listens(children: Children, port: int) -> None:
    """Wait for the twin to answer anything at all: it has no route that tells whether it is ready."""
    deadline = time.monotonic() + READY_SECONDS
    while not answers(port):
        if time.monotonic() > deadline:
            raise Refusal(f"The twin does not come up within {READY_SECONDS:.0f} s; see {LOGS / 'bench-twin.log'}.")
        children.pause(0.1)
        children.check()


def answers(port: int) -> bool:
    try:
        return bool(run.ask_ready(port))
    except OSError:
        return False
