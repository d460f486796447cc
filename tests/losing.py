"""A wire to PostgreSQL that loses the answer to a COMMIT: the server has committed, and the client never learns it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

COMMIT = b"COMMIT"


class LosingWire:
    """Listens on `port`, and passes everything on, until it is told to lose the answer to the next COMMIT."""

    def __init__(self, host: str, port: int) -> None:
        self.target, self.losing, self.lost = (host, port), Event(), Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]

    def run(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _address = self.listener.accept()
                Thread(target=self.pass_on, args=(client,), daemon=True).start()

    def pass_on(self, client: socket.socket) -> None:
        """Pass one connection on, both ways."""
        with client, socket.create_connection(self.target) as server, suppress(OSError):
            back = Thread(target=self.copy, args=(server, client), daemon=True)
            back.start()
            while said := client.recv(65536):
                if self.losing.is_set() and COMMIT in said:
                    self.losing.clear()
                    client.shutdown(socket.SHUT_RDWR)
                    server.sendall(said)
                    back.join(10)
                    self.lost.set()
                    break
                server.sendall(said)
            server.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def copy(source: socket.socket, target: socket.socket) -> None:
        """Copy until either ends: what comes back and cannot be delivered is lost."""
        with suppress(OSError):
            while said := source.recv(65536):
                target.sendall(said)


@contextmanager
def losing_wire(host: str, port: int) -> Iterator[LosingWire]:
    """Lay the wire until the block ends."""
    wire = LosingWire(host, port)
    Thread(target=wire.run, daemon=True).start()
    try:
        yield wire
    finally:
        wire.listener.close()
