"""What only the real server shows: bodies in chunks, what is waited for, strange headers, and a database that is away."""

import json
import time

import pytest
from django.db import connection

from tests.racing import race
from tests.serving import NOWHERE, serving

LOGIN = "/api/auth/login"


@pytest.fixture(scope="module")
def server():
    """One without a database: these are answered before it is asked."""
    with serving(NOWHERE) as started:
        yield started


def refused(answer, status) -> dict:
    code, headers, body = answer
    assert code == status, body
    assert headers["Content-Type"] == "application/problem+json"
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["request_id"] == headers["X-Request-Id"]
    return problem


def fields(answer) -> set[str]:
    return {error["field"] for error in refused(answer, 400)["errors"]}


def test_a_body_in_chunks_is_read(server):
    chunks = iter([b'{"user', b'name": 1, ', b'"password": "x"}'])
    assert fields(server.request("POST", LOGIN, chunks)) == {"username"}


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024, 3 * 1024 * 1024])
def test_a_body_over_64_kib_is_413_with_and_without_its_length(server, size):
    assert refused(server.request("POST", LOGIN, b" " * size), 413)["code"] == "payload_too_large"
    chunks = (b" " * 1024 for _ in range(size // 1024 + 1))
    assert refused(server.request("POST", LOGIN, chunks), 413)["code"] == "payload_too_large"


def test_64_kib_in_chunks_are_read(server):
    chunks = (b" " * 1024 for _ in range(63))
    assert fields(server.request("POST", LOGIN, (chunk for chunk in [*chunks, b'{"username": 1}']))) == {
        "username",
        "password",
    }


def test_a_caller_who_waits_to_be_asked_for_the_body_is_asked(server):
    head = f"POST {LOGIN} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    body = b'\xef\xbb\xbf{\r\n"username": 1\r\n}\r\n'
    answer = server.say(f"{head}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")
    assert b'"username"' in answer


CHARSETS = ["base64", "rot13", "hex", "idna", "punycode", "undefined", "utf-7", "utf-16", "unicode_escape", "no-such"]


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_charset_of_pythons_breaks_nothing(server, charset):
    content_type = f"application/json; charset={charset}"
    refused(server.request("POST", f"{LOGIN}?x=%2BAAA-1", b"{}", Content_Type=content_type), 415)
    refused(server.request("GET", f"{LOGIN}?x=%2BAAA-1", Content_Type=content_type), 405)
    refused(server.request("GET", "/api/plans/?x=%2BAAA-1", Content_Type=content_type), 400)
    answer = server.request(
        "POST", "/admin/login/", b"x=1", Content_Type=f"application/x-www-form-urlencoded; charset={charset}"
    )
    assert answer[0] == 403


@pytest.mark.parametrize(
    "content_type", ["x; charset*=nonsense''x", "x; charset*=base64''%41", "; ;=", "\u00ff; charset=\u00ff"]
)
def test_nor_does_a_content_type_that_cannot_be_read(server, content_type):
    refused(server.request("POST", LOGIN, b"{}", Content_Type=content_type), 415)


@pytest.mark.parametrize(
    "target",
    [
        b"/api/plans/%00",
        b"/api/plans/\xff",
        b"/api/%ED%A0%80",
        b"/api/%FF",
        b"//api/plans/",
        b"/api/plans/%",
        b"/api/%2e%2e/x",
    ],
)
def test_strange_paths_lead_nowhere(server, target):
    answer = server.say(b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ")[1] == (b"400" if b"\xff" in target else b"404")


def test_a_token_of_other_bytes_is_401(server):
    request = b"GET /api/auth/me HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Token \xff\xd1\x8f\r\n\r\n"
    assert server.say(request).startswith(b"HTTP/1.1 401 ")


def test_a_get_with_a_body_is_a_get(server):
    refused(server.request("GET", LOGIN, b" " * 100_000), 405)


def test_without_the_database_it_lives_and_says_in_time_that_it_cannot_serve(server):
    began = time.monotonic()
    wrong = b'{"username": "nobody", "password": "wrong"}'
    alive, ready, plans, login = race(
        lambda: server.request("GET", "/healthz"),
        lambda: server.request("GET", "/readyz"),
        lambda: server.request("GET", "/api/plans/"),
        lambda: server.request("POST", LOGIN, wrong),
    )
    assert time.monotonic() - began < 10
    assert alive[0] == 200
    assert (ready[0], json.loads(ready[2])["missing"]) == (503, "database")
    assert [refused(answer, 503)["code"] for answer in (plans, login)] == ["unavailable"] * 2
    assert all(int(answer[1]["Retry-After"]) > 0 for answer in (ready, plans, login))


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_processes_let_exactly_as_many_pass_as_one():
    given = connection.settings_dict
    host = f"{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}"
    wrong = b'{"username": "nobody", "password": "wrong"}'
    forged = [{"X_Forwarded_For": f"10.0.0.{number}"} for number in range(12)]
    with serving(f"postgresql://{host}/{given['NAME']}", workers=2, RATE_LIMITS="on") as server:
        outcomes = race(
            *[lambda headers=headers: server.request("POST", LOGIN, wrong, **headers) for headers in forged]
        )
    assert sorted(outcome[0] for outcome in outcomes) == [401] * 5 + [429] * 7
