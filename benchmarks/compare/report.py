"""The figures as a table."""

from collections.abc import Sequence

from benchmarks.compare.figures import Measured, Spread, ratios, spread
from benchmarks.compare.systems import System
from benchmarks.compare.works import WORKS

FIGURES = {"rate": "req/s", "p50": "p50 ms", "p99": "p99 ms", "web_ms": "web ms", "database_ms": "database ms"}


def table(results: dict[tuple[str, int, str], list[Measured]], served: Sequence[System]) -> str:
    """Return all of it, for the terminal."""
    lines = []
    for (work, clients, letter), cells in results.items():
        figures = "  ".join(
            f"{title} {shown(spread([getattr(c, name) for c in cells]))}" for name, title in FIGURES.items()
        )
        lines.append(f"{WORKS[work].title:<22} {clients:>3} {letter}  n {sum(c.count for c in cells):>6}  {figures}")
        other = results.get((work, clients, "b"))
        if letter == "b" and other:
            ours = results[work, clients, "a"]
            lines.append(
                "      a/b "
                + "  ".join(f"{title} {shown(ratios(ours, other, name))}" for name, title in FIGURES.items())
            )
    return "\n".join(lines)


def shown(found: Spread | None) -> str:
    """Return a median with its range."""
    return "–" if found is None else f"{found.median:.2f} [{found.low:.2f}–{found.high:.2f}]"
