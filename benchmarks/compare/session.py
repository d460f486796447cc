"""One run: rounds in which every system does every work, by turns."""

from collections import defaultdict
from collections.abc import Sequence

from benchmarks.compare.figures import Measured
from benchmarks.compare.options import Options
from benchmarks.compare.seeds import Slots
from benchmarks.compare.systems import Cell, Pgbench, System
from benchmarks.compare.works import WORKS
from dev.say import say

# Requests a second for which rows are made before anything is known, and how many times what is known.
GUESSED_RATE = {"c": 3000.0}
OTHERWISE = 1200.0
SPARE = 1.6
# A cell of a program ends before its time where the rows are spent, which is no harm; a client of pgbench that spends
# its share ends the run.
AT_LEAST = 200
WARMING_CLIENTS, WARMING_SECONDS = 16, 1.0

Results = dict[tuple[str, int, str], list[Measured]]


class Session:
    """Measures the systems, and keeps what it has seen."""

    def __init__(self, options: Options, systems: Sequence[System], slots: Slots) -> None:
        self.options, self.systems, self.slots = options, systems, slots
        # The programs use the same numbers, each in tables of its own; pgbench, in the first's tables, others.
        self.programs = [system for system in systems if not isinstance(system, Pgbench)]
        self.others = [system for system in systems if isinstance(system, Pgbench)]
        self.results: Results = defaultdict(list)

    def run(self) -> Results:
        """Warm up, then measure round by round, in one order and in the other by turns."""
        say("Warming up")
        for work in self.options.works:
            self.warm_up(work)
        for number in range(self.options.rounds):
            say(f"Round {number + 1} of {self.options.rounds}")
            self.round(forward=number % 2 == 0)
        return dict(self.results)

    def warm_up(self, work: str) -> None:
        """Have the programs do some work that does not count."""
        count = int(OTHERWISE * WARMING_SECONDS)
        self.slots.make(work, count)
        cell = Cell(work, WARMING_CLIENTS, WARMING_SECONDS, self.slots.take(work, count))
        for system in self.programs:
            if system.does(work):
                system.measure(cell)

    def round(self, *, forward: bool) -> None:
        """Do every cell once, with its rows made and nothing left to write but what it writes."""
        for work in self.options.works:
            wanted = [self.spent(work, clients, group) for clients in self.options.clients for group in self.groups()]
            self.slots.make(work, sum(wanted))
        for side in self.slots.sides:
            side.write_down()
        for clients in self.options.clients:
            for work in self.options.works:
                self.turn(work, clients, forward=forward)

    def turn(self, work: str, clients: int, *, forward: bool) -> None:
        """Have all systems do the same, one after the other."""
        cells: dict[str, Cell] = {}
        for group in self.groups():
            numbers = self.slots.take(work, self.spent(work, clients, group))
            cells |= {system.letter: Cell(work, clients, self.seconds(system), numbers) for system in group}
        for system in self.systems if forward else reversed(self.systems):
            if system.does(work):
                self.results[work, clients, system.letter].append(system.measure(cells[system.letter]))

    def groups(self) -> list[Sequence[System]]:
        """Return those that use the same numbers, together."""
        return [group for group in (self.programs, self.others) if group]

    def seconds(self, system: System) -> float:
        """Return how long a cell takes; pgbench, which takes whole seconds, needs less time to be sure."""
        return max(1.0, round(self.options.seconds / 2)) if system in self.others else self.options.seconds

    def spent(self, work: str, clients: int, group: Sequence[System]) -> int:
        """Return how many rows a cell may spend, by what the fastest has done so far."""
        if not WORKS[work].spends:
            return 0
        seen = [cell.rate for system in group for cell in self.results[work, clients, system.letter]]
        guessed = max(GUESSED_RATE.get(system.letter, OTHERWISE) for system in group)
        return max(int(max(seen, default=guessed) * SPARE * self.seconds(group[0])), AT_LEAST * clients)
