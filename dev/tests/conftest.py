"""A checkout with the real launcher and a tiny program, so that starting and stopping can be tried in seconds."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from dev import binaries, leftovers
from dev.environment import ROOT, VENV, read_env_file

LAUNCHER = ("dev", "Makefile", "requirements.txt", "requirements-dev.txt", ".env.example")
MANAGE = """
import os, sys
with open("manage.log", "a") as log:
    log.write(" ".join(sys.argv[1:]) + " " + os.environ.get("DATABASE_URL", "") + chr(10))
if sys.argv[1] == "demo":
    print("Log in as demo.")
if "--check" in sys.argv and os.path.exists("unmigrated"):
    sys.exit(1)
"""
WSGI = """
import os


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    words = ["fine", os.environ["DEBUG"], os.environ.get("ENV_FILES", "-"), str(os.getpid())]
    return [" ".join(words).encode()]
"""
PRODUCTION = {"SECRET_KEY": "x", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "ALLOWED_HOSTS": "localhost"}


class Checkout:
    """A folder in which `make` works, and the processes that were started in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self.makes: list[subprocess.Popen[str]] = []
        for name in LAUNCHER:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, root / name)
        (root / ".venv").symlink_to(VENV)
        (root / "manage.py").write_text(MANAGE)
        (root / "billing_project").mkdir()
        (root / "billing_project" / "wsgi.py").write_text(WSGI)

    def make(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start make in a process group of its own, as a terminal would."""
        known = read_env_file(ROOT / ".env.example", commented=True)
        env = {name: value for name, value in os.environ.items() if name not in known and not name.startswith("MAKE")}
        env |= {"PORT": str(self.port), "WEB_PROCESSES": "1"} | variables
        output = (self.root / f"output-{len(self.makes)}").open("w")
        with output:
            process = subprocess.Popen(
                ["make", *words],
                cwd=self.root,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                text=True,
            )
        self.makes.append(process)
        return process

    def commands(self) -> list[str]:
        """Return what manage.py was asked for, each with the role that the database was given as."""
        lines = (self.root / "manage.log").read_text().splitlines()
        return [re.sub(r" postgresql://([^:@]+)[^ ]*$", r" as \1", line) for line in lines]

    def said(self, number: int = -1) -> str:
        return (self.root / f"output-{number % len(self.makes)}").read_text()

    def run(self, **variables: str) -> subprocess.Popen[str]:
        """Start `make run` and wait until it serves."""
        process = self.make("run", **variables)
        wait_until(lambda: "Ctrl-C stops it" in self.said() or process.poll() is not None, 60)
        assert process.poll() is None, self.said()
        return process

    def serve(self) -> subprocess.Popen[str]:
        """Start `make serve` and wait until it serves."""
        process = self.make("serve", **PRODUCTION)
        wait_until(lambda: self.answer() or process.poll() is not None, 20)
        assert process.poll() is None, self.said()
        return process

    def answer(self) -> list[str]:
        """Return the words that the program answers; none where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode().split()
        except OSError:
            return []
        finally:
            connection.close()

    def processes(self) -> list[str]:
        """Return the command lines of what runs in this checkout or on its data."""
        found = []
        for pid in leftovers.every_process():
            words = " ".join(leftovers.command_line(pid))
            folder = ""
            with suppress(OSError):
                folder = str(Path(f"/proc/{pid}/cwd").readlink())
            if str(self.root) in words or folder.startswith(str(self.root)):
                found.append(f"{pid} {words}")
        return found

    def kill_all(self) -> None:
        for line in self.processes():
            with suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)

    def close(self) -> None:
        for process in self.makes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
        self.kill_all()
        shutil.rmtree(self.root)
        shutil.rmtree(binaries.private_path(self.root), ignore_errors=True)


@pytest.fixture
def new_checkout():
    """Return a function that makes a checkout in a folder that every user may enter."""
    made = []

    def make() -> Checkout:
        root = Path(tempfile.mkdtemp(prefix="checkout-"))
        root.chmod(0o755)
        made.append(Checkout(root))
        return made[-1]

    yield make
    for checkout in made:
        checkout.close()


@pytest.fixture
def checkout(new_checkout) -> Checkout:
    return new_checkout()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
