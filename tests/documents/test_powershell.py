import pytest

from subscriptions.models import Subscription

from .blocks import script
from .powershell import AGENT, BOM, Request, Shell, send

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def register(server, **changes):
    body = BOM + b'{"username": "vera",\r\n "email": "vera@example.com",\r\n "password": "correct horse battery"}\r\n'
    return Request(
        "Post", f"{server}/api/auth/register", **({"content_type": "application/json", "body": body} | changes)
    )


def test_the_documented_calls_do_the_main_job(server, demo, tmp_path):
    shell = Shell(tmp_path)
    shell.run(script("powershell", server))
    assert shell.shown[-1] == "active"
    assert Subscription.objects.get().user.username == "piotr"
    writes = [answer for request, answer in zip(shell.requests, shell.answers, strict=True) if request.body]
    assert len(writes) == 6
    assert all(answer.continued for answer in writes), "the server did not say 100 Continue"


def test_the_documented_calls_do_the_main_job_where_the_body_does_not_wait(server, demo, tmp_path):
    shell = Shell(tmp_path, patience=0)
    shell.run(script("powershell", server))
    assert shell.shown[-1] == "active"


def test_the_documented_calls_cover_what_is_particular_to_5_1(server, demo, tmp_path):
    shell = Shell(tmp_path)
    shell.run(script("powershell", server))
    bodies = [request.body for request in shell.requests if request.body]
    assert any(body.startswith(BOM) and body.endswith(b"}\r\n") for body in bodies)
    assert any(b'{\r\n    "' in body and b'":  "' in body for body in bodies)


def test_what_goes_over_the_wire_is_what_5_1_sends(server):
    assert register("http://127.0.0.1:8000", body=b"{}", headers={"Authorization": "Token x"}).head == (
        b"POST /api/auth/register HTTP/1.1\r\n"
        b"Authorization: Token x\r\n"
        b"User-Agent: " + AGENT.encode() + b"\r\n"
        b"Content-Type: application/json\r\n"
        b"Host: 127.0.0.1:8000\r\n"
        b"Content-Length: 2\r\n"
        b"Expect: 100-continue\r\n"
        b"Connection: Keep-Alive\r\n"
        b"\r\n"
    )


def test_a_refusal_of_such_a_call_is_a_problem(server, demo):
    assert send(register(server)).status == 201
    again = send(register(server))
    assert (again.status, again.content_type) == (400, "application/problem+json")
    assert '"taken"' in again.content


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"content_type": "application/x-www-form-urlencoded", "body": b"username=vera"}, 415),  # -Body @{…}
        ({"body": '{"username": "vera", "email": "vera@example.com", "password": "пароль"}'.encode("cp1251")}, 400),
        ({"body": '{"username": "vera"}'.encode("utf-16")}, 400),  # Out-File without -Encoding
        ({"body": b"{" + b" " * 70_000 + b"}"}, 413),
    ],
)
def test_what_people_get_wrong_there_is_refused_in_words(server, demo, changes, status):
    answer = send(register(server, **changes))
    assert (answer.status, answer.content_type) == (status, "application/problem+json")


def test_a_refusal_before_the_body_was_read_still_arrives(server, demo):
    request = Request(
        "Post", f"{server}/api/subscriptions/", {"Authorization": "Token none"}, "application/json", b"{}"
    )
    assert send(request).status == 401
