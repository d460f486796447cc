import argparse
import re
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import IntegrityError
from rest_framework import serializers

from api.fields import AmountField
from api.middleware import has_unstorable
from billing_time.terms import Interval
from operations.commands import PlainCommand
from subscriptions.models import Plan

NUMBER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def amount(text: str) -> Decimal:
    """Return the amount, by the rules of the API."""
    try:
        return AmountField().run_validation(text)
    except serializers.ValidationError:
        raise argparse.ArgumentTypeError(
            "must be a positive amount with at most two decimals, such as 990.00"
        ) from None


def number(text: str) -> int:
    """Return the integer written in ASCII digits."""
    if not NUMBER.fullmatch(text):
        raise argparse.ArgumentTypeError("must be a whole number")
    return int(text)


class Command(PlainCommand):
    """Put a plan on sale."""

    help = "Put a plan on sale. Its name, interval, count and currency never change afterwards."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take what a plan is."""
        parser.add_argument("name", metavar="NAME", help="1 to 50 letters, digits, underscores and hyphens.")
        parser.add_argument("--price", required=True, type=amount, help="What one interval, or N of them, cost.")
        parser.add_argument("--currency", required=True, help="The ISO 4217 code of a currency with two decimals.")
        parser.add_argument("--interval", required=True, choices=Interval.values)
        parser.add_argument("--interval-count", metavar="N", type=number, default=1)
        parser.add_argument("--trial-days", metavar="N", type=number, default=0)
        parser.add_argument("--grace-days", metavar="N", type=number, default=0)
        parser.add_argument("--title", metavar="T", default="", help="What customers see; default: the name.")

    def handle(self, *_args: Any, **options: Any) -> str:
        """Make the plan, or say what speaks against it."""
        plan = Plan(**{field: options[field] for field in FIELDS})
        if any(has_unstorable(text) for text in (plan.name, plan.currency, plan.title)):
            raise CommandError("The plan was not made: its name or title has characters that cannot be stored.")
        try:
            plan.full_clean()
            with self.acting():
                plan.save(force_insert=True)
        except ValidationError as error:
            raise CommandError(f"The plan was not made. {sentences(error)}") from None
        except IntegrityError:
            raise CommandError(f"There is a plan {plan.name} already.") from None
        return (
            f"Plan {plan.name}: {plan.price} {plan.currency} for {plan.interval_count} × {plan.interval}, "
            f"{plan.trial_days} trial days, {plan.grace_days} grace days."
        )


FIELDS = ("name", "title", "price", "currency", "interval", "interval_count", "trial_days", "grace_days")


def sentences(error: ValidationError) -> str:
    """Return what is wrong, each with the name of its option."""
    said = []
    for field, messages in error.message_dict.items():
        option = "" if field == "__all__" else f"{field.replace('_', '-')}: "
        said += [f"{option}{message}" for message in messages]
    return " ".join(said)
