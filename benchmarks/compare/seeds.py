"""The rows that are asked for: the same in this program's tables and in the twin's."""

from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.compare.psql import Psql
from benchmarks.compare.works import FIRST_PAID, FIRST_SLOT, LOGINS, PLAN, PLANS, PRICE, READERS, STAFF, WORKS

COUNTED = """
    SELECT (SELECT count(*) FROM accounts_user), (SELECT count(*) FROM subscriptions_subscription),
        (SELECT count(*) FROM payments_payment);
"""
USERS = {"billing": "accounts_user", "twin": "users"}
SLOTS = range(FIRST_SLOT, STAFF)


class Counts(NamedTuple):
    """How many rows a program has."""

    users: int
    subscriptions: int
    payments: int


@dataclass(frozen=True)
class Tables:
    """One program's tables: where, who may do anything there, and by which files of SQL they are filled."""

    psql: Psql
    superuser: Psql
    kind: str

    def fill(self, password_hash: str) -> None:
        """Make plans, people, and the subscriptions that are read."""
        self.psql.run_file(
            f"{self.kind}_base",
            plan=PLAN,
            price=PRICE,
            staff=STAFF,
            first_paid=FIRST_PAID,
            password_hash=password_hash,
            **ends("plan", PLANS),
            **ends("reader", READERS),
            **ends("login", LOGINS),
        )

    def hash_of(self, username: str) -> str:
        """Return how the program keeps a user's password; nothing where there is no such user."""
        return self.psql.ask(f"SELECT password_hash FROM {USERS[self.kind]} WHERE username = '{username}';")

    def add(self, work: str, numbers: range) -> None:
        """Make for each number what the work will use up."""
        first, last = numbers[0], numbers[-1]
        self.psql.run_file(f"{self.kind}_slots", plan=PLAN, price=PRICE, work=work, first=first, last=last)

    def next_slot(self) -> int:
        """Return the first number that no earlier run has used."""
        within = f"id BETWEEN {SLOTS[0]} AND {SLOTS[-1]}"
        return int(self.psql.ask(f"SELECT coalesce(max(id) + 1, {SLOTS[0]}) FROM {USERS[self.kind]} WHERE {within};"))

    def counted(self) -> Counts:
        """Count the rows of this program's tables."""
        return Counts(*map(int, self.psql.ask(COUNTED).split("|")))

    def add_more(self, counts: Counts) -> None:
        """Make so many rows in the twin's tables that nobody asks for."""
        self.psql.run_file("twin_more", plan=PLAN, price=PRICE, **counts._asdict())

    def settle(self) -> None:
        """Let PostgreSQL know its tables, as it would after a night."""
        self.psql.ask("VACUUM (ANALYZE);")

    def write_down(self) -> None:
        """Have everything on disk that has not been written there yet."""
        self.superuser.ask("CHECKPOINT;")


def ends(name: str, numbers: range) -> dict[str, int]:
    """Return the first and the last of the numbers as variables."""
    return {f"first_{name}": numbers[0], f"last_{name}": numbers[-1]}


class Slots:
    """Deals out numbers that nobody has used, having made their rows on every side."""

    def __init__(self, sides: list[Tables]) -> None:
        self.sides = sides
        self.next = max(side.next_slot() for side in sides)
        self.free: dict[str, range] = {}

    def make(self, work: str, count: int) -> None:
        """Have so many numbers ready for a kind of work; where fewer are left, they stay unused for ever."""
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
