"""No route, page, command or check reads a big table through: asserted over the plans of what they send."""

import datetime as dt
from contextlib import suppress
from io import StringIO
from itertools import product
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.admin import lists
from accounts.models import User
from api.queries import FlagParameter, IdParameter, InstantParameter, StatesParameter
from billing_time.clock import Moment
from doctor.checks import CHECKS
from doctor.visits import visit
from journal.models import Event, Seal
from journal.serializers import EventQuery
from payments import demo
from payments.demo_bulk.filling import Size, fill
from payments.models import Payment
from payments.serializers import PaymentQuery, ReceiptQuery, RefundQuery
from payments.tests.factories import PaymentFactory
from subscriptions.serializers import SubscriptionQuery
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.calling import Caller
from tests.test_queries import TABLE, as_root, give_some_back, sent  # noqa: F401

from .plans import SMALL, Sent, listening, nodes, plan_of, tables

SIZE = Size(4_000, 20_000)
# What is not of customers in bulk, and grows all the same.
MORE = (
    """INSERT INTO accounts_token (digest, user_id, created_at, expires_at)
    SELECT encode(sha256((id * 10 + n)::text::bytea), 'hex'), id, now(), now() + (n - 0.5) * interval '1 day'
    FROM accounts_user CROSS JOIN generate_series(0, 9) AS n WHERE username LIKE 'bulk-%'""",
    """INSERT INTO api_idempotencykey (digest, request, status, headers, body, created_at)
    SELECT encode(sha256(n::text::bytea), 'hex'), '', 200, '{}', '', now() - n * interval '4.5 seconds'
    FROM generate_series(1, 20000) AS n""",
    """INSERT INTO api_ratewindow (key, ends_at, hits)
    SELECT n::text, now() + n * interval '1 minute', 1 FROM generate_series(1, 5000) AS n""",
    """INSERT INTO django_session (session_key, session_data, expire_date)
    SELECT md5(n::text), '', now() + n * interval '1 hour' FROM generate_series(1, 3000) AS n""",
    """INSERT INTO django_admin_log (action_time, object_repr, action_flag, change_message, user_id)
    SELECT now() - n * interval '1 hour', '', 2, '', first + mod(n, 100) FROM generate_series(1, 3000) AS n,
    (SELECT min(id) AS first FROM accounts_user WHERE username LIKE 'bulk-%') AS users""",
    # No disk of today has a head that must be moved.
    "SET LOCAL random_page_cost TO 1.1",
    "ANALYZE",
)


@pytest.fixture(scope="module")
def _books(django_db_setup, django_db_blocker):
    """Fill the books once for this module; nothing of it stays."""
    with django_db_blocker.unblock(), transaction.atomic():
        demo.tell(Moment.current())
        fill(SIZE, Moment.current(), lambda *_: None)
        with connection.cursor() as cursor:
            for statement in MORE:
                cursor.execute(statement)
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _in_books(_books, db):
    """Let every test of this module have the books that are filled."""


@pytest.fixture
def admins():
    """Call as one who may see everything."""
    return Caller(User.objects.get(username=demo.ADMIN))


@pytest.fixture
def browser(monkeypatch):
    """Look at the admin; lists count and find as much less as these books are smaller than real ones."""
    monkeypatch.setattr(lists, "COUNTED", 100)
    monkeypatch.setattr(lists, "FOUND", 20)
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.get(username=demo.ADMIN))
    return client


@pytest.fixture
def staff():
    """Olga of the demo."""
    return User.objects.get(username=demo.OPERATOR)


def nothing_read_through(found):
    """Assert over what was heard, by what was asked for."""
    heard = Sent([statement for each in found.values() for statement in each.statements])
    bad = {said for _names, said in heard.read_through()}
    addresses = [asked for asked, each in found.items() if bad & {f"{sql} {params}" for sql, params in each.statements}]
    assert not addresses, "\n".join([*addresses, *bad])


def test_the_small_tables_are_tables():
    assert tables() > SMALL


# --- Lists

TODAY = dt.datetime.now(dt.UTC).date().isoformat()
VALUES = {
    "plan_name": ["pro", "weekly", "none"],
    "reference": ["RF18000007"],
    "evidence": ["BULK-700", "none"],
    "source": ["manual", "none"],
    "page_size": [200],
    "after": [0, 9000],
}
LISTS = {
    "subscriptions/": SubscriptionQuery,
    "payments/": PaymentQuery,
    "receipts/": ReceiptQuery,
    "refunds/": RefundQuery,
    "events/": EventQuery,
}
# The end that is shown of what waits for payment is a forecast of today, which no index can hold.
BY_FORECAST = ("end_date", "-end_date")


