"""`make bench`: this program beside a FastAPI twin and pgbench; `make bench-check`: whether it has fallen behind."""

import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.compare import kept, machine, report
from benchmarks.compare.options import Options, read
from benchmarks.compare.seeds import Slots
from benchmarks.compare.session import Results, Session
from dev import binaries, environment, leftovers, twin
from dev.contenders import Cluster, Contenders
from dev.processes import Children, Stopped
from dev.say import Refusal, say

ALREADY = "Another make bench is at work in this checkout; let it end first."


def main(arguments: list[str]) -> int:
    options = read(arguments[0], shlex.split(os.environ.get("ARGS", "")))
    with environment.lock("bench", refusal=ALREADY), ExitStack() as clusters, Children() as children:
        try:
            if options.growth:
                return grow(children, clusters, options)
            return compare(children, clusters, options)
        except Stopped:
            say("\nStopped.")
            return 130


def compare(children: Children, clusters: ExitStack, options: Options) -> int:
    """Measure all three beside one another; for a check, the two programs alone."""
    where, folder = machine.machine(), twin.chosen(os.environ.get("TWIN", ""))
    contenders = Contenders(children, clusters.enter_context(cluster("postgres-bench", keep=False)))
    systems, slots = contenders.side_by_side(options, folder)
    results = Session(options, systems, slots).run()
    words = [where, machine.versions(contenders.private.version, folder), report.legend(systems, results)]
    show(options, [report.figures(results, systems), report.compared(results)], words)
    return check(options, results) if options.check else 0


def grow(children: Children, clusters: ExitStack, options: Options) -> int:
    """Measure this program alone among more and more payments, each number in a database of its own."""
    where, sizes = machine.machine(), sorted(options.growth)
    systems = []
    for size in sizes:
        private = clusters.enter_context(cluster(f"postgres-growth-{size}", keep=options.reuse))
        systems.append(Contenders(children, private).among(size))
    slots = Slots([system.tables for system in systems])
    for side in slots.sides:
        side.settle()
    results = Session(options, systems, slots).run()
    show(options, [report.grown(results, sizes)], [where, report.counted(results)])
    return 0


@contextmanager
def cluster(name: str, *, keep: bool) -> Iterator[Cluster]:
    """Give a cluster that begins empty, and take its files away once all that used them has stopped; or keep both."""
    private = Cluster(binaries.runtime_folder() / name)
    leftovers.end_postgres(private.data)
    if not keep:
        shutil.rmtree(private.data, ignore_errors=True)
    try:
        yield private
    finally:
        if not keep:
            shutil.rmtree(private.home, ignore_errors=True)


def show(options: Options, tables: Sequence[report.Table], words: Sequence[str]) -> None:
    """Print the words and the tables; write them to a file as well, where one is asked for."""
    say("\n" + "\n\n".join([*words, *(table.aligned() for table in tables)]) + "\n")
    if options.markdown:
        texts = [f"`{options.command}`", *words, *(table.markdown() for table in tables)]
        options.markdown.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
        say(f"Written to {options.markdown}.")


def check(options: Options, results: Results) -> int:
    """Compare with what was kept, or keep it; 1 where a ratio has fallen."""
    now = kept.throughput(results)
    if options.keep:
        kept.keep(now)
        say(f"Kept in {kept.FILE.relative_to(Path.cwd())}.")
        return 0
    then = kept.kept()
    if not then:
        raise Refusal('Nothing was kept to compare with; keep today\'s ratios first: make bench-check ARGS="--keep"')
    if sentences := kept.fallen(now, then):
        raise Refusal("\n".join(sentences))
    say("No ratio to the twin has fallen by more than a fifth.")
    return 0
