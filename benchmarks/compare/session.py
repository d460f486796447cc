"""One run: rounds in which every system does every work, by turns."""

import json
import os
from collections import defaultdict

from benchmarks.compare.figures import Measured
from benchmarks.compare.options import Options
from benchmarks.compare.processor import used
from benchmarks.compare.psql import Psql
from benchmarks.compare.report import table
from benchmarks.compare.seeds import Slots
from benchmarks.compare.systems import Served
from benchmarks.compare.works import WORKS
from dev.environment import LOGS, PYTHON
from dev.processes import Children
from dev.say import Refusal, say

# Requests a second for which rows are made before anything is known.
GUESSED_RATE = 1500
SPARE = 1.5
WARMING_SECONDS = 0.7
WARMING_CLIENTS = 16

Results = dict[tuple[str, int, str], list[Measured]]


class Session:
    """Measures what is served, and keeps what it has seen."""

    def __init__(
        self, children: Children, options: Options, served: list[Served], postmaster: int, superuser: Psql
    ) -> None:
        self.children, self.options, self.served = children, options, served
        self.postmaster, self.superuser = postmaster, superuser
        self.slots = Slots([each.tables for each in served])
        self.results: Results = defaultdict(list)

    def run(self) -> int:
        """Fill the tables, warm up, measure, report; return the exit status."""
        say("Making the rows")
        for each in self.served:
            each.fill()
        self.prepare(GUESSED_RATE)
        for each in self.served:
            each.tables.settle()
        say("Warming up")
        for work in self.options.works:
            self.cell(work, WARMING_CLIENTS, WARMING_SECONDS, forward=True, keep=False)
        for number in range(self.options.rounds):
            say(f"Round {number + 1} of {self.options.rounds}")
            self.round(forward=number % 2 == 0)
        say(table(self.results, self.served))
        return 0

    def prepare(self, rate: float) -> None:
        """Have enough rows ready for a round, and nothing left to write but what the round writes."""
        for work in self.options.works:
            self.slots.make(work, self.wanted(work))
        self.superuser.ask("CHECKPOINT;")

    def wanted(self, work: str) -> int:
        """Return how many rows a round of a work may spend."""
        return sum(self.rows(work, clients) for clients in self.options.clients) + self.rows(work, WARMING_CLIENTS)

    def rows(self, work: str, clients: int) -> int:
        """Return how many rows a cell may spend, by what the fastest has done so far."""
        seen = [cell.rate for each in self.served for cell in self.results[work, clients, each.letter]]
        return int(max(seen, default=GUESSED_RATE) * SPARE * self.options.seconds) + 100

    def round(self, *, forward: bool) -> None:
        """Do every cell once."""
        self.prepare(GUESSED_RATE)
        for clients in self.options.clients:
            for work in self.options.works:
                self.cell(work, clients, self.options.seconds, forward=forward)

    def cell(self, work: str, clients: int, seconds: float, *, forward: bool, keep: bool = True) -> None:
        """Have all systems do the same with the same numbers, one after the other."""
        numbers = self.slots.take(work, self.rows(work, clients))
        for each in self.served if forward else reversed(self.served):
            seen = self.measure(each, work, clients, seconds, numbers)
            if keep:
                self.results[work, clients, each.letter].append(seen)

    def measure(self, each: Served, work: str, clients: int, seconds: float, numbers: range) -> Measured:
        """Have the clients ask one system, and count the processor time meanwhile."""
        told = {"work": work, "port": each.port, "clients": clients, "seconds": seconds}
        if WORKS[work].spends:
            told |= {"first": numbers[0], "last": numbers[-1]}
        command = [str(PYTHON), "-m", "benchmarks.compare.load", json.dumps(told)]
        before = used(each.pid, self.postmaster)
        seen = json.loads(self.children.run("The clients", command, env=dict(os.environ), log=LOGS / "bench-load.log"))
        after = used(each.pid, self.postmaster)
        web, database = (
            (now - then for now, then in zip(after, before, strict=True)) if before and after else (None, None)
        )
        if seen["errors"]:
            raise Refusal(f"{each.title} answers {work} with an error: {seen['first_error']}")
        return Measured(len(seen["took"]), seen["seconds"], seen["took"], seen["answered"], web, database)
