"""A private PostgreSQL for development and tests: its own data, a free port on 127.0.0.1, a random password."""

import hmac
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dev import binaries, leftovers
from dev.environment import LOGS, Database, lock, write_private
from dev.processes import Child, Children
from dev.say import Refusal, last_lines, say

NAME = "billing"
OWNER = f"{NAME}_owner"
SUPERUSER = "postgres"
STARTS = 10
START_SECONDS = 60.0
UNSAFE_AND_FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]

# No role of ours is a superuser, so that what the database refuses it stays refused.
SET_UP = f"""
SELECT 'CREATE ROLE ' || :'owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \\gexec
SELECT 'CREATE ROLE {NAME}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{NAME}') \\gexec
ALTER ROLE :owner LOGIN CREATEDB PASSWORD :'owner_password';
ALTER ROLE {NAME} LOGIN PASSWORD :'password';
SELECT 'CREATE DATABASE {NAME} OWNER ' || :'owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{NAME}')
\\gexec
"""  # noqa: S608 - made of constants
# Tests make databases, and roles in them.
ONE_ROLE = f"{SET_UP} ALTER ROLE {NAME} CREATEROLE;"
# As in production. Where the program's role used to own everything, all of it becomes the owner's.
TWO_ROLES = f"""{SET_UP}
ALTER ROLE {NAME} NOCREATEDB;
ALTER ROLE {NAME} SET idle_in_transaction_session_timeout = '60s';
ALTER DATABASE {NAME} OWNER TO :owner;
\\connect {NAME}
REASSIGN OWNED BY {NAME} TO :owner;
ALTER SCHEMA public OWNER TO :owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
"""


