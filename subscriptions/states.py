"""The states of a subscription, and the one table of its steps."""

from django.db import models

from states.guards import Guard, never_changes, never_deleted
from states.machine import Birth, StateMachine, Step


class Status(models.TextChoices):
    """The states of a subscription."""

    PENDING = "pending"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    EXPIRED = "expired"
    CANCELED = "canceled"


TABLE = "subscriptions_subscription"
SUBSCRIPTION = StateMachine(
    "subscription",
    TABLE,
    births=(Birth(Status.PENDING, ("subscribe",)), Birth(Status.TRIALING, ("subscribe",))),
    steps=(
        Step(Status.PENDING, Status.ACTIVE, ("confirm", "grant")),
        Step(Status.PENDING, Status.EXPIRED, ("expire",)),
        Step(Status.PENDING, Status.CANCELED, ("cancel", "confirm")),
        Step(Status.TRIALING, Status.ACTIVE, ("confirm", "grant")),
        Step(Status.TRIALING, Status.EXPIRED, ("expire",)),
        Step(Status.TRIALING, Status.CANCELED, ("cancel", "expire")),
        Step(Status.ACTIVE, Status.PAST_DUE, ("expire",)),
        Step(Status.ACTIVE, Status.EXPIRED, ("expire",)),
        Step(Status.ACTIVE, Status.CANCELED, ("cancel", "expire", "refund")),
        Step(Status.ACTIVE, Status.TRIALING, ("refund", "reverse")),
        Step(Status.ACTIVE, Status.PENDING, ("reverse",)),
        Step(Status.PAST_DUE, Status.ACTIVE, ("confirm", "grant")),
        Step(Status.PAST_DUE, Status.EXPIRED, ("expire",)),
        Step(Status.PAST_DUE, Status.CANCELED, ("cancel", "expire", "refund")),
        Step(Status.PAST_DUE, Status.TRIALING, ("refund", "reverse")),
        Step(Status.PAST_DUE, Status.PENDING, ("reverse",)),
        Step(Status.EXPIRED, Status.ACTIVE, ("confirm",)),
    ),
)

# What can still be ended has not ended.
LIVE = tuple(map(Status, SUBSCRIPTION.before(Status.CANCELED)))
RUNNING = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE)
COVERED = (Status.ACTIVE, Status.PAST_DUE)

IDENTITY = (
    "id", "user_id", "plan_name", "duration", "currency", "unit_price", "interval", "interval_count", "trial_days",
    "grace_days", "trial_end", "created_at",
)  # fmt: skip
GUARDS: list[Guard] = [
    *SUBSCRIPTION.guards(),
    never_changes(
        "subscription_identity_never_changes",
        TABLE,
        IDENTITY,
        "whose a subscription is, for what, and the terms it was sold with never change",
    ),
    never_deleted("subscription", TABLE),
]
