"""What `make bench ARGS=…` and `make bench-check ARGS=…` take."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.compare.works import WORKS

CHECK = "bench-check"
CHECKED = ("active", "confirm")
CHECKED_CLIENTS = 16


class Options(NamedTuple):
    """What is measured, how long, and where the figures go."""

    command: str
    works: tuple[str, ...]
    clients: tuple[int, ...]
    rounds: int
    seconds: float
    check: bool = False
    keep: bool = False
    markdown: Path | None = None
    payments: int = 0
    growth: tuple[int, ...] = ()
    reuse: bool = False


def read(verb: str, words: Sequence[str]) -> Options:
    """Read the words of ARGS."""
    given = parser(verb).parse_args(words)
    command = f'make {verb} ARGS="{" ".join(words)}"' if words else f"make {verb}"
    if verb == CHECK:
        return Options(command, CHECKED, (CHECKED_CLIENTS,), given.rounds, given.seconds, check=True, keep=given.keep)
    return Options(
        command,
        works=tuple(given.works),
        clients=tuple(given.clients or ((1,) if given.growth else (1, 16, 64))),
        rounds=given.rounds or (1 if given.quick else 3),
        seconds=given.seconds or (1.0 if given.quick else 2.0),
        markdown=given.markdown,
        payments=given.payments,
        growth=tuple(given.growth),
        reuse=given.reuse,
    )


def parser(verb: str) -> argparse.ArgumentParser:
    """Return what reads them."""
    known = argparse.ArgumentParser(prog=f"make {verb} ARGS=…", allow_abbrev=False)
    if verb == CHECK:
        known.add_argument("--rounds", type=int, default=3, metavar="N")
        known.add_argument("--seconds", type=float, default=3.0, metavar="S", help="of each measurement in a round")
        known.add_argument("--keep", action="store_true", help="keep these ratios, for later checks to compare with")
        return known
    known.add_argument("--quick", action="store_true", help="one round, a second for each measurement")
    known.add_argument(
        "--works", nargs="+", default=list(WORKS), choices=list(WORKS), metavar="WORK", help=", ".join(WORKS)
    )
    known.add_argument("--clients", nargs="+", type=int, metavar="N", help="how many at once; 1 16 64 unless given")
    known.add_argument("--rounds", type=int, metavar="N")
    known.add_argument("--seconds", type=float, metavar="S", help="of each measurement in a round")
    known.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to this file too")
    known.add_argument("--payments", type=int, default=0, metavar="N", help="have so many beside those asked for")
    known.add_argument(
        "--growth", nargs="+", type=int, default=[], metavar="N", help="p50 of this program at so many payments"
    )
    known.add_argument("--reuse", action="store_true", help="with --growth: keep the databases, and use those kept")
    return known