def examples(name, parameter):
    """Return values of a parameter of a list: frequent and rare ones."""
    match parameter:
        case _ if name in VALUES:
            return VALUES[name]
        case StatesParameter():
            return [*parameter.states, ",".join(parameter.states[:2])]
        case FlagParameter():
            return ["true", "false"]
        case IdParameter():
            payment = Payment.objects.filter(user__username="bulk-77").first()
            return [{"user_id": payment.user_id, "payment_id": payment.pk}.get(name, payment.subscription_id)]
        case InstantParameter():
            return ["2026-01-31T09:00:00Z", TODAY]
        case _:
            return [TODAY, "2020-01-31"]


def asked(query):
    """Yield the parameters of a list: none and each filter alone, in each order."""
    fields = query().fields
    filters = [{name: value} for name, each in fields.items() for value in examples(name, each) if name != "cursor"]
    orders = fields["ordering"].choices if "ordering" in fields else ()
    for chosen, order in product([{}, *(each for each in filters if "ordering" not in each)], orders or [None]):
        yield chosen | ({"ordering": order} if order else {})


@pytest.mark.parametrize("path", LISTS)
def test_a_list_reads_no_big_table_through_whatever_it_is_asked(admins, path):
    found = {}
    for parameters in asked(LISTS[path]):
        address = f"/api/{path}?{urlencode(parameters)}"
        with listening() as found[address]:
            answer = admins.get(address)
            if following := answer.json()["next"]:
                assert admins.get(following.partition("localhost")[2]).status_code == 200
        assert answer.status_code == 200, answer.content
        if parameters.get("ordering") in BY_FORECAST and "subscriptions" in path:
            del found[address]
    nothing_read_through(found)


@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "amount", "-amount"])
def test_a_page_far_on_begins_by_the_index(admins, ordering):
    following = admins.get(f"/api/payments/?ordering={ordering}&page_size=200").json()["next"]
    with listening() as heard:
        assert admins.get(following.partition("localhost")[2]).status_code == 200
    (plan,) = [plan_of(sql, params) for sql, params in heard.statements if "LIMIT 201" in sql]
    scans = [node for node in nodes(plan) if node.get("Relation Name") == "payments_payment"]
    assert all("Index Cond" in scan for scan in scans), scans


# --- Routes


@pytest.mark.parametrize("route", TABLE, ids=" ".join)
def test_a_route_reads_no_big_table_through(request, alice, moment, settings, route):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    alice.set_password("correct horse battery staple")
    alice.save(update_fields=["password"])
    caller = request.getfixturevalue(TABLE[route][0])
    PlanFactory(name="another")
    subscription = SubscriptionFactory(user=alice, plan=PlanFactory(trial_days=7))
    payment = PaymentFactory(subscription=subscription)
    if route[1].endswith("resume"):
        subscription.cancel(moment, now=False)
    if route[1].startswith(("api/receipts", "api/refunds")) or route[1].endswith(("refund", "reverse")):
        give_some_back(payment, moment)
    path, body = sent(route, alice, payment)
    with listening() as heard:
        assert caller.request(route[0], path, body).status_code < 500
    nothing_read_through({path: heard})


# --- Pages


def filters_of(page, request):
    """Yield the queries of the filters of a list."""
    shown = page.get_changelist_instance(request)
    for filter_ in shown.filter_specs:
        yield from (
            choice["query_string"] for choice in filter_.choices(shown) if choice.get("query_string", "?") != "?"
        )


def searches():
    """Yield what staff look for; of one letter or two an index has nothing to hold on to."""
    for text in ("bulk-777", "bulk-777@example.com", "700", "RF18000007", "BULK-700", demo.OPERATOR, "zzz unknown"):
        yield f"?{urlencode({'q': text})}"


def addresses(page, request):
    """Yield the addresses of a model's list and of one of its rows, as far as there is one."""
    names = page.opts.app_label, page.opts.model_name
    base = reverse("admin:{}_{}_changelist".format(*names))
    orders = [f"?o={sign}{number}" for number in range(1, len(page.list_display) + 1) for sign in ("", "-")]
    pointed = [f"?{name}=77" for name in page.pointed_at_by]
    for query in ("", *orders, *filters_of(page, request), *searches(), *pointed):
        yield base + query
    for row in page.model.objects.order_by("pk")[:1]:
        yield reverse("admin:{}_{}_change".format(*names), args=[row.pk])


