"""The same POST many times at once over real HTTP: with its Idempotency-Key it is done once, without one every time.

    DATABASE_URL=postgresql://… .venv/bin/python -m benchmarks.repeats --keys 100 --times 200

What is asked for is a day of free time, which nothing but the key keeps from being given again. The control asks
without keys, and must give a day for every request.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.scratch import plan, scratch_database, values, waiting_payment

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def serving() -> Iterator[int]:
    """Serve with two processes on a free port until the block ends; give the port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "billing_project.wsgi:application"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-ws", "--log-level", "error"]
    command += ["--workers", "2", "--blocking-threads", "4"]
    env = os.environ | {"ALLOWED_HOSTS": "127.0.0.1", "DATABASE_POOL": "on"}
    server = subprocess.Popen(command, cwd=ROOT, env=env)  # noqa: S603  (named by ourselves)
    try:
        until = time.monotonic() + PATIENCE
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < until:
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(PATIENCE)


def subscriptions(count: int) -> tuple[list[str], str]:
    """Make so many subscriptions; return the addresses that give them free time, and the token of who may."""
    from accounts.models import Token, User
    from billing_time.clock import Moment

    plan()
    moment, root = Moment.current(), User.objects.create_superuser("root")
    asked = [waiting_payment(f"customer{number}", moment) for number in range(count)]
    addresses = [f"/api/subscriptions/{payment.user_id}/{payment.subscription_id}/grant" for payment in asked]
    return addresses, Token.issue(root, expires=False)[1]


def post(port: int, token: str, request: tuple[str, str]) -> str:
    """Ask for a day; return the status, and whether the answer is a replayed one. Ask again while it is in progress."""
    address, key = request
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": key} if key else {}
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("POST", address, json.dumps({"days": 1, "reason": "Measured"}), headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status not in (409, 503):
            return f"{answer.status}{' replayed' if answer.headers['Idempotent-Replayed'] else ''}"


def measure(name: str, requests: list[tuple[str, str]], port: int, token: str, clients: int) -> int:
    """Send the requests and print what came of them; return how many days were given meanwhile."""
    (before,) = values("SELECT count(*) FROM payments_payment WHERE provider = 'grant'")
    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        outcomes = Counter(pool.map(partial(post, port, token), requests))
    took = time.monotonic() - began
    (after,) = values("SELECT count(*) FROM payments_payment WHERE provider = 'grant'")
    told = ", ".join(f"{outcome} {number}" for outcome, number in outcomes.most_common())
    print(f"{name}: {len(requests)} requests by {clients} clients, {took:.1f} s, {len(requests) / took:.0f} a second")
    print(f"  answers: {told}\n  given:   {after - before}")
    return int(after) - int(before)


def main() -> int:
    """Do both parts; return 1 where one did not go as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=20)
    parser.add_argument("--times", type=int, default=50, help="requests for each key")
    parser.add_argument("--clients", type=int, default=32)
    given = parser.parse_args()
    with scratch_database():
        addresses, token = subscriptions(given.keys)
        keyed = [(address, f"key-{number}") for number, address in enumerate(addresses) for _time in range(given.times)]
        keyless = [(address, "") for address in addresses[:5] for _time in range(given.times)]
        with serving() as port:
            once = measure("with keys", keyed, port, token, given.clients)
            every = measure("control, without keys", keyless, port, token, given.clients)
    return int(once != given.keys or every != len(keyless))


if __name__ == "__main__":
    sys.exit(main())
