"""What `make bench` starts: a PostgreSQL that writes through, this program and the twin, with the same rows."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.compare.options import Options
from benchmarks.compare.psql import Psql
from benchmarks.compare.recording import Recorder
from benchmarks.compare.seeds import Slots, Tables
from benchmarks.compare.statements import PREFIX
from benchmarks.compare.systems import Pgbench, Served, System
from dev import binaries, environment, postgres, run, serve, suite, twin
from dev.environment import LOCAL, LOGS, MANAGE
from dev.processes import Child, Children
from dev.say import Refusal, say

READY_SECONDS = 60.0
# No checkpoint comes into a measurement: one is asked for before each round. Each process of each server has a pool of
# connections, and there are as many as cores. And a log that can be read.
SETTINGS = ["max_wal_size=8GB", "checkpoint_timeout=1h", "max_connections=1000", f"log_line_prefix={PREFIX}"]
SCRIPTS = LOCAL / "bench"
PAYMENTS_EACH = 10


class Cluster(postgres.Cluster):
    """A PostgreSQL that writes through to the disk, as in production: fsync and synchronous_commit are on."""

    def options(self, port: int) -> Iterator[str]:
        """Add to what every private PostgreSQL is started with."""
        yield from super().options(port)
        for option in SETTINGS:
            yield from ("-c", option)


class Contenders:
    """Starts what is measured, on one cluster."""

    def __init__(self, children: Children, private: Cluster) -> None:
        self.children, self.private = children, private
        self.database = private.start(children)
        self.port = int(self.database.url.rpartition(":")[2].partition("/")[0])
        self.postmaster = private.server.process.pid
        self.tables = self.tables_at(self.database.owner_url, "billing")
        self.env = suite.test_environment() | {"DATABASE_URL": self.database.url, "RATE_LIMITS": "off"}
        self.env |= {"SECRET_KEY": secrets.token_urlsafe(64), "ALLOWED_HOSTS": "127.0.0.1"}
        say("Applying migrations")
        run.migrate(children, self.env, self.database)
        serve.check(children, self.env)

    def tables_at(self, url: str, kind: str) -> Tables:
        return Tables(self.psql(url), self.psql(self.private.url(postgres.SUPERUSER, self.port)), kind)

    def psql(self, url: str) -> Psql:
        return Psql(self.private.programs, url, binaries.ENVIRONMENT)

    def side_by_side(self, options: Options, folder: Path) -> tuple[list[System], Slots]:
        """Start both programs, with the same rows, and have pgbench learn the first's statements."""
        other = self.twin(folder)
        say("Making the rows")
        if options.payments:
            self.generate(options.payments)
        other.fill()
        if options.payments:
            other.tables.add_more(self.tables.counted())
        with self.recording() as recorded:
            recorded.fill()
            slots = Slots([self.tables, other.tables])
            scripts = {} if options.check else self.scripts(recorded, slots, options.works)
        ours = self.billing({}, "a")[0]
        for work in options.works:
            number = slots.numbers(work, 1)[0]
            ours.try_out(work, number)
            other.try_out(work, number)
        for tables in slots.sides:
            tables.settle()
        systems: list[System] = [ours, other]
        return ([*systems, self.pgbench(scripts)] if scripts else systems), slots

    def among(self, size: int) -> Served:
        """Serve this program alone, with so many payments beside those that are asked for."""
        say(f"Making {size:,} payments, unless they were kept")
        if not self.tables.hash_of("model-user"):
            self.generate(size)
        served = self.billing({}, str(size))[0]
        if not self.tables.hash_of("model-user"):
            served.fill()
        return served

    def generate(self, payments: int) -> None:
        """Have the program's own generator make customers with many payments."""
        as_owner = self.env | {"DATABASE_URL": self.database.owner_url}
        counts = ["--users", str(max(1, payments // PAYMENTS_EACH)), "--payments", str(payments)]
        command = [*MANAGE, "demo", "--force", *counts]
        self.children.run("manage.py demo", command, env=as_owner, log=LOGS / "demo.log", progress="Making payments")

    def scripts(self, recorded: Served, slots: Slots, works: tuple[str, ...]) -> dict[str, Path]:
        """Record the statements of each kind of work; return the scripts that pgbench gets."""
        say("Recording the statements")
        SCRIPTS.mkdir(exist_ok=True)
        recorder = Recorder(recorded, slots, self.private.log, self.children.pause)
        return {work: recorder.script(work, SCRIPTS) for work in works}

    @contextmanager
    def recording(self) -> Iterator[Served]:
        """Serve this program, by one process, while PostgreSQL logs all that it is sent by it."""
        superuser, role = self.tables.superuser, self.database.role
        superuser.ask(f"ALTER ROLE {role} SET log_statement = 'all';")
        served, web = self.billing({"WEB_PROCESSES": "1"}, "a")
        yield served
        self.children.stop(web)
        superuser.ask(f"ALTER ROLE {role} RESET log_statement;")

    def billing(self, values: dict[str, str], letter: str) -> tuple[Served, Child]:
        """Serve this program as `make serve` does: by its own role, with the owner's triggers and rights in place."""
        port, log = postgres.free_port(), LOGS / f"bench-{letter}.log"
        command = run.web_server(values, "127.0.0.1", port, "info")
        web = self.children.start("The web server", command, env=self.env, log=log)
        run.wait_until_ready(self.children, port)
        return self.served(letter, "this program", port, web, self.tables), web

    def twin(self, folder: Path) -> Served:
        """Serve the twin, with as many processes as this program has."""
        self.private.ask(self.port, "CREATE DATABASE twin OWNER :owner;")
        url = self.database.owner_url.rpartition("/")[0] + "/twin"
        port, python = postgres.free_port(), twin.install(self.children, folder)
        env = twin.server_environment(folder, url)
        # It makes its tables when it starts, which two processes at once may not survive.
        self.children.stop(self.uvicorn(python, port, env, workers=1))
        web = self.uvicorn(python, port, env, workers=environment.web_processes({}))
        title = "the FastAPI twin" if folder == twin.OWN else f"the twin {folder.name}"
        return self.served("b", title, port, web, self.tables_at(url, "twin"))

    def uvicorn(self, python: Path, port: int, env: dict[str, str], *, workers: int) -> Child:
        web = self.children.start("The twin", twin.server(python, port, workers), env=env, log=LOGS / "bench-b.log")
        wait_until_it_answers(self.children, port)
        return web

    def served(self, letter: str, title: str, port: int, web: Child, tables: Tables) -> Served:
        return Served(letter, title, port, web.process.pid, self.postmaster, tables, self.children)

    def pgbench(self, scripts: dict[str, Path]) -> Pgbench:
        title = "pgbench with the statements of a"
        return Pgbench("c", title, self.psql(self.database.url), scripts, self.postmaster, self.children)


def wait_until_it_answers(children: Children, port: int) -> None:
    """Wait for the twin to answer anything at all: it has no route that tells whether it is ready."""
    deadline = time.monotonic() + READY_SECONDS
    while not answers(port):
        if time.monotonic() > deadline:
            raise Refusal(f"The twin does not come up within {READY_SECONDS:.0f} s; see {LOGS / 'bench-b.log'}.")
        children.pause(0.1)
        children.check()


def answers(port: int) -> bool:
    try:
        return bool(run.ask_ready(port))
    except OSError:
        return False
