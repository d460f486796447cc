"""How many queries each route takes: exactly so many, and no more for thirty rows than for one."""

from decimal import Decimal

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from billing_time.clock import Moment
from payments.checkout import Order, payment_for
from payments.models import Facts, Payment, RefundOrder
from payments.tests.factories import PaymentFactory
from subscriptions.models import Plan, Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.calling import Caller
from tests.test_access_matrix import routes

# Method and path → (who asks, queries). The token is one look-up, which brings the rights too; who acts is told to the
# database in one.
TABLE = {
    ("POST", "api/auth/register"): ("anyone", 4),
    ("POST", "api/auth/login"): ("anyone", 5),
    ("POST", "api/auth/logout"): ("as_alice", 3),
    ("POST", "api/auth/logout-all"): ("as_alice", 3),
    ("GET", "api/auth/me"): ("as_alice", 1),
    ("PATCH", "api/auth/me"): ("as_alice", 4),
    ("POST", "api/auth/change-password"): ("as_alice", 4),
    ("POST", "api/auth/password-reset"): ("anyone", 1),
    ("POST", "api/auth/password-reset/confirm"): ("anyone", 4),
    ("GET", "api/plans/"): ("anyone", 1),
    ("GET", "api/plans/<slug:name>"): ("anyone", 1),
    ("GET", "api/subscriptions/"): ("as_alice", 2),
    ("POST", "api/subscriptions/"): ("as_alice", 6),
    ("GET", "api/subscriptions/<id:user_id>"): ("as_alice", 2),
    ("GET", "api/subscriptions/<id:user_id>/<id:pk>"): ("as_alice", 2),
    ("POST", "api/subscriptions/<id:user_id>/<id:pk>/cancel"): ("as_alice", 5),
    ("POST", "api/subscriptions/<id:user_id>/<id:pk>/resume"): ("as_alice", 5),
    ("GET", "api/payments/"): ("as_alice", 2),
    ("GET", "api/payments/<id:pk>"): ("as_alice", 2),
    ("POST", "api/payments/<id:pk>/cancel"): ("as_alice", 7),
    ("POST", "api/payments/create-checkout-session"): ("as_alice", 12),
    ("POST", "api/payments/confirm-payment"): ("as_staff", 9),
    ("POST", "api/payments/<id:pk>/refund"): ("as_root", 12),
    ("POST", "api/payments/<id:pk>/reverse"): ("as_root", 21),
    ("GET", "api/receipts/"): ("as_staff", 2),
    ("GET", "api/receipts/<id:pk>"): ("as_staff", 2),
    ("GET", "api/refunds/"): ("as_staff", 2),
    ("GET", "api/refunds/<id:pk>"): ("as_staff", 2),
    ("POST", "api/refunds/<id:pk>/pay"): ("as_root", 9),
    ("POST", "api/subscriptions/<id:user_id>/<id:pk>/grant"): ("as_root", 7),
    ("GET", "api/state-machines"): ("anyone", 0),
    ("GET", "api/events/"): ("as_staff", 3),
    ("GET", "api/schema"): ("anyone", 0),
    ("GET", "api/docs"): ("anyone", 0),
    ("GET", "api/redoc"): ("anyone", 0),
}


def test_every_route_is_counted():
    assert set(routes()) == set(TABLE)


