"""Every route of the API for everybody: what is not in this table, or is no route any more, fails."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission
from django.urls import URLPattern, get_resolver

from accounts.models import User
from accounts.tests.factories import UserFactory
from payments.models import Payment
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory
from tests.calling import Caller

PEOPLE = ("nobody", "alice", "bob", "powerless staff", "staff", "superuser")
ANYONE = (200,) * 6
LOGGED_IN = (401, *(200,) * 5)
HERS = (401, 200, 404, 404, 200, 200)

# The path with Alice's ids and the body are made by `sent`; the answers are in the order of PEOPLE.
MATRIX = {
    ("POST", "api/auth/register"): (201,) * 6,
    ("POST", "api/auth/login"): (400,) * 6,
    ("POST", "api/auth/logout"): (401, *(204,) * 5),
    ("POST", "api/auth/logout-all"): (401, *(204,) * 5),
    ("GET", "api/auth/me"): LOGGED_IN,
    ("PATCH", "api/auth/me"): LOGGED_IN,
    ("POST", "api/auth/change-password"): (401, *(400,) * 5),
    ("POST", "api/auth/password-reset"): (204,) * 6,
    ("POST", "api/auth/password-reset/confirm"): (400,) * 6,
    ("GET", "api/plans/"): ANYONE,
    ("GET", "api/plans/<slug:name>"): ANYONE,
    ("GET", "api/subscriptions/"): LOGGED_IN,
    ("POST", "api/subscriptions/"): (401, 201, 403, 403, 201, 201),
    ("GET", "api/subscriptions/<id:user_id>"): HERS,
    ("GET", "api/subscriptions/<id:user_id>/<id:pk>"): HERS,
    ("POST", "api/subscriptions/<id:user_id>/<id:pk>/cancel"): HERS,
    ("POST", "api/subscriptions/<id:user_id>/<id:pk>/resume"): (401, 409, 404, 404, 409, 409),
    ("GET", "api/payments/"): LOGGED_IN,
    ("GET", "api/payments/<id:pk>"): HERS,
    ("POST", "api/payments/<id:pk>/cancel"): HERS,
    ("POST", "api/payments/create-checkout-session"): (401, 201, 403, 403, 201, 201),
    ("POST", "api/payments/confirm-payment"): (401, 403, 403, 403, 200, 200),
    ("GET", "api/events/"): (401, 403, 403, 403, 200, 200),
    ("POST", "api/payments/<id:pk>/refund"): (401, 403, 403, 403, 403, 409),
    ("POST", "api/payments/<id:pk>/reverse"): (401, 403, 403, 403, 403, 409),
    ("GET", "api/receipts/"): (401, 403, 403, 403, 200, 200),
    ("GET", "api/receipts/<id:pk>"): (401, 403, 403, 403, 404, 404),
    ("GET", "api/refunds/"): (401, 403, 403, 403, 200, 200),
    ("GET", "api/refunds/<id:pk>"): (401, 403, 403, 403, 404, 404),
    ("POST", "api/refunds/<id:pk>/pay"): (401, 403, 403, 403, 403, 404),
    ("POST", "api/subscriptions/<id:user_id>/<id:pk>/grant"): (401, 403, 403, 403, 403, 201),
    ("GET", "api/state-machines"): ANYONE,
    ("GET", "api/schema"): ANYONE,
    ("GET", "api/docs"): ANYONE,
    ("GET", "api/redoc"): ANYONE,
}


def routes(patterns=None, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield method and path of every route below /api, from the URLconf."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = f"{prefix}{entry.pattern}"
        if not path.startswith("api"):
            continue
        if isinstance(entry, URLPattern):
            methods = getattr(entry.callback, "actions", None) or {"get": ""}
            yield from ((method.upper(), path) for method in methods if method != "head")
        else:
            yield from routes(entry.url_patterns, path)


def test_every_route_has_a_row_and_every_row_a_route():
    assert set(routes()) == set(MATRIX)


def callers(alice: User, bob: User, powerless_staff: User, staff: User) -> dict[str, Caller]:
    root = User.objects.create_superuser("root")
    return dict(zip(PEOPLE, map(Caller, (None, alice, bob, powerless_staff, staff, root)), strict=True))


def sent(route: tuple[str, str], alice: User, payment: Payment) -> tuple[str, dict[str, object] | None]:
    """Return the path and the body that are about Alice."""
    method, path = route
    for place, value in {"user_id": alice.pk, "pk": 0, "name": "pro"}.items():
        pk = payment.subscription_id if path.startswith("api/subscriptions") else payment.pk
        path = path.replace(f"<id:{place}>", str(value or pk)).replace(f"<slug:{place}>", str(value))
    bodies = {
        "api/auth/register": {"username": "carol", "email": "carol@example.com", "password": "correct horse battery"},
        "api/auth/password-reset": {"email": "nobody@example.com"},
        "api/subscriptions/": {"user_id": alice.pk, "plan_name": "another"},
        "api/payments/create-checkout-session": {"user_id": alice.pk, "plan_name": "another", "amount": "990.00"},
        "api/payments/confirm-payment": {"payment_id": payment.pk},
        f"api/payments/{payment.pk}/refund": {"reason": "Because"},
        f"api/payments/{payment.pk}/reverse": {"kind": "mistake", "reason": "Because"},
        f"api/refunds/{payment.pk}/pay": {"evidence": "E-1"},
        f"api/subscriptions/{alice.pk}/{payment.subscription_id}/grant": {"days": 7, "reason": "Because"},
    }
    return f"/{path}", bodies.get(path, {}) if method != "GET" else None


def rows() -> list[list[dict[str, object]]]:
    return [list(model.objects.order_by("pk").values()) for model in (User, Subscription, Payment)]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("route", MATRIX, ids=" ".join)
def test_who_may_do_what(alice, bob, powerless_staff, staff, payment, settings, route, person):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    PlanFactory(name="another")
    caller = callers(alice, bob, powerless_staff, staff)[person]
    path, body = sent(route, alice, payment)
    before = rows()
    answer = caller.request(route[0], path, body)
    assert answer.status_code == MATRIX[route][PEOPLE.index(person)], answer.content
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        assert rows() == before


@pytest.mark.parametrize("route", [route for route, answers in MATRIX.items() if 401 not in answers], ids=" ".join)
def test_routes_for_anyone_ignore_a_wrong_token(anyone, alice, payment, settings, route):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    path, body = sent(route, alice, payment)
    answer = anyone.request(route[0], path, body, Authorization="Token wrong")
    assert answer.status_code == MATRIX[route][0]


@pytest.mark.parametrize("route", [route for route, answers in MATRIX.items() if 401 in answers], ids=" ".join)
def test_all_others_refuse_a_service_account_without_rights_as_anybody_else(alice, payment, route):
    PlanFactory(name="another")
    robot = Caller(User.objects.create_service_account("robot"))
    path, body = sent(route, alice, payment)
    assert robot.request(route[0], path, body).status_code == MATRIX[route][PEOPLE.index("powerless staff")]


def test_a_right_opens_what_it_names_and_no_more(alice, payment):
    for codename, open_to in {
        "payments.confirm_payment": {"api/payments/confirm-payment"},
        "payments.view_payment": {"api/payments/<id:pk>"},
        "subscriptions.view_subscription": {
            "api/subscriptions/<id:user_id>",
            "api/subscriptions/<id:user_id>/<id:pk>",
        },
        "payments.view_receipt": {"api/receipts/"},
        "payments.view_refund": {"api/refunds/"},
        "journal.view_event": {"api/events/"},
    }.items():
        robot = UserFactory(is_service=True)
        robot.user_permissions.add(permission(codename))
        closed = [route for route, answers in MATRIX.items() if answers[PEOPLE.index("bob")] in (403, 404)]
        found = {
            route[1]
            for route in closed
            if Caller(robot).request(route[0], *sent(route, alice, payment)).status_code == 200
        }
        assert found == open_to


def permission(name: str) -> Permission:
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)
