"""What `make bench ARGS=…` takes."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.compare.works import WORKS

CLIENTS = (1, 16, 64)


class Options(NamedTuple):
    """What is measured, how long, and where the figures go."""

    works: tuple[str, ...]
    clients: tuple[int, ...]
    rounds: int
    seconds: float
    markdown: Path | None = None
    keep: bool = False
    check: bool = False
    payments: int = 0
    growth: tuple[int, ...] = ()
    command: str = "make bench"


def read(verb: str, words: Sequence[str]) -> Options:
    """Read the words after ARGS=."""
    given = parser(verb).parse_args(words)
    check = verb == "bench-check"
    quick = check or given.quick
    return Options(
        works=tuple(given.works or (("active", "confirm") if check else WORKS)),
        clients=tuple(given.clients or ((16,) if check else CLIENTS)),
        rounds=given.rounds or (3 if check else 2 if quick else 3),
        seconds=given.seconds or (3.0 if check else 1.0 if quick else 2.0),
        markdown=given.markdown,
        keep=given.keep,
        check=check,
        payments=given.payments,
        growth=tuple(given.growth or ()),
        command=" ".join([f"make {verb}", *([f'ARGS="{" ".join(words)}"'] if words else [])]),
    )


def parser(verb: str) -> argparse.ArgumentParser:
    """Return what reads them."""
    known = argparse.ArgumentParser(prog=f"make {verb} ARGS=…", allow_abbrev=False)
    known.add_argument("--quick", action="store_true", help="two rounds of a second each")
    known.add_argument("--works", nargs="+", choices=list(WORKS), metavar="WORK", help=", ".join(WORKS))
    known.add_argument("--clients", nargs="+", type=int, metavar="N", help="how many at once: 1 16 64")
    known.add_argument("--rounds", type=int, metavar="N")
    known.add_argument("--seconds", type=float, metavar="S", help="of each measurement in a round")
    known.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to a file as well")
    known.add_argument("--keep", action="store_true", help="keep the ratios, for make bench-check to compare with")
    known.add_argument("--payments", type=int, default=0, metavar="N", help="beside the rows asked for")
    known.add_argument("--growth", nargs="+", type=int, metavar="N", help="p50 at so many payments, of (a) alone")
    return known
