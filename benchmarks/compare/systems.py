"""What is measured: two programs that are being served, and pgbench; each on tables that are its own or the first's."""

import http.client
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks.compare.figures import Measured
from benchmarks.compare.processor import Meter
from benchmarks.compare.psql import Psql
from benchmarks.compare.seeds import Tables
from benchmarks.compare.works import PASSWORD, WORKS, Request, request, token
from dev.environment import LOGS, PYTHON, cores
from dev.processes import Children
from dev.say import Refusal

# Whose password hash all others get: made by the program itself, with its own costs.
MODEL = {"username": "model-user", "email": "model-user@example.com", "password": PASSWORD}
# Into which table each transaction of a work writes a row, so that pgbench cannot have done nothing.
WRITTEN = {
    "login": "accounts_token",
    "subscribe": "subscriptions_subscription",
    "checkout": "payments_payment",
    "confirm": "payments_receipt",
}
ABSENT = (404, 405)


class Cell(NamedTuple):
    """One measurement: who asks for what, how many at once, how long, and over which numbers."""

    work: str
    clients: int
    seconds: float
    numbers: range


class System(Protocol):
    """What can be measured."""

    @property
    def letter(self) -> str:
        """The letter that stands for it in tables."""

    @property
    def title(self) -> str:
        """What the letter stands for."""

    def does(self, work: str) -> bool:
        """Tell whether it can do such work at all."""

    def measure(self, cell: Cell) -> Measured:
        """Do the work of a cell."""


@dataclass(frozen=True)
class Served:
    """A program that is being served."""

    letter: str
    title: str
    port: int
    pid: int
    postmaster: int
    tables: Tables
    children: Children
    absent: set[str] = field(default_factory=set)

    def fill(self) -> None:
        """Make the rows that are read, once a user of its own has told how it keeps passwords."""
        status, text = self.ask(Request("POST", "/api/auth/register", dict(MODEL)))
        if status != 201:
            raise Refusal(f"{self.title} does not register a user: {status} {text}")
        self.tables.fill(self.tables.hash_of(MODEL["username"]))

    def ask(self, asked: Request) -> tuple[int, str]:
        """Send one request; return the state and the beginning of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"} if asked.body is not None else {}
        headers |= {"Authorization": f"Token {token(asked.user)}"} if asked.user is not None else {}
        try:
            body = None if asked.body is None else json.dumps(asked.body)
            connection.request(asked.method, asked.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")[:500]
        finally:
            connection.close()

    def try_out(self, work: str, number: int) -> None:
        """See whether there is such a route; refuse to go on where it answers with another error."""
        status, text = self.ask(request(work, number))
        if status in ABSENT:
            self.absent.add(work)
        elif status // 100 != 2:
            raise Refusal(f"{self.title} answers {work} with {status}: {text}")

    def does(self, work: str) -> bool:
        """Tell whether the program has the route."""
        return work not in self.absent

    def measure(self, cell: Cell) -> Measured:
        """Have the clients ask, and count the processor time meanwhile."""
        told = {"work": cell.work, "port": self.port, "clients": cell.clients, "seconds": cell.seconds}
        if WORKS[cell.work].spends:
            told |= {"first": cell.numbers[0], "last": cell.numbers[-1]}
        command = [str(PYTHON), "-m", "benchmarks.compare.load", json.dumps(told)]
        meter = Meter(self.pid, self.postmaster)
        seen = json.loads(self.children.run("The clients", command, env=dict(os.environ), log=LOGS / "bench-load.log"))
        web, database = meter.spent()
        if seen["errors"]:
            raise Refusal(f"{self.title} answers {cell.work} with {seen['errors']} errors: {seen['first_error']}")
        return Measured(len(seen["took"]), seen["seconds"], seen["took"], web, database)


@dataclass(frozen=True)
class Pgbench:
    """pgbench, which sends the statements of the first program and does nothing else."""

    letter: str
    title: str
    psql: Psql
    scripts: Mapping[str, Path]
    postmaster: int
    children: Children

    def does(self, work: str) -> bool:
        """Tell whether there is a script for it."""
        return work in self.scripts

    def measure(self, cell: Cell) -> Measured:
        """Run the script; refuse to go on unless each transaction has written what it was to write."""
        log = LOGS / "bench-pgbench.log"
        written, meter = self.written(cell.work), Meter(self.postmaster)
        output = self.children.run("pgbench", self.command(cell), env=self.psql.secrets, log=log)
        database = meter.spent()[0]
        count, rate = processed(output)
        if WRITTEN.get(cell.work) and self.written(cell.work) - written < count:
            raise Refusal(f"pgbench has done {count} times {cell.work}, but not written as many rows; see {log}.")
        return Measured(count, count / rate, database_cpu=database)

    def command(self, cell: Cell) -> list[str]:
        """Return the command of one measurement."""
        threads, seconds = min(cell.clients, cores()), max(1, round(cell.seconds))
        command = [str(self.psql.programs / "pgbench"), "-n", "-M", "prepared", "-f", str(self.scripts[cell.work])]
        command += ["-c", str(cell.clients), "-j", str(threads), "-T", str(seconds), *self.psql.address]
        if cell.numbers:
            share = len(cell.numbers) // cell.clients
            command += ["-D", "i=-1", "-D", f"first={cell.numbers[0]}", "-D", f"share={share}"]
        return [*command, self.psql.name]

    def written(self, work: str) -> int:
        """Return how many rows were ever written into the work's table."""
        if work not in WRITTEN:
            return 0
        asked = f"SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = '{WRITTEN[work]}';"
        return int(self.psql.ask(asked))


def processed(output: str) -> tuple[int, float]:
    """Return how many transactions pgbench has done, and how many a second; refuse to go on where some failed."""
    count = re.search(r"^number of transactions actually processed: (\d+)", output, re.MULTILINE)
    failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+) \(without initial connection time\)", output, re.MULTILINE)
    if not count or not rate or int(count[1]) == 0 or (failed and int(failed[1])) or " aborted " in output:
        raise Refusal(f"pgbench has not done its work: {output.strip()[-500:]}")
    return int(count[1]), float(rate[1])
