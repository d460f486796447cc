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
        self.last = 0.0
        self.errors = 0
        self.first_error = ""

    def run(self) -> dict[str, Any]:
        """Ask until time is up or the rows are spent, wait for the last answers, and return what was seen."""
        with selectors.DefaultSelector() as selector:
            began = time.perf_counter()
            for data in itertools.islice(self.requests, self.cell.clients):
                client = Client(self.cell.port)
                selector.register(client.sock, selectors.EVENT_READ, client)
                client.send(data)
            ended = self.drive(selector, began + self.cell.seconds)
        return {"seconds": ended - began, "took": self.took, "errors": self.errors, "first_error": self.first_error}

    def drive(self, selector: selectors.BaseSelector, until: float) -> float:
        """Listen until every client has hung up; return when the last answer came."""
        while selector.get_map():
            events = selector.select(PATIENCE)
            if not events:
                raise Refused(f"no answer for {PATIENCE:.0f} s")
            for key, _ in events:
                self.hear(selector, key.data, until)
        return self.last

    def hear(self, selector: selectors.BaseSelector, client: Client, until: float) -> None:
        """Read what came; where the answer is whole, ask the next, or hang up when time is up."""
        answer = self.answer_of(client)
        if answer is None:
            return
        self.last = now = time.perf_counter()
        if answer:
            self.count(answer, now - client.sent_at)
        data = next(self.requests, None) if answer and now < until else None
        if data is None:
            selector.unregister(client.sock)
            client.sock.close()
        else:
            client.send(data)

    def answer_of(self, client: Client) -> bytes | None:
        """Return the client's answer, None while it is not whole; nothing of a lost connection, which is an error."""
        try:
            return client.answer()
        except (OSError, Refused) as gone:
            self.errors += 1
            self.first_error = self.first_error or str(gone)
            return b""

    def count(self, answer: bytes, seconds: float) -> None:
        """Keep how long, in ms, an answer took, and what the first error says."""
        self.took.append(round(seconds * 1000, 3))
        if not is_success(answer):
            self.errors += 1
            self.first_error = self.first_error or answer[:KEPT_OF_AN_ERROR].decode(errors="replace")


def main(told: str) -> None:
    """Do what the JSON says; print what was seen as JSON."""
    load = Load(Cell(**json.loads(told)))
    gc.disable()
    json.dump(load.run(), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
