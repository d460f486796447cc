"""One run: rounds in which every system does every work, by turns."""

from collections import defaultdict
from collections.abc import Sequence

from benchmarks.compare.figures import Measured
from benchmarks.compare.options import Options
from benchmarks.compare.psql import Psql
from benchmarks.compare.seeds import Slots
from benchmarks.compare.systems import Cell, Served, System
from benchmarks.compare.works import WORKS
from dev.say import say

# Requests a second for which rows are made before anything is known, and how many times what is known.
GUESSED_RATE = {"a": 1000, "b": 1500, "c": 3000}
SPARE = 1.6
# A cell ends before its time where the rows are spent, which is no harm; where a client of pgbench spends its share,
# the run ends.
AT_LEAST = 200
WARMING = {"clients": 16, "seconds": 1.0}

Results = dict[tuple[str, int, str], list[Measured]]


class Session:
    """Measures the systems, and keeps what it has seen."""

    def __init__(self, options: Options, systems: Sequence[System], slots: Slots, superuser: Psql) -> None:
        self.options, self.systems, self.slots, self.superuser = options, systems, slots, superuser
        self.results: Results = defaultdict(list)

    def run(self) -> Results:
        """Warm up, then measure round by round, in one order and in the other by turns."""
        say("Warming up")
        for work in self.options.works:
            for system in self.systems:
                self.warm_up(system, work)
        for number in range(self.options.rounds):
            say(f"Round {number + 1} of {self.options.rounds}")
            self.round(forward=number % 2 == 0)
        return self.results

    def warm_up(self, system: System, work: str) -> None:
        """Have a system do some work that does not count."""
        if isinstance(system, Served) and system.does(work):
            clients, seconds = int(WARMING["clients"]), WARMING["seconds"]
            count = int(GUESSED_RATE[system.letter] * seconds)
            self.slots.make(work, count)
            system.measure(Cell(work, clients, seconds, self.slots.take(work, count)))

    def round(self, *, forward: bool) -> None:
        """Do every cell once, with its rows made and nothing left to write but what it writes."""
        for work in self.options.works:
            cells = [self.spent(work, clients, letters) for clients in self.options.clients for letters in ("ab", "c")]
            self.slots.make(work, sum(cells))
        self.superuser.ask("CHECKPOINT;")
        for clients in self.options.clients:
            for work in self.options.works:
                self.turn(work, clients, forward=forward)

    def turn(self, work: str, clients: int, *, forward: bool) -> None:
        """Have all systems do the same, one after the other; (a) and (b) with the same numbers in their own tables."""
        numbers = {letters: self.slots.take(work, self.spent(work, clients, letters)) for letters in ("ab", "c")}
        for system in self.systems if forward else reversed(self.systems):
            if system.does(work):
                letters = "c" if system.letter == "c" else "ab"
                cell = Cell(work, clients, self.seconds(letters), numbers[letters])
                self.results[work, clients, system.letter].append(system.measure(cell))

    def seconds(self, letters: str) -> float:
        """Return how long a cell takes; pgbench needs less time to be sure."""
        return max(1.0, round(self.options.seconds / 2)) if letters == "c" else self.options.seconds

    def spent(self, work: str, clients: int, letters: str) -> int:
        """Return how many rows a cell may spend, by what the fastest has done so far."""
        if not WORKS[work].spends:
            return 0
        seen = [cell.rate for letter in letters for cell in self.results[work, clients, letter]]
        rate = max(seen, default=max(GUESSED_RATE[letter] for letter in letters))
        return max(int(rate * SPARE * self.seconds(letters)), AT_LEAST * clients)
