"""The examples of the API's description: alice buys a month, and olga of the staff confirms that she paid.

One story, so that the ids of one example are those of the next. A schema component without an example here is found
by `tests/documents/test_schema.py`.
"""

from collections.abc import Iterator
from typing import Any

USER = {"id": 7, "username": "alice", "email": "alice@example.com"}
PLAN = {
    "name": "pro",
    "title": "Pro",
    "description": "Everything, for one team.",
    "price": "990.00",
    "currency": "RUB",
    "interval": "month",
    "interval_count": 1,
    "trial_days": 0,
    "grace_days": 3,
}
SUBSCRIPTION = {
    "id": 12,
    "user_id": 7,
    "plan_name": "pro",
    "duration": 1,
    "status": "active",
    "has_access": True,
    "start_date": "2026-01-31",
    "end_date": "2026-02-28",
    "covered_until": "2026-02-28",
    "access_until": "2026-03-03T00:00:00Z",
    "trial_end": None,
    "cancel_at": None,
    "unit_price": "990.00",
    "currency": "RUB",
    "interval": "month",
    "interval_count": 1,
    "trial_days": 0,
    "grace_days": 3,
    "created_at": "2026-01-31T09:12:44.101000Z",
}
PENDING_PAYMENT = {
    "id": 31,
    "user_id": 7,
    "subscription_id": 12,
    "plan_name": "pro",
    "amount": "990.00",
    "currency": "RUB",
    "status": "pending",
    "unit_price": "990.00",
    "duration": 1,
    "interval": "month",
    "interval_count": 1,
    "reference": "RF40000031",
    "provider": "manual",
    "checkout_url": "https://billing.example.com/pay/q3vJ0mS8cVxF2d1nT7yRkA",
    "expires_at": "2026-02-14T09:13:02.440000Z",
    "covers_from": None,
    "covers_to": None,
    "confirmed_at": None,
    "received_on": None,
    "receipt_id": None,
    "refunded_amount": "0.00",
    "shortfall": "0.00",
    "unapplied": False,
    "reversal_kind": None,
    "created_at": "2026-01-31T09:13:02.440000Z",
}
CONFIRMED_PAYMENT = PENDING_PAYMENT | {
    "status": "confirmed",
    "covers_from": "2026-01-31",
    "covers_to": "2026-02-28",
    "confirmed_at": "2026-01-31T10:02:11.007000Z",
    "received_on": "2026-01-30",
    "receipt_id": 5,
}
RECEIPT = {
    "id": 5,
    "user_id": 7,
    "source": "manual",
    "evidence": "0117-22",
    "amount": "990.00",
    "currency": "RUB",
    "unapplied_amount": "0.00",
    "reversed_amount": "0.00",
    "received_on": "2026-01-30",
    "note": "",
    "created_at": "2026-01-31T10:02:11.007000Z",
}
REFUND = {
    "id": 2,
    "payment_id": 31,
    "amount": "300.00",
    "currency": "RUB",
    "status": "due",
    "coverage": "keep",
    "reason": "The service was down for nine days.",
    "evidence": None,
    "paid_at": None,
    "created_at": "2026-02-10T08:00:00.120000Z",
}
MACHINE = {
    "states": ["pending", "confirmed"],
    "births": [{"to": "pending", "verbs": ["check_out"]}],
    "transitions": [{"from": "pending", "to": "confirmed", "verbs": ["confirm"]}],
    "final": ["refunded"],
}
EVENT = {
    "seq": 90211,
    "at": "2026-01-31T10:02:11.009000Z",
    "kind": "payment.confirmed",
    "object": {"type": "payment", "id": 31},
    "user_id": 7,
    "actor": {"type": "user", "id": 2, "name": "olga"},
    "channel": "admin",
    "request_id": "5f1c2d3e4b5a69788796a5b4",
    "before": {"status": "pending", "covers_from": None, "covers_to": None},
    "after": {"status": "confirmed", "covers_from": "2026-01-31", "covers_to": "2026-02-28"},
    "reason": "",
}
PASSWORD = "correct horse battery"  # noqa: S105  (an example)
TOKEN = "kq3VZ0b7m1Yw…"  # noqa: S105  (an example)

EXAMPLES: dict[str, Any] = {
    "RegisterRequest": {"username": "alice", "email": "alice@example.com", "password": PASSWORD},
    "User": USER,
    "LoginRequest": {"username": "alice", "password": PASSWORD},
    "LoggedIn": {"token": TOKEN, "expiry": "2026-02-14T09:10:30.020000Z", "user": USER},
    "ChangeEmailRequest": {"email": "alice@example.org"},
    "ChangePasswordRequest": {"old_password": PASSWORD, "new_password": "staple of a new year"},
    "RequestResetRequest": {"email": "alice@example.com"},
    "ConfirmResetRequest": {
        "user_id": 7,
        "token": "d2k1xq-4c0b9a7e8f5d6c3b2a1f0e9d8c7b6a59",
        "new_password": "staple of a new year",
    },
    "Plan": PLAN,
    "SubscribeRequest": {"plan_name": "pro", "duration": 1},
    "CancelRequest": {"when": "period_end", "reason": "We are moving house."},
    "Subscription": SUBSCRIPTION,
    "CheckOutRequest": {"plan_name": "pro", "amount": "990.00", "currency": "RUB", "subscription_id": 12},
    "Payment": PENDING_PAYMENT,
    "ConfirmRequest": {
        "payment_id": 31,
        "amount": "990.00",
        "currency": "RUB",
        "received_on": "2026-01-30",
        "evidence": "0117-22",
    },
    "Event": EVENT,
    "RefundPaymentRequest": {"amount": "300.00", "reason": "The service was down for nine days.", "coverage": "keep"},
    "PayRefundRequest": {"evidence": "0211-03"},
    "Refund": REFUND,
    "ReversePaymentRequest": {"kind": "returned_by_bank", "reason": "The account was closed.", "evidence": "0203-17"},
    "GrantRequest": {"days": 7, "reason": "Thank you for the bug report."},
    "Receipt": RECEIPT,
    "StateMachines": {"payment": MACHINE, "subscription": MACHINE},
    "Confirmation": {"payment": CONFIRMED_PAYMENT, "subscription": SUBSCRIPTION, "already_confirmed": False},
}


def add_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every body in the schema its example: drf-spectacular calls this when the document is made."""
    for media_type in bodies(result):
        name = media_type["schema"].get("$ref", "").rpartition("/")[2]
        example = example_of(name)
        if example is not None and "examples" not in media_type:
            media_type.setdefault("example", example)
    return result


def bodies(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the media types of every request and response."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                yield from body.get("content", {}).values()


def example_of(name: str) -> Any:
    """Return the example of a component; that of a page holds one row."""
    if name not in EXAMPLES and name.endswith("Page"):
        row = example_of(name.removesuffix("Page"))
        return row and {"next": None, "previous": None, "results": [row]}
    return EXAMPLES.get(name)