@dataclass
class Cluster:
    """One PostgreSQL with its files below `home`, which belong to the user that runs it."""

    home: Path
    durable: bool = True
    owner: str = OWNER

    def __post_init__(self) -> None:
        self.user = binaries.server_user(self.home)
        self.programs, self.version = binaries.find(self.user)
        # Named by version: another version's files could not be read.
        self.data = self.home / f"data-{self.version}"
        self.log = LOGS / f"{self.home.name}.log"
        self.password_file = self.home / "password"

    def start(self, children: Children) -> Database:
        """Bring it up as one of the children, with its database and roles."""
        say(f"Starting a private PostgreSQL {self.version} in {self.home}")
        self.make_home()
        leftovers.end_postgres(self.data)
        if not self.durable:
            shutil.rmtree(self.data, ignore_errors=True)
        if not self.data.is_dir():
            self.initialise(children)
        self.server, port = self.launch(children)
        self.check_and_set_up(port)
        return Database(self.url(NAME, port), self.url(self.owner, port))

    def url(self, role: str, port: int) -> str:
        return f"postgresql://{role}:{self.password(role)}@127.0.0.1:{port}/{NAME}"

    def password(self, role: str) -> str:
        """Return the password of a role: the superuser's tells all others, and none of them tells another."""
        password = self.password_file.read_text(encoding="utf-8").strip()
        return password if role == SUPERUSER else hmac.digest(password.encode(), role.encode(), "sha256").hex()

    def make_home(self) -> None:
        self.home.mkdir(mode=0o700, exist_ok=True)
        if not self.password_file.exists():
            write_private(self.password_file, secrets.token_urlsafe(32))
        if self.user:
            for path in (self.home, self.password_file):
                os.chown(path, self.user.uid, self.user.gid)

    def initialise(self, children: Children) -> None:
        """Make the data folder; it gets its name when it is whole, so an interrupted attempt is just repeated."""
        draft = self.data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        locale = ["--no-locale"]
        if self.version >= 17:  # the first that knows the letters of all languages without the system's help
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        children.run(
            "Making the database files",
            [
                *(str(self.programs / "initdb"), f"--pgdata={draft}", f"--username={SUPERUSER}", "--encoding=UTF8"),
                *("--auth=scram-sha-256", f"--pwfile={self.password_file}", *locale),
                *([] if self.durable else ["--no-sync"]),
            ],
            env=binaries.ENVIRONMENT,
            log=self.log.with_suffix(".initdb.log"),
            user=self.user,
        )
        draft.rename(self.data)

    def launch(self, children: Children) -> tuple[Child, int]:
        """Start the server on a free port; again where the port was lost, or an old server's last processes linger."""
        for _ in range(STARTS):
            port = free_port()
            server = children.start(
                "PostgreSQL",
                [str(self.programs / "postgres"), "-D", str(self.data), *self.options(port)],
                env=binaries.ENVIRONMENT,
                log=self.log,
                user=self.user,
                stop_signal=signal.SIGINT,  # a fast shutdown: clients are cut off, data are written
            )
            if self.wait_until_ready(children, server, port):
                return server, port
            children.stop(server)
            children.pause(0.5)
        raise Refusal(
            f"PostgreSQL does not start. Its last words, from {self.log}:\n"
            f"{last_lines(self.log.read_text(errors='replace'))}\n"
            "If these files are of no use to you any more, `make clean` removes them."
        )

    def options(self, port: int) -> Iterator[str]:
        # No socket in the file system: its path may be too long, and its folder is one more thing to keep closed.
        yield from ("-c", "listen_addresses=127.0.0.1", "-c", f"port={port}", "-c", "unix_socket_directories=")
        yield from ("-c", "max_connections=200")
        for option in [] if self.durable else UNSAFE_AND_FAST:
            yield from ("-c", option)

    def wait_until_ready(self, children: Children, server: Child, port: int) -> bool:
        """Return True when it answers, False when it has ended."""
        deadline = time.monotonic() + START_SECONDS
        ask = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        while server.process.poll() is None:
            if subprocess.run(ask, check=False, env=binaries.ENVIRONMENT).returncode == 0:
                return True
            if time.monotonic() > deadline:
                raise Refusal(f"PostgreSQL did not come up in {START_SECONDS:.0f} s; see {self.log}.")
            children.pause()
        return False

    def check_and_set_up(self, port: int) -> None:
        """Make sure that it is ours who answers at this port, then make the database and its roles."""
        answer = self.ask(port, "SHOW data_directory").strip()
        if answer != str(self.data):
            raise Refusal(
                f"Another PostgreSQL answers at port {port}, with its data in {answer or 'no place it tells'}."
            )
        self.ask(port, ONE_ROLE if self.owner == NAME else TWO_ROLES)

    def ask(self, port: int, sql: str) -> str:
        variables = {"owner": self.owner, "owner_password": self.password(self.owner), "password": self.password(NAME)}
        answer = subprocess.run(
            [
                *(self.programs / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"),
                *("-h", "127.0.0.1", "-p", str(port), "-U", SUPERUSER, "postgres"),
            ],
            capture_output=True,
            check=False,
            env=binaries.ENVIRONMENT | {"PGPASSWORD": self.password(SUPERUSER)},
            # Among the arguments other users could read them.
            input="".join(f"\\set {name} {value}\n" for name, value in variables.items()) + sql,
            text=True,
        )
        if answer.returncode:
            raise Refusal(f"PostgreSQL at port {port} refuses us: {last_lines(answer.stderr)}")
        return answer.stdout


def for_run() -> Cluster:
    """Return the cluster of this checkout, whose data are kept."""
    return Cluster(binaries.runtime_folder() / "postgres")


@contextmanager
def for_tests(children: Children) -> Iterator[str]:
    """Bring up a cluster that begins empty; several test runs in one checkout have one each."""
    with ExitStack() as stack:
        for number in range(1, 20):
            name = f"postgres-test-{number}"
            with suppress(Refusal):
                stack.enter_context(lock(name, refusal="taken"))
                break
        else:
            raise Refusal("Nineteen test runs are under way in this checkout; let one of them end.")
        cluster = Cluster(binaries.runtime_folder() / name, durable=False, owner=NAME)
        yield cluster.start(children).url
        children.stop(cluster.server)
        shutil.rmtree(cluster.home)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
