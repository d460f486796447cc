"""Processor time, as Linux counts it."""

import os
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Times(NamedTuple):
    """What /proc says of a process: whose child it is, and the seconds that it and its late children have used."""

    parent: int
    seconds: float


def times(stat: str, ticks: int) -> Times:
    """Read the line of /proc/PID/stat; the name in it may hold spaces and brackets."""
    fields = stat.rpartition(")")[2].split()
    return Times(int(fields[1]), sum(map(int, fields[11:15])) / ticks)


def every_process() -> dict[int, Times]:
    """Return what /proc says of all that runs; empty where there is no /proc."""
    ticks, found = os.sysconf("SC_CLK_TCK"), {}
    for path in PROC.glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = times(path.read_text(errors="replace"), ticks)
        except OSError:
            continue
    return found


def family(root: int, processes: dict[int, Times]) -> set[int]:
    """Return a process with its children, and theirs."""
    members, found = {root}, {root}
    while found:
        found = {pid for pid, known in processes.items() if known.parent in found} - members
        members |= found
    return members


def used(*roots: int) -> list[float] | None:
    """Return the processor time, user and system, of each process with its children; None where it is not told."""
    processes = every_process()
    if not processes:
        return None
    return [sum(processes[pid].seconds for pid in family(root, processes) if pid in processes) for root in roots]


class Meter:
    """Counts the processor time of processes, with their children, from now on."""

    def __init__(self, *roots: int) -> None:
        self.roots, self.before = roots, used(*roots)

    def spent(self) -> list[float | None]:
        """Return the seconds of each since then; None where they are not told."""
        after = used(*self.roots)
        if self.before is None or after is None:
            return [None] * len(self.roots)
        return [now - then for now, then in zip(after, self.before, strict=True)]
