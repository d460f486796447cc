"""What the measured times amount to."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class Measured:
    """One cell of one round."""

    count: int
    seconds: float
    took: list[float] = field(default_factory=list)
    web_cpu: float | None = None
    database_cpu: float | None = None

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.count / self.seconds if self.seconds else 0.0

    @property
    def p50(self) -> float | None:
        """The time in ms that half of the requests took at most."""
        return percentile(self.took, 50)

    @property
    def p99(self) -> float | None:
        """The time in ms that 99 of 100 requests took at most."""
        return percentile(self.took, 99)

    @property
    def web_ms(self) -> float | None:
        """Processor time of the web server's processes, in ms a request."""
        return self.each(self.web_cpu)

    @property
    def database_ms(self) -> float | None:
        """Processor time of PostgreSQL's processes, in ms a request."""
        return self.each(self.database_cpu)

    def each(self, seconds: float | None) -> float | None:
        """Return the part of one request, in ms."""
        return None if seconds is None or not self.count else seconds / self.count * 1000


class Spread(NamedTuple):
    """The median over the rounds, with the lowest and the highest of them."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Return the smallest of the values that at least so many percent of them do not exceed."""
    if not values:
        return None
    position = -(-len(values) * percent // 100)
    return sorted(values)[max(position, 1) - 1]


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return median and range of what is known."""
    known = [value for value in values if value is not None]
    return Spread(statistics.median(known), min(known), max(known)) if known else None


def ratios(ours: Sequence[Measured], theirs: Sequence[Measured], name: str) -> Spread | None:
    """Return how ours stands to theirs, round by round: what disturbs a round disturbs both of them."""
    pairs = [(getattr(our, name), getattr(their, name)) for our, their in zip(ours, theirs, strict=False)]
    return spread([our / their for our, their in pairs if our is not None and their])
