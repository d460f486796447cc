"""Where it was measured, and with what: a table of figures is worth nothing without."""

import datetime as dt
import os
import platform
import re
from pathlib import Path

from dev.environment import ROOT, cores

OURS = ("django", "djangorestframework", "granian", "psycopg")
TWINS = ("fastapi", "uvicorn", "sqlalchemy", "asyncpg")


def machine() -> str:
    """Return the day and the machine in one sentence."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    day = dt.datetime.now(dt.UTC).date().isoformat()
    system = f"{platform.system()} {platform.release()}"
    return f"{day}, {cores()} cores of {processor()}, {memory:.0f} GB of memory, {system}, {load()}."


def processor() -> str:
    """Return the name of the processor as Linux tells it, or else what Python knows."""
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def load() -> str:
    """Return how busy the machine was with other things."""
    return f"load average {os.getloadavg()[0]:.1f} before the run"


def versions(postgresql: int, twin: Path) -> str:
    """Return what was measured with."""
    ours, theirs = pins(ROOT / "requirements.txt", OURS), pins(twin / "requirements.txt", TWINS)
    return f"Python {platform.python_version()}, PostgreSQL {postgresql}; {ours}; {theirs}."


def pins(file: Path, names: tuple[str, ...]) -> str:
    """Return the versions that a file of requirements pins of some packages."""
    text = file.read_text(encoding="utf-8")
    found = {name: re.search(rf"^{name}(?:\[[\w,]+\])?==(\S+)", text, re.MULTILINE | re.IGNORECASE) for name in names}
    return ", ".join(f"{name} {pin[1]}" for name, pin in found.items() if pin)
