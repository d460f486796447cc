"""No route, page, command or check reads a big table through: asserted over the plans of what they send."""

from itertools import product
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from api.queries import FlagParameter, IdParameter, InstantParameter, StatesParameter
from billing_time.clock import Moment
from journal.serializers import EventQuery
from payments import demo
from payments.demo_bulk.filling import Size, fill
from payments.models import Payment
from payments.serializers import PaymentQuery, ReceiptQuery, RefundQuery
from subscriptions.serializers import SubscriptionQuery
from tests.calling import Caller

from .plans import listening

SIZE = Size(4_000, 20_000)
TOKENS = """
    INSERT INTO accounts_token (digest, user_id, created_at, expires_at)
    SELECT encode(sha256(id::text::bytea), 'hex'), id, now(), now() + (n - 1) * interval '1 day'
    FROM accounts_user CROSS JOIN generate_series(1, 3) AS n WHERE NOT is_staff
    ON CONFLICT DO NOTHING
"""
KEYS = """
    INSERT INTO api_idempotencykey (digest, request, status, headers, body, created_at)
    SELECT encode(sha256(n::text::bytea), 'hex'), '', 200, '{}', '', now() - n * interval '10 seconds'
    FROM generate_series(1, 20000) AS n
"""
WINDOWS = "ANALYZE"


@pytest.fixture(scope="module")
def _books(django_db_setup, django_db_blocker):
    """Fill the books once for this module; nothing of it stays."""
    with django_db_blocker.unblock(), transaction.atomic():
        demo.tell(Moment.current())
        fill(SIZE, Moment.current(), lambda *_: None)
        with connection.cursor() as cursor:
            for statement in (TOKENS, KEYS, WINDOWS):
                cursor.execute(statement)
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _in_books(_books, db):
    """Let every test of this module have the books that are filled."""


@pytest.fixture
def root():
    return User.objects.get(username=demo.ADMIN)


@pytest.fixture
def as_root(root):
    return Caller(root)


@pytest.fixture
def pages(root):
    client = Client(HTTP_HOST="localhost")
    client.force_login(root)
    return client


def somebody():
    return User.objects.get(username="bulk-77")


def examples(name, parameter):
    """Return values of a parameter of a list: rare and frequent ones."""
    match parameter:
        case StatesParameter():
            return [*parameter.states, ",".join(parameter.states[:2])]
        case FlagParameter():
            return ["true", "false"]
        case IdParameter():
            return {"user_id": [somebody().pk], "page_size": [200], "after": [0, 9000]}.get(
                name, [Payment.objects.last().subscription_id]
            )
        case InstantParameter():
            return ["2026-01-31T09:00:00Z", Moment.current().today.isoformat()]
        case _ if name in TEXTS:
            return TEXTS[name]
        case _:
            return [Moment.current().today.isoformat(), "2020-01-31"]


TEXTS = {
    "plan_name": ["pro", "weekly", "none"],
    "reference": ["RF18000007"],
    "evidence": ["BULK-700", "none"],
    "source": ["manual", "none"],
}
LISTS = {
    "subscriptions/": SubscriptionQuery,
    "payments/": PaymentQuery,
    "receipts/": ReceiptQuery,
    "refunds/": RefundQuery,
    "events/": EventQuery,
}


def asked(query):
    """Yield the parameters of a list: each filter alone, with each order and for one user, and pages further on."""
    fields = query().fields
    orders = list(fields["ordering"].choices) if "ordering" in fields else [None]
    filters = [(None, None)] + [
        (name, value)
        for name, parameter in fields.items()
        if name not in ("cursor", "ordering")
        for value in examples(name, parameter)
    ]
    for (name, value), order in product(filters, orders):
        chosen = {name: value} if name else {}
        yield chosen | ({"ordering": order} if order else {})


@pytest.mark.parametrize("path", LISTS)
def test_no_list_reads_through(as_root, path):
    found = {}
    for parameters in asked(LISTS[path]):
        with listening() as sent:
            answer = as_root.get(f"/api/{path}?{urlencode(parameters)}")
            assert answer.status_code == 200, (parameters, answer.content)
            if following := answer.json()["next"]:
                assert as_root.get(following.partition("localhost")[2]).status_code == 200
        if bad := list(sent.read_through()):
            found[urlencode(parameters)] = bad
    print("\n\n".join(f"{k}\n   " + "\n   ".join(v) for k, v in found.items()))
    assert not found, list(found)
