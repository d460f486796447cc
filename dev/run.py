"""`make run`: everything, on this machine, with demo data."""

import http.client
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from dev import environment, leftovers, postgres
from dev.environment import LOGS, MANAGE, PYTHON, RUN_ENV, Database
from dev.processes import Children, Stopped
from dev.say import Refusal, say

READY_SECONDS = 60.0


def main(_: list[str]) -> int:
    values = environment.given()
    port = environment.port(values)
    with environment.lock("run", refusal=already_running()), Children() as children:
        try:
            leftovers.end_server()
            refuse_taken(port)
            run(children, values, port)
        except Stopped:
            say("\nStopping")
        finally:
            environment.forget_running()
    say("Stopped.")
    return 0


def run(children: Children, values: Mapping[str, str], port: int) -> None:
    database = environment.named_database(values) or postgres.for_run().start(children)
    development = environment.development(values, database.url)
    environment.remember_running(development, database)
    env = environment.without_owner() | development
    say("Applying migrations")
    migrate(children, env, database)
    if not environment.is_on(development["DEBUG"]):
        manage(children, env, "collectstatic", "--no-input")
    say("Making demo data")
    demo = manage(children, env, "demo")
    say("Starting the web server")
    server = children.start("The web server", web_server(values, "127.0.0.1", port, "warning"), env=env)
    leftovers.remember_server(server.process.pid)
    wait_until_ready(children, port)
    address = f"http://127.0.0.1:{port}"
    say(f"\nServing on {address}/\n  the API to try   {address}/api/docs\n  the admin        {address}/admin/")
    say(f"{demo.strip()}\nCtrl-C stops it.")
    children.watch()


def migrate(children: Children, env: Mapping[str, str], database: Database) -> str:
    """Migrate as the owner of the database; then give the program's role its rights, where it is another one."""
    as_owner = {**env, "DATABASE_URL": database.owner_url}
    said = manage(children, as_owner, "migrate", "--no-input")
    return said + manage(children, as_owner, "grant_rights", database.role) if database.has_two_roles else said


def manage(children: Children, env: Mapping[str, str], command: str, *options: str) -> str:
    """Run one of manage.py's commands and return what it said, which a log keeps too."""
    log = LOGS / f"{command}.log"
    return children.run(f"manage.py {command}", [*MANAGE, command, *options], env=env, log=log)


def web_server(values: Mapping[str, str], host: str, port: int, log_level: str) -> list[str]:
    """Return the server's command; a bounded number of threads keeps the number of connections bounded."""
    return [
        *(str(PYTHON), "-m", "granian", "--interface", "wsgi", "billing_project.wsgi:application"),
        *("--host", host, "--port", str(port), "--no-ws", "--log-level", log_level),
        *("--workers", str(environment.web_processes(values)), "--blocking-threads", "4"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "3"),
    ]


def already_running() -> str:
    port = environment.read_env_file(RUN_ENV).get("PORT")
    if port is None:
        return "Another make run or migrate is at work in this checkout; try again in a moment."
    return f"It runs in this checkout already, on http://127.0.0.1:{port}/. Stop that one first (Ctrl-C there)."


def refuse_taken(port: int) -> None:
    """Refuse a port that is in use: the server itself would share it without a word."""
    taken = f"Port {port} is in use by another program. Stop that one, or choose another port: PORT={port + 1} make run"
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except PermissionError:
            raise Refusal(f"Port {port} is reserved for root. Choose one above 1023: PORT=8000 make run") from None
        except OSError:
            raise Refusal(taken) from None
    with socket.socket() as sock:
        if sock.connect_ex(("127.0.0.1", port)) == 0:
            raise Refusal(taken)


def wait_until_ready(children: Children, port: int) -> None:
    answer = "nothing"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        children.pause(0.1)
        children.check()
        with suppress(OSError, http.client.HTTPException):
            answer = ask_ready(port)
            if answer.startswith("200 "):
                return
    raise Refusal(f"The server does not become ready within {READY_SECONDS:.0f} s; /readyz answers {answer}.")


def ask_ready(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return f"{response.status} {response.read(500).decode(errors='replace')}"
    finally:
        connection.close()