@pytest.fixture
def alice(alice, settings) -> User:
    """Alice, with a password."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    alice.set_password(PASSWORD)
    alice.save(update_fields=["password"])
    return alice


def add_rows(user: User, number: int, moment: Moment) -> None:
    """Give the user so many more subscriptions, each of its own plan and with a pending payment."""
    plans = Plan.objects.bulk_create(PlanFactory.build_batch(number))
    subscriptions = Subscription.objects.bulk_create(Subscription.sold(user, plan, 1, moment) for plan in plans)
    orders = [(each, Order(plan=each.plan, amount=each.unit_price)) for each in subscriptions]
    Payment.objects.bulk_create(payment_for(each, order, moment) for each, order in orders)


def give_some_back(payment: Payment, moment: Moment) -> None:
    """Let the payment be confirmed, and a little of it be owed back."""
    somebody = UserFactory()
    payment.confirm(Facts(evidence="E-1"), by=somebody, moment=moment)
    payment.refund(RefundOrder(reason="Sorry", amount=Decimal("1.00")), by=somebody, moment=moment)


@pytest.fixture
def as_root(db) -> Caller:
    return Caller(User.objects.create_superuser("root"))


def sent(route: tuple[str, str], alice: User, payment: Payment) -> tuple[str, dict[str, object] | None]:
    """Return a path and a body that succeed."""
    path = route[1].replace("<id:user_id>", str(alice.pk)).replace("<slug:name>", payment.plan_id)
    pks = {"payments": payment.pk, "receipts": payment.receipt_id, "subscriptions": payment.subscription_id}
    pk = payment.refunds.first().pk if "api/refunds/<" in path else pks.get(path.split("/")[1])
    path = path.replace("<id:pk>", str(pk))
    token, new = default_token_generator.make_token(alice), "another correct horse"
    bodies = {
        "api/auth/register": {"username": "carol", "email": "carol@example.com", "password": PASSWORD},
        "api/auth/login": {"username": "alice", "password": PASSWORD},
        "api/auth/me": {"email": "new@example.com"},
        "api/auth/change-password": {"old_password": PASSWORD, "new_password": new},
        "api/auth/password-reset": {"email": "alice@example.com"},
        "api/auth/password-reset/confirm": {"user_id": alice.pk, "token": token, "new_password": new},
        "api/subscriptions/": {"plan_name": "another"},
        "api/payments/create-checkout-session": {"plan_name": "another", "amount": "990.00"},
        "api/payments/confirm-payment": {"payment_id": payment.pk},
        "api/payments/<id:pk>/refund": {"reason": "Sorry"},
        "api/payments/<id:pk>/reverse": {"kind": "mistake", "reason": "Sorry"},
        "api/refunds/<id:pk>/pay": {"evidence": "E-2"},
        "api/subscriptions/<id:user_id>/<id:pk>/grant": {"days": 7, "reason": "Sorry"},
    }
    return f"/{path}", bodies.get(route[1], {}) if route[0] != "GET" else None


@pytest.mark.parametrize("number", [1, 30])
@pytest.mark.parametrize("route", TABLE, ids=" ".join)
def test_a_route_takes_exactly_so_many_queries(request, alice, moment, route, number):
    who, queries = TABLE[route]
    caller = request.getfixturevalue(who)
    PlanFactory(name="another")
    subscription = SubscriptionFactory(user=alice, plan=PlanFactory(trial_days=7))
    payment = PaymentFactory(subscription=subscription)
    if route[1].endswith("resume"):
        subscription.cancel(moment, now=False)
    add_rows(alice, number - 1, moment)
    if route[1].startswith(("api/receipts", "api/refunds")) or route[1].endswith(("refund", "reverse")):
        give_some_back(payment, moment)
    path, body = sent(route, alice, payment)
    with CaptureQueriesContext(connection) as captured:
        answer = caller.request(route[0], path, body)
    assert answer.status_code < 300, answer.content
    sql = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    assert len(sql) == queries, "\n".join(sql)


@pytest.mark.parametrize("path", ["/api/subscriptions/", "/api/payments/"])
def test_staff_take_no_more(as_staff, plan, path):
    for _ in range(5):
        PaymentFactory(subscription=SubscriptionFactory(user=UserFactory(), plan=plan))
    with CaptureQueriesContext(connection) as captured:
        assert len(as_staff.get(path).json()["results"]) == 5
    assert len(captured) == 2


@pytest.mark.parametrize("path", ["/api/payments/confirm-payment", "/api/payments/create-checkout-session"])
def test_the_transaction_of_a_request_has_no_other_within_it(as_staff, payment, path):
    confirm = {"payment_id": payment.pk}
    check_out = {"plan_name": payment.plan_id, "amount": "990.00", "subscription_id": payment.subscription_id}
    with CaptureQueriesContext(connection) as captured:
        answer = as_staff.post(path, confirm if path.endswith("confirm-payment") else check_out)
    assert answer.status_code == 200, answer.content
    inner = [query["sql"] for query in captured if query["sql"].startswith("SAVEPOINT")]
    assert len(inner) == 1, "the test's own transaction makes that of the request a savepoint, and no more"
