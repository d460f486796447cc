"""The ratios that were kept, and whether today's have fallen."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.compare.figures import ratios
from benchmarks.compare.options import CHECKED, CHECKED_CLIENTS
from benchmarks.compare.session import Results
from benchmarks.compare.works import WORKS

FILE = Path(__file__).parent.parent / "kept.json"
# What may be lost before it is called a fall: a fifth.
LEFT = 0.8


def throughput(results: Results) -> dict[str, float]:
    """Return by work how many times the twin's requests a second are served, in the median of the rounds."""
    found = {}
    for work in CHECKED:
        ours, theirs = (results[work, CHECKED_CLIENTS, letter] for letter in "ab")
        if ratio := ratios(ours, theirs, "rate"):
            found[work] = round(ratio.median, 3)
    return found


def keep(now: Mapping[str, float], file: Path = FILE) -> None:
    """Keep the ratios, with the day."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    text = json.dumps({"kept_on": today, "clients": CHECKED_CLIENTS, "ratios": dict(now)}, indent=2)
    file.write_text(f"{text}\n", encoding="utf-8")


def kept(file: Path = FILE) -> dict[str, float]:
    """Return the ratios that were kept; none where nothing was."""
    return json.loads(file.read_text(encoding="utf-8"))["ratios"] if file.exists() else {}


def fallen(now: Mapping[str, float], then: Mapping[str, float]) -> list[str]:
    """Return a sentence for each ratio that has fallen by more than a fifth, or is not measured any more."""
    return [
        f"{WORKS[work].title} is served at {now.get(work, 0.0):.2f} × the twin's rate with {CHECKED_CLIENTS} clients:"
        f" more than a fifth below the {ratio:.2f} × that was kept."
        for work, ratio in then.items()
        if now.get(work, 0.0) < ratio * LEFT
    ]
