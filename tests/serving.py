"""The real web server in a process of its own, as `make serve` starts it."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from dev.environment import ROOT

PATIENCE = 20
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


class Server:
    """Where it listens, and short ways to ask it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.workers: list[int] = []

    def kill(self) -> None:
        """End the processes that answer, in the middle of whatever they do."""
        for worker in self.workers:
            os.kill(worker, signal.SIGKILL)

    def request(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send a request; an iterator as the body is sent in chunks, without its length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"} | named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def say(self, raw: bytes) -> bytes:
        """Send bytes as they are; return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as sock:
            sock.sendall(raw)
            return b"".join(iter(lambda: sock.recv(65536), b""))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@contextmanager
def serving(database_url: str, *, workers: int = 1, **environment: str) -> Iterator[Server]:
    """Serve on a free port until the block ends."""
    server = Server(free_port())
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "billing_project.wsgi:application"]
    command += ["--host", "127.0.0.1", "--port", str(server.port), "--no-ws", "--log-level", "error"]
    command += ["--workers", str(workers), "--blocking-threads", "4", "--workers-kill-timeout", "1"]
    # The server finds the settings by itself, as it must outside of a test run.
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"} | {
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_POOL": "on",
        "DATABASE_URL": database_url,
        "DEBUG": "off",
        "ENV_FILES": "",
        "RATE_LIMITS": "off",
        "SECRET_KEY": secrets.token_urlsafe(64),
    }
    process = subprocess.Popen(command, cwd=ROOT, env=env | environment, stderr=subprocess.DEVNULL)
    try:
        wait_until_healthy(server, process)
        server.workers = children(process.pid)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


def children(pid: int) -> list[int]:
    """Return the processes that this one has started."""
    found = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in found.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def wait_until_healthy(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it did not start in time"
        try:
            status, _headers, body = server.request("GET", "/healthz")
        except OSError:
            time.sleep(0.05)
        else:
            assert (status, json.loads(body)) == (200, {"status": "ok"})
            return
