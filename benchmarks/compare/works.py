"""What is asked of both programs, and with which rows: every number that a request is about is a row of both."""

import json
from collections.abc import Iterator
from typing import NamedTuple

# Far above the keys that the program deals out itself, within the four bytes of the twin's.
FIRST_SLOT = 100_000_001
STAFF = 500_000_101
READERS = range(500_001_001, 500_001_201)
LOGINS = range(500_002_001, 500_002_501)
FIRST_PAID = 600_000_001
PLANS = range(301, 321)
PLAN, PRICE = "pro", "990.00"
PASSWORD = "correct-horse-battery"  # noqa: S105  (of rows that live as long as the run)
PAGE = 50


class Request(NamedTuple):
    """One request, as far as its number decides it."""

    method: str
    path: str
    body: dict[str, object] | None = None
    user: int | None = None


class Work(NamedTuple):
    """One kind of request: over which numbers it goes, and whether each of them can be asked for once only."""

    title: str
    numbers: range | None

    @property
    def spends(self) -> bool:
        """Tell whether each request needs a row that no other has used: a payment is confirmed once."""
        return self.numbers is None


WORKS = {
    "login": Work("login", LOGINS),
    "subscribe": Work("subscribe", None),
    "checkout": Work("checkout", None),
    "confirm": Work("confirm", None),
    "active": Work("list active", READERS),
    "all": Work("list all, with filters", PLANS),
}


def request(work: str, number: int) -> Request:
    """Return the request of a kind for a number: that user, subscription, payment or plan."""
    match work:
        case "login":
            return Request("POST", "/api/auth/login", {"username": str(number), "password": PASSWORD})
        case "subscribe":
            return Request("POST", "/api/subscriptions/", {"plan_name": PLAN}, number)
        case "checkout":
            asked = {"plan_name": PLAN, "amount": PRICE, "subscription_id": number}
            return Request("POST", "/api/payments/create-checkout-session", asked, number)
        case "confirm":
            return Request("POST", "/api/payments/confirm-payment", {"payment_id": number}, STAFF)
        case "active":
            return Request("GET", f"/api/subscriptions/{number}", user=number)
        case "all":
            filters = f"status=active&plan_name={number}&created_after=2020-01-01"
            return Request("GET", f"/api/subscriptions/?{filters}", user=STAFF)
    raise ValueError(work)


def token(user: int) -> str:
    """Return the token that the seeding gave a user."""
    return f"bench-{user}"


def wire(asked: Request, port: int) -> bytes:
    """Return the request as it goes over the wire."""
    body = b"" if asked.body is None else json.dumps(asked.body).encode()
    lines = [f"{asked.method} {asked.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: application/json"]
    if asked.user is not None:
        lines.append(f"Authorization: Token {token(asked.user)}")
    if asked.body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def endless(work: str, first: int, last: int) -> Iterator[int]:
    """Yield the numbers of a cell: its own ones once, or those that can be asked for again and again."""
    numbers = WORKS[work].numbers
    if numbers is None:
        yield from range(first, last + 1)
        return
    while True:
        yield from numbers
