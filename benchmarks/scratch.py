"""A database of its own for a measurement, beside the one that DATABASE_URL names; dropped at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import django

if TYPE_CHECKING:
    from billing_time.clock import Moment
    from payments.models import Payment
    from subscriptions.models import Plan


def set_up() -> None:
    """Start Django with rate limits off: the load comes from one address."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_project.settings")
    os.environ |= {"RATE_LIMITS": "off", "DEBUG": "off"}
    django.setup()


@contextmanager
def scratch_database() -> Iterator[None]:
    """Make and migrate a database, and have this process and those that it starts use it."""
    set_up()
    from django.db import connection

    test: dict[str, Any] = connection.settings_dict["TEST"]
    test["NAME"] = f"measured_{os.getpid()}"
    own = connection.settings_dict["NAME"]
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    parts = urlsplit(os.environ["DATABASE_URL"])
    os.environ["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/{name}"))
    try:
        yield
    finally:
        connection.creation.destroy_test_db(own, verbosity=0)


def plan() -> "Plan":
    """Make the plan that everybody buys: 990.00 roubles a month."""
    from subscriptions.models import Plan

    return Plan.objects.create(name="pro", price="990.00", currency="RUB", interval="month", grace_days=3)


def waiting_payment(name: str, moment: "Moment") -> "Payment":
    """Make a customer of this name who has asked to pay for the plan."""
    from decimal import Decimal

    from accounts.models import User
    from payments.checkout import Order, check_out
    from subscriptions.models import Plan

    user = User.objects.create_user(name, f"{name}@example.com", None)
    order = Order(plan=Plan.objects.get(pk="pro"), amount=Decimal("990.00"))
    return check_out(user, order, moment, subscription=None)[0]


def execute(*statements: str) -> None:
    """Run SQL as the owner of the tables."""
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def values(statement: str) -> tuple[Any, ...]:
    """Return the one row of a query."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchone() or ())
