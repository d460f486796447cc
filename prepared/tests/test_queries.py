"""A prepared query is its queryset: whatever it is asked, it sends the same SQL and returns the same rows."""

import datetime as dt

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import UserFactory
from payments.models import Facts, Payment
from payments.tests.factories import PaymentFactory
from prepared.queries import Prepared, prepared
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory


def plain(sql: str) -> str:
    """Return SQL without the brackets that Django puts around an expression, and not around a value."""
    return sql.replace("(%s)", "%s")


@pytest.fixture
def compared(monkeypatch):
    """Compare every prepared query that runs with the queryset that it was made of; count them."""
    seen = []
    run = Prepared.__call__

    def both(self, *shape, **values):
        rows, queryset = run(self, *shape, **values), self.build(*shape, **values)
        statement = self.query(shape, tuple(values)).statement
        sql, parameters = queryset.query.sql_with_params()
        assert plain(statement.sql) == plain(sql)
        assert [str(value) for value in statement.bound(values)] == [str(value) for value in parameters]
        assert [shown(row) for row in rows] == [shown(row) for row in queryset]
        seen.append(self.__name__)
        return rows

    monkeypatch.setattr(Prepared, "__call__", both)
    return seen


def shown(row):
    """Return a row so that it can be compared, with what was read beside it."""
    if not hasattr(row, "__dict__"):
        return row
    own = {name: value for name, value in vars(row).items() if name != "_state"}
    return own | {name: value and shown(value) for name, value in row._state.fields_cache.items()}


@pytest.fixture
def books(alice, staff, moment):
    """Some subscriptions and payments of alice and others, in several states."""
    for user in (alice, UserFactory(), UserFactory()):
        for state in ("waits", "paid"):
            payment = PaymentFactory(subscription=SubscriptionFactory(user=user, plan=PlanFactory(trial_days=0)))
            if state == "paid":
                payment.confirm(Facts(evidence=f"E {payment.pk}"), by=staff, moment=moment)


SUBSCRIPTIONS = "/api/subscriptions/"
PAYMENTS = "/api/payments/"
LISTS = [
    SUBSCRIPTIONS,
    f"{SUBSCRIPTIONS}?status=active,pending&page_size=2",
    f"{SUBSCRIPTIONS}?has_access=true&ordering=end_date&page_size=2",
    f"{SUBSCRIPTIONS}?has_access=false&ordering=-end_date&page_size=2",
    f"{SUBSCRIPTIONS}?ends_after=2020-01-01&ends_before=2040-01-01&created_after=2020-01-01&ordering=created_at&page_size=2",
    f"{SUBSCRIPTIONS}?status=trialing,past_due,expired,canceled",
    f"{PAYMENTS}?page_size=2",
    f"{PAYMENTS}?status=pending,confirmed&ordering=confirmed_at&page_size=2",
    f"{PAYMENTS}?ordering=-confirmed_at&page_size=2",
    f"{PAYMENTS}?evidence=e%20%201&reference=rf%2012&unapplied=false&received_from=2020-01-01",
    f"{PAYMENTS}?confirmed_from=2020-01-01&confirmed_to=2040-01-01&ordering=-amount&page_size=2",
    "/api/receipts/?unapplied=true&source=Manual",
    "/api/receipts/?unapplied=false&page_size=1",
    "/api/refunds/?status=due",
    "/api/plans/?page_size=2",
]


@pytest.mark.parametrize("path", LISTS)
def test_every_page_of_a_list_is_what_its_queryset_says(books, as_staff, compared, path):
    pages = 0
    while path:
        answer = as_staff.get(path)
        assert answer.status_code == 200, answer.content
        path, pages = answer.json()["next"], pages + 1
        if previous := answer.json()["previous"]:
            assert as_staff.get(previous).status_code == 200
    assert compared.count("listed") >= pages


def test_own_rows_are_what_their_queryset_says(books, as_alice, alice, compared):
    assert len(as_alice.get(SUBSCRIPTIONS).json()["results"]) == 2
    assert len(as_alice.get(f"{SUBSCRIPTIONS}{alice.pk}").json()["results"]) == 1
    assert compared == ["holders", "listed", "holders", "listed"]


def test_what_a_confirmation_reads_and_locks_is_what_its_querysets_say(payment, as_staff, compared):
    body = {"payment_id": payment.pk, "evidence": "E-1"}
    assert as_staff.post("/api/payments/confirm-payment", body).status_code == 200
    assert compared == ["holders", "with_subscription", "in_question", "entries", "locked_payment"]


def test_a_shape_is_compiled_once(alice):
    @prepared
    def older(flag: bool, *, now) -> QuerySet[User]:
        return User.objects.filter(is_active=flag, created_at__lt=now)

    later = alice.created_at + dt.timedelta(seconds=1)
    assert older(True, now=later) == [alice]
    assert older(True, now=alice.created_at) == []
    assert older(False, now=later) == []
    assert (older.query.cache_info().misses, older.query.cache_info().hits) == (2, 1)


def test_a_query_that_nothing_can_meet_is_not_sent(db):
    nobody = prepared(lambda *, now: User.objects.filter(pk__in=[], created_at__lt=now))
    with CaptureQueriesContext(connection) as captured:
        assert nobody(now=dt.datetime.now(dt.UTC)) == []
    assert not captured.captured_queries


def test_columns_that_python_converts_are_refused(db):
    from journal.models import Event

    with pytest.raises(TypeError, match="converts in Python"):
        prepared(lambda *, seq: Event.objects.filter(seq=seq))(seq=1)


def test_values_alone_and_pairs_can_be_read(subscription, payment):
    flat = prepared(lambda *, pk: Payment.objects.filter(pk=pk).values_list("amount", flat=True))
    pairs = prepared(lambda *, pk: Subscription.objects.filter(pk=pk).values_list("pk", "plan_id"))
    assert flat(pk=payment.pk) == [payment.amount]
    assert pairs(pk=subscription.pk) == [(subscription.pk, subscription.plan_id)]
    assert flat.first(pk=payment.pk + 1) is None
