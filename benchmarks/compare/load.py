"""The clients: each sends a request, waits for the whole answer, and sends the next, on a connection that it keeps.

A process of its own, told what to do by JSON as its one argument, so that it costs both programs the same: the bytes
of the requests are made beforehand, and of an answer nothing is read but its state and its length.
"""

import gc
import itertools
import json
import selectors
import socket
import sys
import time
from typing import Any, NamedTuple

from benchmarks.compare.works import endless, request, wire

READ = 1 << 18
# How long the answers to what was under way at the end may take.
PATIENCE = 30.0
PREPARED_PER_SECOND = 12_000
KEPT_OF_AN_ERROR = 500


class Refused(Exception):
    """The server hung up, or does not speak as it has to."""


class Cell(NamedTuple):
    """What one measurement consists of."""

    work: str
    port: int
    clients: int
    seconds: float
    first: int = 0
    last: int = 0


def whole_length(data: bytes) -> int | None:
    """Return how long the answer that begins with `data` is, head included; None while its head is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower()
    found = head.find(b"\r\ncontent-length:")
    if found < 0:
        raise Refused("an answer without Content-Length")
    stop = head.find(b"\r\n", found + 2)
    return end + 4 + int(head[found + 17 : stop if stop > 0 else end])


def is_success(answer: bytes) -> bool:
    """Tell whether the answer's state is one of 200 to 299."""
    return answer[9:10] == b"2"


class Client:
    """One client: its connection, and what of an answer is there."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.whole: int | None = None
        self.sent_at = 0.0

    def send(self, data: bytes) -> None:
        """Ask."""
        self.received, self.whole = b"", None
        self.sent_at = time.perf_counter()
        self.sock.sendall(data)

    def answer(self) -> bytes | None:
        """Read what is there; return the answer once it is whole."""
        data = self.sock.recv(READ)
        if not data:
            raise Refused("the server hung up")
        self.received += data
        if self.whole is None:
            self.whole = whole_length(self.received)
        return self.received if self.whole is not None and len(self.received) >= self.whole else None


class Load:
    """All the clients of a cell, and what they have seen."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        some = itertools.islice(endless(cell.work, cell.first, cell.last), int(PREPARED_PER_SECOND * cell.seconds))
        self.requests = iter([wire(request(cell.work, number), cell.port) for number in some])
        self.took: list[float] = []
        self.answered = 0
        self.errors = 0
        self.first_error = ""

    def run(self) -> dict[str, Any]:
        """Ask until time is up or the rows are spent; return what was seen of answers that came within that time."""
        with selectors.DefaultSelector() as selector:
            waiting = 0
            began = time.perf_counter()
            for data in itertools.islice(self.requests, self.cell.clients):
                client = Client(self.cell.port)
                selector.register(client.sock, selectors.EVENT_READ, client)
                client.send(data)
                waiting += 1
            began_asking, until = began, began + self.cell.seconds
            ended = self.drive(selector, waiting, until)
            for key in list(selector.get_map().values()):
                key.data.sock.close()
        return self.seen(ended - began_asking)

    def drive(self, selector: selectors.BaseSelector, waiting: int, until: float) -> float:
        """Answer each answer with the next request; return when the last answer that counts came."""
        last = until
        spent = False
        while waiting:
            events = selector.select(PATIENCE)
            if not events:
                raise Refused(f"no answer for {PATIENCE:.0f} s")
            for key, _ in events:
                try:
                    answer = key.data.answer()
                except (OSError, Refused) as gone:
                    selector.unregister(key.fileobj)
                    waiting -= 1
                    self.errors += 1
                    self.first_error = self.first_error or str(gone)
                    continue
                if answer is None:
                    continue
                now = time.perf_counter()
                self.count(answer, now - key.data.sent_at, counts=now <= until)
                data = next(self.requests, None) if now < until else None
                if data is None:
                    spent = spent or now < until
                    last = min(now, until) if spent else until
                    waiting -= 1
                else:
                    key.data.send(data)
        return last

    def count(self, answer: bytes, seconds: float, *, counts: bool) -> None:
        """Keep how long an answer took; an error is one whenever it comes."""
        self.answered += 1
        if not is_success(answer):
            self.errors += 1
            self.first_error = self.first_error or answer[:KEPT_OF_AN_ERROR].decode(errors="replace")
        if counts:
            self.took.append(seconds)

    def seen(self, seconds: float) -> dict[str, Any]:
        """Return what the one who started us wants to know."""
        return {
            "seconds": seconds,
            "took": [round(took * 1000, 3) for took in self.took],
            "answered": self.answered,
            "errors": self.errors,
            "first_error": self.first_error,
        }


def main(told: str) -> None:
    """Do what the JSON says; print what was seen as JSON."""
    load = Load(Cell(**json.loads(told)))
    gc.disable()
    json.dump(load.run(), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
