"""Having this program's statements recorded by the server, request by request, and made into scripts for pgbench."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.compare.psql import Psql
from benchmarks.compare.seeds import Slots
from benchmarks.compare.statements import KEYS, Recorded, Script, sent
from benchmarks.compare.systems import Served
from benchmarks.compare.works import WORKS, request
from dev.say import Refusal

# The first requests find nothing prepared and no cache filled.
BEFOREHAND = 8
RECORDED = 2
SETTLING_SECONDS = 0.1

TABLES = """
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = 'public' AND is_identity = 'YES' AND column_name = 'id' AND data_type = 'bigint' ORDER BY 1;
"""


class Recorder:
    """Asks the program, and reads in the server's log what it has sent for that."""

    def __init__(self, served: Served, slots: Slots, log: Path, pause: Callable[[float], None]) -> None:
        self.served, self.slots, self.log, self.pause = served, slots, log, pause
        self.tables = self.part_keys(served.tables.psql)

    def part_keys(self, psql: Psql) -> list[str]:
        """Have every table deal out keys that tell whose they are."""
        tables = psql.ask(TABLES).split()
        psql.ask(
            "".join(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {KEYS * number});"
                for number, table in enumerate(tables, start=1)
            )
        )
        return tables

    def script(self, work: str, folder: Path) -> Path:
        """Record a kind of work twice and write the script that does the same."""
        numbers = self.slots.numbers(work, BEFOREHAND + RECORDED)
        for number in numbers[:BEFOREHAND]:
            self.ask(work, number)
        recorded = [self.record(work, number) for number in numbers[BEFOREHAND:]]
        path = folder / f"{work}.sql"
        path.write_text(Script(self.tables).text(work, *recorded), encoding="utf-8")
        return path

    def record(self, work: str, number: int) -> Recorded:
        """Ask once; return what was sent for it."""
        before = self.log.stat().st_size
        self.ask(work, number)
        self.pause(SETTLING_SECONDS)
        with self.log.open("rb") as log:
            log.seek(before)
            return Recorded(number, sent(log.read().decode(errors="replace")))

    def ask(self, work: str, number: int) -> None:
        """Ask once; refuse to go on with an error."""
        status, text = self.served.ask(request(work, number))
        if status // 100 != 2:
            raise Refusal(f"{self.served.title} answers {WORKS[work].title} with {status}: {text}")
