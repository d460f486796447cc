"""How many queries each route takes: exactly so many, and no more for thirty rows than for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import PASSWORD, UserFactory
from payments.models import Payment
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.test_access_matrix import routes

# Method and path → (who asks, queries). Who is looked up costs one, what they may do two more: of their own and of
# their groups. A transaction's BEGIN and COMMIT are not counted, its savepoints within a test are.
TABLE = {
    ("POST", "api/auth/register"): ("anyone", 3),
    ("POST", "api/auth/login"): ("anyone", 6),
    ("POST", "api/auth/logout"): ("as_alice", 2),
    ("POST", "api/auth/logout-all"): ("as_alice", 2),
    ("GET", "api/auth/me"): ("as_alice", 1),
    ("PATCH", "api/auth/me"): ("as_alice", 3),
    ("POST", "api/auth/change-password"): ("as_alice", 5),
    ("POST", "api/auth/password-reset"): ("anyone", 1),
    ("POST", "api/auth/password-reset/confirm"): ("anyone", 1),
    ("GET", "api/plans/"): ("anyone", 1),
    ("GET", "api/plans/<slug:name>"): ("anyone", 1),
    ("GET", "api/subscriptions/"): ("as_alice", 4),
    ("POST", "api/subscriptions/"): ("as_alice", 7),
    ("GET", "api/subscriptions/<id:user_id>"): ("as_alice", 4),
    ("GET", "api/subscriptions/<id:user_id>/<id:pk>"): ("as_alice", 4),
    ("POST", "api/subscriptions/<id:user_id>/<id:pk>/cancel"): ("as_alice", 9),
    ("POST", "api/subscriptions/<id:user_id>/<id:pk>/resume"): ("as_alice", 7),
    ("GET", "api/payments/"): ("as_alice", 4),
    ("GET", "api/payments/<id:pk>"): ("as_alice", 4),
    ("POST", "api/payments/<id:pk>/cancel"): ("as_alice", 9),
    ("POST", "api/payments/create-checkout-session"): ("as_alice", 12),
    ("POST", "api/payments/confirm-payment"): ("as_staff", 13),
    ("GET", "api/schema"): ("anyone", 0),
    ("GET", "api/docs"): ("anyone", 0),
    ("GET", "api/redoc"): ("anyone", 0),
}


def test_every_route_is_counted():
    assert set(routes()) == set(TABLE)


@pytest.fixture
def _alice_with_rows(alice, plan, settings, request) -> Payment:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    alice.set_password(PASSWORD)
    alice.save(update_fields=["password"])


def sent(route, alice, payment):
    """Return a path and a body that succeed."""
    path = route[1].replace("<id:user_id>", str(alice.pk)).replace("<slug:name>", payment.plan_id)
    path = path.replace("<id:pk>", str(payment.pk if "payments" in path else payment.subscription_id))
    bodies = {
        "api/auth/register": {"username": "carol", "email": "carol@example.com", "password": PASSWORD},
        "api/auth/login": {"username": "alice", "password": PASSWORD},
        "api/auth/me": {"email": "new@example.com"},
        "api/auth/change-password": {"old_password": PASSWORD, "new_password": "another correct horse"},
        "api/auth/password-reset": {"email": "alice@example.com"},
        "api/auth/password-reset/confirm": {"user_id": alice.pk, "token": "x-x", "new_password": PASSWORD},
        "api/subscriptions/": {"plan_name": "another"},
        "api/payments/create-checkout-session": {"plan_name": "another", "amount": "990.00"},
        "api/payments/confirm-payment": {"payment_id": payment.pk},
    }
    return f"/{path}", bodies.get(route[1], {}) if route[0] != "GET" else None


@pytest.mark.usefixtures("_alice_with_rows")
@pytest.mark.parametrize("number", [1, 30])
@pytest.mark.parametrize("route", TABLE, ids=" ".join)
def test_a_route_takes_exactly_so_many_queries(request, alice, plan, route, number):
    who, queries = TABLE[route]
    caller = request.getfixturevalue(who)
    payment = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=plan))
    PlanFactory(name="another")
    for _ in range(number - 1 if route[0] == "GET" and route[1].endswith(("/", "<id:user_id>")) else 0):
        PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory()))
    path, body = sent(route, alice, payment)
    if path.endswith("resume"):
        payment.subscription.__class__.objects.update(
            status="trialing",
            trial_end="2999-01-01",
            end_date="2999-01-01",
            access_until="2999-01-01T00:00Z",
            cancel_at="2999-01-01",
        )
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = caller.request(route[0], path, body)
    assert answer.status_code < 300 or path.endswith("reset/confirm"), answer.content
    assert len(captured) == queries, "\n".join(query["sql"] for query in captured)


@pytest.mark.parametrize("path", ["/api/subscriptions/", "/api/payments/"])
def test_staff_take_no_more(as_staff, plan, path):
    for _ in range(5):
        PaymentFactory(subscription=SubscriptionFactory(user=UserFactory(), plan=plan))
    with CaptureQueriesContext(connection) as captured:
        assert len(as_staff.get(path).json()["results"]) == 5
    assert len(captured) == 4
