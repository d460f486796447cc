"""`make clean`: remove what `make` made."""

import shutil
from contextlib import ExitStack

from dev import binaries, leftovers
from dev.environment import LOCAL, ROOT, VENV, lock
from dev.run import already_running
from dev.say import say

CACHES = (".mypy_cache", ".pytest_cache", ".ruff_cache", ".import_linter_cache", ".hypothesis")


def main(_: list[str]) -> int:
    with ExitStack() as stack:
        stack.enter_context(lock("run", refusal=already_running()))
        leftovers.end_server()
        folder = binaries.runtime_folder()
        for data in folder.glob("postgres*/data-*"):
            stack.enter_context(lock(data.parent.name, refusal="Tests are under way here; let them end first."))
            leftovers.end_postgres(data)
        for unwanted in (folder, LOCAL, VENV, *(ROOT / name for name in CACHES)):
            shutil.rmtree(unwanted, ignore_errors=True)
    say("Removed .venv and .local.")
    return 0
