"""Pages stay right while rows come and go, over ties and nulls, forwards and backwards."""

import base64
import datetime as dt
import json
from itertools import pairwise

import pytest
from django.db.models import CharField, F

from api.pages import clean
from payments.models import Facts, Payment
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

SUBSCRIPTIONS, PAYMENTS = "/api/subscriptions/", "/api/payments/"
ORDERINGS = {SUBSCRIPTIONS: ["id", "created_at", "end_date"], PAYMENTS: ["id", "created_at", "amount", "confirmed_at"]}
EVERY_ORDERING = [
    (path, f"{sign}{column}") for path, columns in ORDERINGS.items() for column in columns for sign in ("", "-")
]


@pytest.fixture
def rows(alice, staff, moment) -> None:
    """Eight of each, with ties in every column and payments that are not confirmed."""
    for number in range(8):
        plan = PlanFactory(price=[100, 200, 300][number % 3])
        earlier = type(moment)(moment.now - dt.timedelta(days=number // 3), moment.today)
        subscription = SubscriptionFactory(user=alice, plan=plan, duration=1 + number % 2, moment=earlier)
        payment = PaymentFactory(subscription=subscription, moment=earlier)
        if number % 5 in (1, 2):
            payment.confirm(Facts(), by=staff, moment=earlier)


def get(caller, address):
    answer = caller.get(address.removeprefix("http://localhost"))
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(page) -> list[int]:
    return [row["id"] for row in page["results"]]


def expected(path: str, ordering: str) -> list[int]:
    """Return the ids in order, nulls last, and first when reversed; ties by id."""
    model, column = {SUBSCRIPTIONS: Subscription, PAYMENTS: Payment}[path], ordering.removeprefix("-")

    def key(row):
        value = getattr(row, column)
        return (True, row.pk) if value is None else (False, value, row.pk)

    return [row.pk for row in sorted(model.objects.all(), key=key, reverse=ordering.startswith("-"))]


def walk(caller, address, direction: str = "next") -> list[list[int]]:
    """Return the ids of each page from an address on, in the direction."""
    pages = []
    while address:
        page = get(caller, address)
        pages.append(ids(page))
        address = page[direction]
        assert len(pages) < 50
    return pages


def last_page(caller, address) -> str:
    while following := get(caller, address)["next"]:
        address = following
    return address


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(("path", "ordering"), EVERY_ORDERING)
def test_each_row_is_shown_once_in_order_forwards_and_backwards(as_alice, rows, path, ordering, size):
    start = f"{path}?ordering={ordering}&page_size={size}"
    wanted = expected(path, ordering)
    pages = walk(as_alice, start)
    assert sum(pages, []) == wanted
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    back = walk(as_alice, last_page(as_alice, start), "previous")
    assert sum(reversed(back), []) == wanted


def test_the_newest_come_first_unless_asked_otherwise(as_alice, rows):
    for path in (SUBSCRIPTIONS, PAYMENTS):
        assert ids(get(as_alice, path)) == expected(path, "-id")


def test_the_first_page_has_nothing_before_it_and_the_last_nothing_after(as_alice, rows):
    first = get(as_alice, f"{PAYMENTS}?page_size=4")
    second = get(as_alice, first["next"])
    assert (first["previous"], second["next"]) == (None, None)
    assert ids(get(as_alice, second["previous"])) == ids(first)
    assert ids(get(as_alice, get(as_alice, second["previous"])["next"])) == ids(second)


@pytest.mark.parametrize(("path", "ordering"), EVERY_ORDERING)
def test_rows_added_meanwhile_neither_repeat_nor_hide_others(as_alice, alice, rows, path, ordering):
    wanted = expected(path, ordering)
    address, seen = f"{path}?ordering={ordering}&page_size=3", []
    while address:
        page = get(as_alice, address)
        seen += ids(page)
        address = page["next"]
        if len(seen) < 8:
            PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory(price=200)))
    assert len(seen) == len(set(seen))
    assert [pk for pk in seen if pk in wanted] == wanted


