"""The clients, against a server of a few lines."""

import json
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from benchmarks.compare.load import Cell, Load, Refused, is_success, whole_length
from benchmarks.compare.systems import processed
from benchmarks.compare.works import READERS, WORKS, request, wire
from dev.environment import ROOT
from dev.say import Refusal

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
WRONG = b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\nsad!"


@contextmanager
def server(*answers: bytes):
    """Answer every request of every connection with the next of the answers, the last again and again."""
    left, asked = list(answers), []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk(connection: socket.socket) -> None:
            with connection:
                while data := connection.recv(65536):
                    asked.append(data)
                    answer = left.pop(0) if len(left) > 1 else left[0]
                    if not answer:
                        return
                    connection.sendall(answer[:30])
                    connection.sendall(answer[30:])

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1], asked
        listening.shutdown(socket.SHUT_RDWR)


def test_an_answer_is_whole_when_its_body_is():
    assert whole_length(FINE) == len(FINE)
    assert whole_length(b"HTTP/1.1 200 OK\r\nContent-Le") is None
    assert whole_length(WRONG[:-2]) == len(WRONG)


def test_an_answer_that_does_not_say_its_length_is_refused():
    with pytest.raises(Refused):
        whole_length(b"HTTP/1.1 200 OK\r\n\r\n")


def test_only_two_hundreds_are_successes():
    assert is_success(FINE)
    assert is_success(b"HTTP/1.1 201 Created\r\n")
    assert not is_success(WRONG)


def test_each_row_is_asked_for_once_and_the_cell_ends_with_them():
    with server(FINE) as (port, asked):
        seen = Load(Cell("confirm", port, 3, 5.0, 11, 20)).run()
    assert sorted(int(data.rpartition(b": ")[2][:-1]) for data in asked) == list(range(11, 21))
    assert (len(seen["took"]), seen["errors"]) == (10, 0)
    assert seen["seconds"] < 5


def test_rows_that_are_only_read_are_asked_for_until_time_is_up():
    with server(FINE) as (port, asked):
        seen = Load(Cell("active", port, 2, 0.2)).run()
    assert asked[0].startswith(b"GET /api/subscriptions/%d HTTP/1.1\r\n" % READERS[0])
    assert len(asked) == len(seen["took"]) > len(READERS) / 100


def test_an_error_is_counted_and_told():
    with server(FINE, WRONG, FINE) as (port, _):
        seen = Load(Cell("confirm", port, 1, 5.0, 1, 3)).run()
    assert (len(seen["took"]), seen["errors"]) == (3, 1)
    assert seen["first_error"].startswith("HTTP/1.1 500 Oops")


def test_a_server_that_hangs_up_is_an_error():
    with server(b"") as (port, _):
        seen = Load(Cell("confirm", port, 1, 5.0, 1, 3)).run()
    assert (seen["errors"], seen["first_error"]) == (1, "the server hung up")


def test_it_runs_as_a_process_of_its_own():
    with server(FINE) as (port, _):
        told = json.dumps({"work": "confirm", "port": port, "clients": 1, "seconds": 5, "first": 1, "last": 2})
        command = [sys.executable, "-m", "benchmarks.compare.load", told]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)["took"]) == 2


@pytest.mark.parametrize("work", WORKS)
def test_every_request_says_its_length_and_who_asks(work):
    asked = request(work, 42)
    head, _, body = wire(asked, 8000).partition(b"\r\n\r\n")
    assert head.startswith(f"{asked.method} {asked.path} HTTP/1.1\r\n".encode())
    assert (b"Authorization: Token " in head) is (work != "login")
    if asked.body is not None:
        assert f"Content-Length: {len(body)}".encode() in head


PGBENCH = """
number of transactions actually processed: 5000
number of failed transactions: {failed} (0.000%)
tps = 2500.5 (without initial connection time)
"""


def test_pgbench_is_believed_where_nothing_failed():
    assert processed(PGBENCH.format(failed=0)) == (5000, 2500.5)
    for output in (
        PGBENCH.format(failed=1),
        "client 3 aborted in command 4",
        "",
        PGBENCH.format(failed=0) + "client 1 aborted ",
    ):
        with pytest.raises(Refusal):
            processed(output)
