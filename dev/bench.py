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
from benchmarks.compare.seeds import Tables
from benchmarks.compare.session import Session
from benchmarks.compare.systems import Served
from dev import binaries, environment, postgres, run, serve, suite, twin
from dev.environment import LOGS, Database
from dev.processes import Children, Stopped
from dev.say import Refusal, say

READY_SECONDS = 60.0
# No checkpoint comes into a measurement: one is asked for before each round.
SPACIOUS = ["max_wal_size=8GB", "checkpoint_timeout=1h"]
ALREADY = "Another make bench is at work in this checkout; let it end first."


class Cluster(postgres.Cluster):
    """A PostgreSQL that writes through to the disk, as in production: fsync and synchronous_commit are on."""

    def options(self, port: int) -> Iterator[str]:
        """Add room for the write-ahead log to what every private PostgreSQL is started with."""
        yield from super().options(port)
        for option in SPACIOUS:
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
    database = private.start(children)
    make_twin_database(private, database)
    bench = Bench(children, private, database)
    served = [bench.billing(), bench.twin(folder)]
    return Session(children, options, served, private.server.process.pid, bench.superuser()).run()


@contextmanager
def empty_cluster() -> Iterator[Cluster]:
    """Give a cluster that begins empty, and take its files away once all that used them has stopped."""
    private = Cluster(binaries.runtime_folder() / "postgres-bench")
    shutil.rmtree(private.data, ignore_errors=True)
    try:
        yield private
    finally:
        shutil.rmtree(private.home, ignore_errors=True)


def make_twin_database(private: Cluster, database: Database) -> None:
    private.ask(port_of(database.url), "CREATE DATABASE twin OWNER :owner;")


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


class Bench:
    """Starts what is measured."""

    def __init__(self, children: Children, private: Cluster, database: Database) -> None:
        self.children, self.private, self.database = children, private, database

    def psql(self, url: str) -> Psql:
        return Psql(self.private.programs, url, binaries.ENVIRONMENT)

    def superuser(self) -> Psql:
        return self.psql(self.private.url(postgres.SUPERUSER, port_of(self.database.url)))

    def billing(self) -> Served:
        """Serve this program as `make serve` does: by its own role, with the owner's triggers and rights in place."""
        env = suite.test_environment() | {"DATABASE_URL": self.database.url, "RATE_LIMITS": "off"}
        env |= {"SECRET_KEY": secrets.token_urlsafe(64), "ALLOWED_HOSTS": "127.0.0.1"}
        say("Applying migrations")
        run.migrate(self.children, env, self.database)
        serve.check(self.children, env)
        port = postgres.free_port()
        command = run.web_server({}, "127.0.0.1", port, "info")
        web = self.children.start("The web server", command, env=env, log=LOGS / "bench-billing.log")
        run.wait_until_ready(self.children, port)
        tables = Tables(self.psql(self.database.owner_url), "billing")
        return Served("a", "this program", port, web.process.pid, tables)

    def twin(self, folder: Path) -> Served:
        """Serve the twin, with as many processes."""
        python = twin.install(self.children, folder)
        url = self.database.owner_url.rpartition("/")[0] + "/twin"
        port = postgres.free_port()
        web = self.children.start(
            "The twin",
            twin.server(python, port),
            env=twin.server_environment(folder, url),
            log=LOGS / "bench-twin.log",
        )
        wait_until_it_listens(self.children, port)
        return Served("b", "the twin", port, web.process.pid, Tables(self.psql(url), "twin"))


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