@pytest.mark.parametrize("page", admin.site._registry.values(), ids=lambda page: page.opts.model_name)
def test_pages_of_a_model_read_no_big_table_through(browser, page):
    request = RequestFactory().get("/")
    request.user, found = User.objects.get(username=demo.ADMIN), {}
    for address in addresses(page, request):
        with listening() as found[address]:
            assert browser.get(address).status_code == 200, address
    nothing_read_through(found)


def acts():
    """Yield the pages on which staff act."""
    pending = Payment.objects.filter(status="pending").first()
    confirmed = Payment.objects.filter(status="confirmed", unapplied=False).first()
    yield from (reverse(f"admin:payments_payment_{act}", args=[pending.pk]) for act in ("confirm", "settle", "cancel"))
    yield from (reverse(f"admin:payments_payment_{act}", args=[confirmed.pk]) for act in ("refund", "reverse"))
    yield reverse("admin:subscriptions_subscription_cancel", args=[confirmed.subscription_id])
    yield reverse("checkout", args=[pending.page_key])
    yield from (reverse("admin:index"), reverse("admin:payments_payment_changelist") + "queue/")
    yield reverse("admin:payments_receipt_statement")


def test_pages_beside_the_lists_read_no_big_table_through(browser):
    found = {}
    for address in acts():
        with listening() as found[address]:
            assert browser.get(address).status_code == 200, address
    nothing_read_through(found)


# --- Commands and checks


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize(
    "command", ["expire_payments", "expire_subscriptions", "prune_tokens", "prune_idempotency_keys"]
)
def test_a_command_of_the_night_reads_no_big_table_through(command, dry):
    with listening() as heard:
        call_command(command, *(["--dry-run"] if dry else []), stdout=StringIO())
    nothing_read_through({command: heard})


@pytest.mark.parametrize("command", ["seal_journal", "verify_journal", "bank_statement"])
def test_a_command_over_what_happened_reads_no_big_table_through(command):
    """The seal is none of these books': it breaks, and all under it is looked at."""
    last = Event.objects.order_by("seq").last().seq - 100
    Seal.objects.create(first_seq=1, last_seq=last, count=0, digest="0", previous_digest="1")
    with listening() as heard, suppress(CommandError):
        call_command(command, stdout=StringIO())
    nothing_read_through({command: heard})


# What constraints and triggers forbid can be found by no index that is not believed instead of the rows; and what must
# agree between two tables is compared row by row. Each of these reads its tables in one pass, within the time it has.
WHOLE = {
    "active_without_coverage", "allocation_elsewhere", "allocation_of_unsettled", "allocations_differ",
    "anchor_day_differs", "applied_without_coverage", "confirmed_by_its_owner", "confirmed_without_entry",
    "confirmed_without_receipt", "coverage_not_the_term", "coverage_overlaps", "coverage_taken_back_differs",
    "coverage_too_far", "covered_until_differs", "end_date_differs", "evidence_twice",
    "nothing_left_not_refunded", "payment_amount_differs", "payment_of_another_subscription",
    "payment_status_unknown", "receipt_allocated_differs", "receipt_elsewhere", "receipt_overdrawn",
    "receipt_refunded_differs", "receipt_reversed_differs", "refund_elsewhere", "refund_status_unknown",
    "refund_without_evidence", "refunded_amount_differs", "refunds_over_payment", "reversal_elsewhere",
    "reversal_kind_differs", "reversed_without_reversal", "row_gone", "row_without_entry",
    "status_without_entry", "subscription_terms_differ", "unconfirmed_with_facts",
}  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_only_a_check_of_every_row_reads_a_big_table_through(check):
    with listening() as heard:
        visit([check], Moment.current(), seconds=60)
    assert bool(heard.read_through()) == (check.name in WHOLE)


# --- The assertion itself


def test_without_its_index_a_command_reads_a_table_through():
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX accounts_token_expires_at_2846b245")
    with listening() as heard:
        call_command("prune_tokens", "--dry-run", stdout=StringIO())
    assert {"accounts_token"} in [names for names, _said in heard.read_through()]
