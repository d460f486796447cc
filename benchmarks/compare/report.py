"""The figures as tables, for the terminal and as Markdown."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.compare.figures import Measured, Spread, ratios, spread
from benchmarks.compare.session import Results
from benchmarks.compare.systems import System
from benchmarks.compare.works import WORKS

NONE = "–"
# What is shown of each cell, with how many places.
FIGURES = {"rate": 0, "p50": 1, "p99": 1, "web_ms": 2, "database_ms": 2}
RATIOS = [("a", "b", "rate"), ("a", "b", "p50"), ("a", "b", "p99"), ("a", "b", "web_ms"), ("a", "c", "rate")]


class Table(NamedTuple):
    """A table: its head, then its rows, all of the same length; the first columns are words, the others figures."""

    head: list[str]
    rows: list[list[str]]
    words: int = 1

    def aligned(self) -> str:
        """Return it for a terminal."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if index < self.words else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in (self.head, *self.rows)
        )

    def markdown(self) -> str:
        """Return it as Markdown."""
        rule = ["---" if index < self.words else "---:" for index in range(len(self.head))]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows))


def keys(results: Results) -> list[tuple[str, int]]:
    """Return what was measured at how many clients, in the order of the works."""
    known = {(work, clients) for work, clients, _ in results}
    return sorted(known, key=lambda key: (list(WORKS).index(key[0]), key[1]))


def legend(systems: Sequence[System], results: Results) -> str:
    """Return what the letters stand for, and how much was asked."""
    return "; ".join(f"{system.letter}: {system.title}" for system in systems) + f". {counted(results)}"


def counted(results: Results) -> str:
    """Return how many requests were counted; an error would have ended the run."""
    return f"{sum(cell.count for cells in results.values() for cell in cells):,} requests, no errors."


def figures(results: Results, systems: Sequence[System]) -> Table:
    """Return the medians of all rounds, a line for each work, number of clients and system."""
    head = ["work", "", "clients", "requests", "req/s", "p50 ms", "p99 ms", "web CPU ms", "database CPU ms"]
    rows = []
    for work, clients in keys(results):
        for system in systems:
            cells = results.get((work, clients, system.letter), [])
            count = str(sum(cell.count for cell in cells)) if cells else NONE
            shown = [median(cells, name, places) for name, places in FIGURES.items()]
            rows.append([WORKS[work].title, system.letter, str(clients), count, *shown])
    return Table(head, rows, words=2)


def compared(results: Results) -> Table:
    """Return the ratios, with the lowest and the highest round."""
    head = ["work", "clients", "a/b req/s", "a/b p50", "a/b p99", "a/b web CPU", "a/c req/s"]
    rows = []
    for work, clients in keys(results):
        found = [
            ratios(results.get((work, clients, one), []), results.get((work, clients, other), []), name)
            for one, other, name in RATIOS
        ]
        rows.append([WORKS[work].title, str(clients), *map(ranged, found)])
    return Table(head, rows)


def grown(results: Results, sizes: Sequence[int]) -> Table:
    """Return p50 at each size, and its ratio to that at the smallest, round by round."""
    smallest, *larger = sizes
    head = ["work", "clients", *(f"p50 ms at {size:,}" for size in sizes), *(f"× at {size:,}" for size in larger)]
    rows = []
    for work, clients in keys(results):
        cells = {size: results.get((work, clients, str(size)), []) for size in sizes}
        times = [median(cells[size], "p50", 2) for size in sizes]
        ratio = [ranged(ratios(cells[size], cells[smallest], "p50")) for size in larger]
        rows.append([WORKS[work].title, str(clients), *times, *ratio])
    return Table(head, rows)


def median(cells: Sequence[Measured], name: str, places: int) -> str:
    """Return the median of a figure over the rounds."""
    found = spread([getattr(cell, name) for cell in cells])
    return NONE if found is None else f"{found.median:.{places}f}"


def ranged(found: Spread | None) -> str:
    """Return a ratio with its range."""
    return NONE if found is None else f"{found.median:.2f} ({found.low:.2f}–{found.high:.2f})"
