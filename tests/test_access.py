"""What is somebody else's is like what does not exist, and nobody confirms for themselves."""

import pytest

from accounts.models import User
from payments.models import Facts, Payment, Receipt
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory
from tests.calling import Caller

CHECKOUT, CONFIRM, SUBSCRIBE = (
    "/api/payments/create-checkout-session",
    "/api/payments/confirm-payment",
    "/api/subscriptions/",
)


def told(answer) -> tuple[int, dict[str, object], set[str]]:
    """Return all that an answer tells, but for its name."""
    body = answer.json()
    assert body.pop("request_id") == answer["X-Request-Id"]
    return answer.status_code, body, set(answer.headers)


def rows() -> list[list[dict[str, object]]]:
    return [list(model.objects.order_by("pk").values()) for model in (User, Subscription, Payment, Receipt)]


def test_a_customer_does_not_confirm_a_payment_of_their_own(as_alice, payment):
    before = rows()
    hers, none = (as_alice.post(CONFIRM, {"payment_id": pk}) for pk in (payment.pk, 2**62))
    assert told(hers) == told(none)
    assert (hers.status_code, hers.json()["code"]) == (403, "permission_denied")
    assert rows() == before


@pytest.mark.parametrize("kind", ["staff", "superuser", "service account"])
def test_nobody_confirms_for_themselves(staff, plan, kind):
    user = {
        "staff": lambda: staff,
        "superuser": lambda: User.objects.create_superuser("root"),
        "service account": lambda: User.objects.create_service_account("robot"),
    }[kind]()
    user.groups.set(staff.groups.all())
    caller = Caller(user)
    own = caller.post(CHECKOUT, {"plan_name": "pro", "amount": "990.00"}).json()["id"]
    before = rows()
    answer = caller.post(CONFIRM, {"payment_id": own, "evidence": "1"})
    assert (answer.status_code, answer.json()["code"]) == (403, "own_payment")
    assert rows() == before


def test_nor_does_a_repeat_tell_them_more(as_staff, staff, alice, plan, moment):
    own = as_staff.post(CHECKOUT, {"plan_name": "pro", "amount": "990.00"}).json()["id"]
    Payment.objects.get(pk=own).confirm(Facts(), by=alice, moment=moment)
    assert as_staff.post(CONFIRM, {"payment_id": own}).json()["code"] == "own_payment"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/subscriptions/{user}/{subscription}"),
        ("POST", "/api/subscriptions/{user}/{subscription}/cancel"),
        ("POST", "/api/subscriptions/{user}/{subscription}/resume"),
        ("GET", "/api/subscriptions/{user}"),
        ("GET", "/api/payments/{payment}"),
        ("POST", "/api/payments/{payment}/cancel"),
    ],
)
def test_what_is_another_users_is_not_told_from_what_does_not_exist(as_bob, bob, payment, method, path):
    hers = {"user": payment.user_id, "subscription": payment.subscription_id, "payment": payment.pk}
    before = rows()
    existing = as_bob.request(method, path.format(**hers))
    missing = as_bob.request(method, path.format(user=2**62, subscription=2**62, payment=2**62))
    assert existing.status_code == 404
    assert told(existing) == told(missing)
    mixed = as_bob.request(method, path.format(**hers | {"user": bob.pk}))
    assert mixed.status_code == (200 if path.endswith("{user}") else 404)
    assert rows() == before


def test_another_users_subscription_cannot_be_paid(as_bob, subscription):
    before = rows()
    order = {"plan_name": "pro", "amount": "990.00"}
    hers, none = (as_bob.post(CHECKOUT, order | {"subscription_id": pk}) for pk in (subscription.pk, 2**62))
    assert hers.status_code == 404
    assert told(hers) == told(none)
    assert rows() == before


@pytest.mark.parametrize(("path", "more"), [(SUBSCRIBE, {}), (CHECKOUT, {"amount": "990.00"})])
def test_naming_another_user_is_403_whether_or_not_there_is_one(as_bob, alice, plan, path, more):
    before = rows()
    hers, none = (as_bob.post(path, {"plan_name": "pro", "user_id": pk, **more}) for pk in (alice.pk, 2**62))
    assert (hers.status_code, hers.json()["code"]) == (403, "permission_denied")
    assert told(hers) == told(none)
    assert rows() == before


@pytest.mark.parametrize(("path", "more"), [(SUBSCRIBE, {}), (CHECKOUT, {"amount": "990.00"})])
def test_staff_learn_that_there_is_no_such_user_and_act_for_those_there_are(as_staff, alice, plan, path, more):
    unknown = as_staff.post(path, {"plan_name": "pro", "user_id": 2**62, **more})
    assert [(error["field"], error["code"]) for error in unknown.json()["errors"]] == [("user_id", "unknown")]
    assert not Subscription.objects.exists()
    assert as_staff.post(path, {"plan_name": "pro", "user_id": alice.pk, **more}).json()["user_id"] == alice.pk


def test_naming_oneself_is_the_same_as_naming_nobody(as_bob, bob, plan):
    assert as_bob.post(SUBSCRIBE, {"plan_name": "pro", "user_id": bob.pk}).json()["user_id"] == bob.pk


@pytest.mark.parametrize("path", ["/api/subscriptions/", "/api/payments/"])
def test_lists_show_ones_own_and_a_filter_for_anothers_an_empty_page(as_alice, as_bob, as_staff, payment, path):
    empty = {"next": None, "previous": None, "results": []}
    assert [row["user_id"] for row in as_alice.get(path).json()["results"]] == [payment.user_id]
    assert as_bob.get(path).json() == empty
    for query in (f"user_id={payment.user_id}", "user_id=999999", "plan_name=pro"):
        assert as_bob.get(f"{path}?{query}").json() == empty
    assert as_bob.get(f"/api/payments/?subscription_id={payment.subscription_id}").json() == empty
    assert as_bob.get(f"/api/payments/?reference={payment.reference}").json() == empty
    assert len(as_staff.get(f"{path}?user_id={payment.user_id}").json()["results"]) == 1


def test_a_cursor_of_another_opens_nothing(as_alice, as_bob, payment, subscription):
    as_alice.post(SUBSCRIBE, {"plan_name": PlanFactory().name})
    following = as_alice.get("/api/subscriptions/?page_size=1").json()["next"]
    assert as_bob.get(following.removeprefix("http://localhost")).json()["results"] == []


def test_losing_the_right_is_felt_on_the_next_request(as_staff, staff, payment):
    assert as_staff.get(f"/api/payments/{payment.pk}").status_code == 200
    staff.groups.clear()
    assert as_staff.get(f"/api/payments/{payment.pk}").status_code == 404
    assert as_staff.post(CONFIRM, {"payment_id": payment.pk}).status_code == 403
