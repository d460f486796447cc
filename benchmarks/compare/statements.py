"""What PostgreSQL's log says was sent to it, and the script by which pgbench sends the same with other values."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.compare.works import WORKS, token
from dev.say import Refusal

# Set as log_line_prefix, so that a line of ours cannot be taken for one of a statement's own.
PREFIX = "~bench "
ENTRY = re.compile(rf"^{PREFIX}([A-Z]+):  ", re.MULTILINE)
SENT = re.compile(r"(?:statement|execute [^:]*): ")
PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
# A string in either way of writing it, a quoted name, a parameter, a number, and all that is none of them.
TOKEN = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"[^"]*"|\$\d+|(?<![\w.])\d+(?![\w.])|[\w.]+|\s+|.""", re.DOTALL
)
LOOKS_RANDOM = re.compile(r"[A-Za-z0-9_-]{20,}")
# What pgbench would take for a variable of its own, inside a string too.
LOOKS_LIKE_VARIABLE = re.compile(r":(?=[A-Za-z_])")
# In a recording the first table deals out its keys from here, and each further one so much higher.
KEYS = 10**12
BIGGEST = 2**62


class Recorded(NamedTuple):
    """The statements of one request, and the number that it was about."""

    number: int
    statements: list[str]


def sent(log: str) -> list[str]:
    """Return the statements in a piece of the server's log, with their parameters written out."""
    found: list[str] = []
    parts = ENTRY.split(log)[1:]
    for level, text in zip(parts[::2], parts[1::2], strict=True):
        words = text.rstrip("\n").replace("\n\t", "\n")
        if level == "LOG" and (begun := SENT.match(words)):
            found.append(words[begun.end() :].strip().rstrip(";"))
        elif level == "DETAIL" and words.lower().startswith("parameters: ") and found:
            found[-1] = with_parameters(found[-1], dict(PARAMETER.findall(words)))
    # An empty one is how a pool asks whether a connection lives; pgbench cannot send it.
    return [statement for statement in found if statement]


def with_parameters(statement: str, parameters: dict[str, str]) -> str:
    """Return the statement with each $1 replaced by its value."""
    return "".join(
        parameters.get(part[1:], part) if re.fullmatch(r"\$\d+", part) else part for part in TOKEN.findall(statement)
    )


def plain(part: str) -> str:
    """Return what a string or a number in SQL stands for."""
    if part[:1] in "eE" and part[1:2] == "'":
        return re.sub(r"\\(.)", r"\1", part[2:-1]).replace("''", "'")
    return part[1:-1].replace("''", "'") if part[:1] == "'" else part


def is_value(part: str) -> bool:
    """Tell whether it is a string or a whole number."""
    return part[:1] == "'" or part[:2] in ("e'", "E'") or part.isdigit()


def guarded(part: str) -> str:
    """Return a string such that pgbench sees no variable in it."""
    if not is_value(part) or not LOOKS_LIKE_VARIABLE.search(part):
        return part
    text = part[2:-1] if part[:1] in "eE" else part[1:-1].replace("\\", "\\\\")
    return "E'" + LOOKS_LIKE_VARIABLE.sub(r"\\x3a", text) + "'"


@dataclass
class Script:
    """Makes one script out of two recordings of the same work: what differs between them is a variable."""

    tables: Sequence[str]
    lines: list[str] = field(default_factory=list)
    random: dict[str, str] = field(default_factory=dict)
    returned: dict[int, str] = field(default_factory=dict)

    def text(self, work: str, one: Recorded, other: Recorded) -> str:
        """Return the script."""
        if len(one.statements) != len(other.statements):
            counts = f"{len(one.statements)} and {len(other.statements)}"
            raise Refusal(f"The same request, {work}, sent two different numbers of statements: {counts}.")
        for first, second in zip(one.statements, other.statements, strict=True):
            self.add("".join(self.replaced(one, other, first, second)))
        return "\n".join(
            [
                *numbering(work),
                *(f"\\set {name} random(1, {BIGGEST})" for name in self.random.values()),
                *self.lines,
                "",
            ]
        )

    def add(self, statement: str) -> None:
        """Add a statement; a key that it returns may be wanted later."""
        self.lines.append(f"{statement};")
        for index, table in enumerate(self.tables):
            if re.search(rf"INSERT INTO \W*{table}\W", statement) and "RETURNING" in statement:
                self.returned[index] = f"made{index}_id"
                self.lines[-1] = f"{statement} \\gset made{index}_"

    def replaced(self, one: Recorded, other: Recorded, first: str, second: str) -> Iterator[str]:
        """Yield the parts of a statement with variables for values."""
        pairs = list(zip(TOKEN.findall(first), TOKEN.findall(second), strict=False))
        for mine, theirs in pairs:
            if not is_value(mine) or mine == theirs:
                yield guarded(mine)
            else:
                yield self.variable(one, other, plain(mine), plain(theirs)) or guarded(mine)

    def variable(self, one: Recorded, other: Recorded, mine: str, theirs: str) -> str | None:
        """Return what stands for two values that differ; None where the first will do, such as for an instant."""
        if mine in names_of(one.number) and theirs in names_of(other.number):
            return ":n"
        if mine.isdigit() and int(mine) >= KEYS:
            return self.key(int(mine) // KEYS - 1)
        if LOOKS_RANDOM.fullmatch(mine):
            name = self.random.setdefault(mine, f"random{len(self.random)}")
            return f":{name}"
        return None

    def key(self, index: int) -> str:
        """Return the variable for a key that a table dealt out."""
        if index not in self.returned:
            raise Refusal(f"A key of {self.tables[index]} is used that no statement before it has returned.")
        return f":{self.returned[index]}"


def names_of(number: int) -> set[str]:
    """Return how the number of a request turns up in SQL: as it is, or as the digest of its user's token."""
    return {str(number), hashlib.sha256(token(number).encode()).hexdigest()}


def numbering(work: str) -> Iterable[str]:
    """Return how a script comes by its numbers: each once, every client from a share of its own, or at random."""
    numbers = WORKS[work].numbers
    if numbers is None:
        return ["\\set i :i + 1", "\\set n :first + :client_id * :share + :i"]
    return [f"\\set n random({numbers[0]}, {numbers[-1]})"]