def test_a_row_that_goes_away_takes_no_other_with_it(as_alice, rows):
    wanted = expected(PAYMENTS, "-id")
    first = get(as_alice, f"{PAYMENTS}?page_size=4&status=pending,confirmed")
    Payment.objects.filter(pk=ids(first)[-1], status="pending").update(status="canceled")
    Payment.objects.filter(pk=ids(first)[0], status="pending").update(status="canceled")
    assert ids(first) + sum(walk(as_alice, first["next"]), []) == wanted


def test_payments_that_become_confirmed_meanwhile_do_not_break_the_walk(as_alice, rows, staff, moment):
    address, seen = f"{PAYMENTS}?ordering=-confirmed_at&page_size=2", []
    while address:
        page = get(as_alice, address)
        seen += ids(page)
        address = page["next"]
        if waiting := Payment.objects.filter(status="pending").exclude(pk__in=seen).first():
            waiting.confirm(Facts(), by=staff, moment=moment)
    assert sorted(seen) == sorted(expected(PAYMENTS, "id"))


@pytest.mark.parametrize("micro", [0, 1, 999_999])
def test_instants_that_differ_by_a_microsecond_are_told_apart(as_alice, alice, moment, micro):
    base = dt.datetime(2026, 1, 31, 9, 12, 44, micro, tzinfo=dt.UTC)
    for number in range(8):
        at = type(moment)(base + dt.timedelta(microseconds=number // 2), moment.today)
        PaymentFactory(subscription=SubscriptionFactory(user=alice, moment=at), moment=at)
    pages = walk(as_alice, f"{PAYMENTS}?ordering=created_at&page_size=1")
    assert sum(pages, []) == expected(PAYMENTS, "created_at")


def test_the_addresses_keep_every_filter(as_alice, alice, rows):
    query = f"status=pending%2Cconfirmed&ordering=-amount&page_size=2&user_id={alice.pk}"
    query += "&created_after=2020-01-01T00%3A00%3A00%2B03%3A00"
    pages = walk(as_alice, f"{PAYMENTS}?{query}")
    assert sum(pages, []) == expected(PAYMENTS, "-amount")


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_addresses_work_with_either_slash(as_alice, rows, slash):
    assert sum(walk(as_alice, f"/api/payments{slash}?page_size=5"), []) == expected(PAYMENTS, "-id")


def test_plans_are_pages_too(anyone, rows):
    names = [plan["name"] for plan in get(anyone, "/api/plans/")["results"]]
    assert names == sorted(names)
    address, seen = "/api/plans/?page_size=5", []
    while address:
        page = get(anyone, address)
        seen += [plan["name"] for plan in page["results"]]
        address = page["next"]
    assert seen == names


def test_a_page_has_50_rows_unless_asked_otherwise_and_200_at_most(anyone):
    PlanFactory.create_batch(205)
    for query, size in {"": 50, "?page_size=1": 1, "?page_size=200": 200}.items():
        page = get(anyone, f"/api/plans/{query}")
        assert (len(page["results"]), bool(page["next"]), page["previous"]) == (size, True, None)


def test_an_empty_list_is_an_empty_page(as_alice):
    for path in (SUBSCRIPTIONS, PAYMENTS, f"{SUBSCRIPTIONS}{as_alice.user.pk}"):
        assert get(as_alice, path) == {"next": None, "previous": None, "results": []}


def test_exactly_a_page_has_none_after_it(as_alice, rows):
    assert get(as_alice, f"{PAYMENTS}?page_size=8")["next"] is None


def encoded(*values, raw: str | None = None) -> str:
    text = json.dumps(values) if raw is None else raw
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


TAMPERED = {
    "nothing": "",
    "a word": "abc",
    "not base64": "%%%",
    "non-ASCII": "%D1%8F",
    "too long": "A" * 201,
    "not JSON": encoded(raw="x"),
    "a number": encoded(raw="7"),
    "null": encoded(raw="null"),
    "an object": encoded(raw='{"a":1,"b":2,"c":3,"d":4}'),
    "too few": encoded("-id", 1, 1),
    "too many": encoded("-id", 1, 1, False, 1),
    "for another ordering": encoded("id", 1, 1, False),
    "for another column": encoded("-created_at", "2026-01-01T00:00:00Z", 1, False),
    "a direction that is none": encoded("-id", 1, 1, 0),
    "no key": encoded("-id", 1, None, False),
    "no value": encoded("-id", None, 1, False),
    "a key that is a word": encoded("-id", 1, "x", False),
    "a key that is true": encoded("-id", 1, True, False),
    "a key that is a list": encoded("-id", 1, [1], False),
    "a key beyond 2^63": encoded("-id", 1, 2**63, False),
    "a key of 150 digits": encoded("-id", 1, 10**150, False),
    "a key of NaN": encoded(raw='["-id", 1, NaN, false]'),
    "a key of Infinity": encoded(raw='["-id", 1, Infinity, false]'),
    "a key with NUL": encoded("-id", 1, "\0", False),
    "a key of a surrogate": encoded("-id", 1, "\ud800", False),
    "deep nesting": encoded(raw="[" * 140),
}


@pytest.mark.parametrize("path", [SUBSCRIPTIONS, PAYMENTS])
@pytest.mark.parametrize("cursor", TAMPERED.values(), ids=TAMPERED)
def test_a_cursor_that_was_not_given_out_is_400(as_alice, path, cursor):
    answer = as_alice.get(f"{path}?cursor={cursor}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


VALUES = [
    None,
    "x",
    "2026-13-01",
    "2026-01-01T00:00:00",
    "2026-01-01",
    5,
    1.5,
    True,
    [],
    "\0",
    "",
    "1e999",
    "NaN",
    "-Infinity",
]
VALUES += ["0000-00-00", "99999-01-01T00:00:00Z", "\ud800", "Infinity", 10**30, 1e300]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize(
    ("path", "ordering"),
    [(SUBSCRIPTIONS, "created_at"), (SUBSCRIPTIONS, "-created_at"), (PAYMENTS, "created_at"), (PAYMENTS, "-amount")],
)
def test_nor_is_one_whose_value_the_column_cannot_hold(as_alice, path, ordering, value):
    fits = ordering == "-amount" and value in (5, 1.5) and value is not True
    answer = as_alice.get(f"{path}?ordering={ordering}&cursor={encoded(ordering, value, 1, False)}")
    assert answer.status_code == (200 if fits else 400)


@pytest.mark.parametrize("value", ["pro\0", "pro\n", "\ud800", " ", "p" * 51, None, 1.5, [], "п"], ids=repr)
def test_nor_is_one_of_a_plan_that_cannot_be(anyone, plan, value):
    assert anyone.get(f"/api/plans/?cursor={encoded('name', value, value, False)}").status_code == 400


@pytest.mark.parametrize("text", ["\0", "pro\n", "\ud800", "\u200b"], ids=ascii)
def test_text_that_no_column_should_hold_is_refused_whatever_the_column_allows(text):
    with pytest.raises(ValueError, match=r"^$"):
        clean(CharField(max_length=9), text)
    assert clean(CharField(max_length=9), "про 1") == "про 1"


def test_each_letter_of_a_cursor_can_be_changed_without_a_500(as_alice, rows):
    following = get(as_alice, f"{PAYMENTS}?ordering=confirmed_at&page_size=5")["next"]
    head, _, cursor = following.removeprefix("http://localhost").partition("cursor=")
    for place in range(len(cursor)):
        changed = cursor[:place] + "9" + cursor[place + 1 :]
        assert as_alice.get(f"{head}cursor={changed}").status_code in (200, 400)


def test_pages_cost_the_same_however_far_one_reads(as_alice, rows, django_assert_max_num_queries):
    Payment.objects.update(created_at=F("created_at"))
    addresses = [f"{PAYMENTS}?page_size=3"]
    while following := get(as_alice, addresses[-1])["next"]:
        addresses.append(following)
    assert len(addresses) == 3
    for _first, later in pairwise(addresses):
        with django_assert_max_num_queries(4):
            get(as_alice, later)
