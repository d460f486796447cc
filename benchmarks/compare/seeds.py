"""The rows that are asked for: the same in this program's tables and in the twin's."""

from dataclasses import dataclass

from benchmarks.compare.psql import Psql
from benchmarks.compare.works import FIRST_SLOT, LOGINS, PLAN, PLANS, PRICE, READERS, STAFF, WORKS


@dataclass(frozen=True)
class Tables:
    """One program's tables: where, and by which files of SQL they are filled."""

    psql: Psql
    kind: str

    def fill(self, password_hash: str) -> None:
        """Make plans, people, and the subscriptions that are read."""
        self.psql.run_file(
            f"{self.kind}_base",
            plan=PLAN,
            price=PRICE,
            staff=STAFF,
            password_hash=password_hash,
            **ends("plan", PLANS),
            **ends("reader", READERS),
            **ends("login", LOGINS),
        )

    def add(self, work: str, numbers: range) -> None:
        """Make for each number what the work will use up."""
        first, last = numbers[0], numbers[-1]
        self.psql.run_file(f"{self.kind}_slots", plan=PLAN, price=PRICE, work=work, first=first, last=last)

    def settle(self) -> None:
        """Let PostgreSQL know its tables, as it would after a night."""
        self.psql.ask("VACUUM (ANALYZE);")


def ends(name: str, numbers: range) -> dict[str, int]:
    """Return the first and the last of the numbers as variables."""
    return {f"first_{name}": numbers[0], f"last_{name}": numbers[-1]}


class Slots:
    """Deals out numbers that nobody has used, having made their rows on every side."""

    def __init__(self, sides: list[Tables]) -> None:
        self.sides = sides
        self.next = FIRST_SLOT
        self.free: dict[str, range] = {}

    def make(self, work: str, count: int) -> None:
        """Have so many numbers ready for a kind of work; those that were left over stay where they are."""
        if not WORKS[work].spends or len(self.free.get(work, ())) >= count:
            return
        numbers = range(self.next, self.next + count)
        for side in self.sides:
            side.add(work, numbers)
        self.next += count
        self.free[work] = numbers

    def take(self, work: str, count: int) -> range:
        """Return numbers of rows that are not used up yet, as many as are wanted or as there are."""
        found = self.free.get(work, range(0))
        self.free[work] = found[count:]
        return found[:count]

    def numbers(self, work: str, count: int) -> range:
        """Return so many numbers to ask for, with their rows made where each can be asked for once only."""
        if (known := WORKS[work].numbers) is not None:
            return known[:count]
        self.make(work, count)
        return self.take(work, count)
