"""`make lint`: every check, all of them each time, with one line for each."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from dev.environment import MANAGE, PYTHON, ROOT, cores, offline
from dev.say import say

# What `makemigrations` says about the database that this check does without.
NO_DATABASE = "ignore:Got an error checking a consistent migration history:RuntimeWarning"
MIGRATIONS = ("migrations", [str(PYTHON), "-W", NO_DATABASE, *MANAGE[1:], "makemigrations", "--check", "--dry-run"])


class Verdict(NamedTuple):
    name: str
    passed: bool
    output: str
    seconds: float


def main(arguments: list[str]) -> int:
    only_migrations = arguments[0] == "migrations-check"
    # The slowest first, so that the others fit beside it.
    with ThreadPoolExecutor(cores()) as pool:
        verdicts = list(map_and_show(pool, [MIGRATIONS] if only_migrations else checks()))
    failed = [verdict.name for verdict in verdicts if not verdict.passed]
    if failed:
        say(f"\nFailed: {', '.join(failed)}.")
    elif not only_migrations:
        say(f"All {len(verdicts)} checks passed.")
    return 1 if failed else 0


def checks() -> list[tuple[str, list[str]]]:
    python = [str(PYTHON), "-m"]
    templates = sorted({str(path.relative_to(ROOT)) for path in ROOT.glob("*/templates/**/*.html")})
    found = [
        ("types", [*python, "mypy", "."]),
        ("schema", [*python, "dev.schema", "check"]),
        MIGRATIONS,
        ("translations", [*python, "dev.translations", "check"]),
        ("imports", [str(PYTHON.with_name("lint-imports")), "--no-cache"]),
        ("style", [*python, "ruff", "check", "--quiet", "."]),
        ("format", [*python, "ruff", "format", "--check", "."]),
    ]
    if templates:
        found.append(("templates", [*python, "djlint", "--lint", "--check", *templates]))
    return found


def map_and_show(pool: ThreadPoolExecutor, checks: list[tuple[str, list[str]]]) -> list[Verdict]:
    verdicts = []
    for verdict in pool.map(lambda check: judge(*check), checks):
        say(f"{'ok    ' if verdict.passed else 'FAILED'} {verdict.name} ({verdict.seconds:.1f} s)")
        if not verdict.passed:
            say(verdict.output)
        verdicts.append(verdict)
    return verdicts


def judge(name: str, command: list[str], folder: Path = ROOT) -> Verdict:
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env=offline(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return Verdict(name, done.returncode == 0, done.stdout, time.monotonic() - started)
