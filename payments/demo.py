"""The demo: plans, people, and a story for each of them, told with the verbs that everybody uses."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.names import email_key, username_key
from billing_time.clock import Moment
from subscriptions.models import Plan, Subscription
from transactions.acting import Actor, Channel, acting

from .checkout import Order, check_out
from .grants import grant
from .models import Facts, Payment, RefundOrder, ReversalOrder

PASSWORD = "try-the-demo"  # noqa: S105  (it is meant to be known)
ADMIN, OPERATOR = "admin", "olga"

PLANS: list[dict[str, Any]] = [
    {"name": "basic", "title": "Basic", "price": "490.00", "currency": "RUB", "interval": "month", "grace_days": 14},
    {"name": "pro", "title": "Pro", "price": "990.00", "currency": "RUB", "interval": "month", "grace_days": 3},
    {"name": "pro-year", "title": "Pro, a year", "price": "9900.00", "currency": "RUB", "interval": "year"},
    {"name": "try-first", "title": "Try first", "price": "690.00", "currency": "RUB", "interval": "month"}
    | {"trial_days": 14},
    {"name": "world", "title": "World", "price": "12.00", "currency": "EUR", "interval": "month", "grace_days": 3},
]


def tell(moment: Moment) -> tuple[int, int]:
    """Make what of the demo is missing; return how many plans and people were made.

    A plan or a person that is there is left as it is, so that a second time changes nothing.
    """
    with transaction.atomic():
        plans = sum(make_plan(**terms) for terms in PLANS)
        made = [user for user in (make_admin(), make_operator()) if user]
        if operator := User.objects.filter(username=OPERATOR).first():
            made += Teller(moment, operator).tell_all()
    return plans, len(made)


def make_plan(*, name: str, **terms: Any) -> bool:
    """Make a plan, unless it is there."""
    if Plan.objects.filter(pk=name).exists():
        return False
    plan = Plan(name=name, **terms)
    plan.full_clean()
    plan.save(force_insert=True)
    return True


def make_user(name: str, **extra: Any) -> User | None:
    """Make a person with the demo password, unless name or address are taken."""
    email = f"{name}@example.com"
    if User.objects.filter(Q(username_key=username_key(name)) | Q(email_key=email_key(email))).exists():
        return None
    return User.objects.create_user(name, email, PASSWORD, **extra)


def make_admin() -> User | None:
    """Make the one who may do everything."""
    return make_user(ADMIN, is_staff=True, is_superuser=True)


def make_operator() -> User | None:
    """Make the one who confirms payments."""
    operator = make_user(OPERATOR, is_staff=True)
    if operator:
        operator.groups.add(Group.objects.get(name="Billing operators"))
    return operator


@dataclass(frozen=True)
class Teller:
    """Tells the stories of the customers, days ago and up to now."""

    now: Moment
    operator: User

    def tell_all(self) -> list[User]:
        """Make the customers who are missing, each with their story; write down what time has made of them."""
        made = []
        for name, (days_ago, story) in STORIES.items():
            if user := make_user(name, created_at=self.ago(days_ago).now):
                with acting(Actor.command("demo"), Channel.COMMAND):
                    story(self, user)
                made.append(user)
        theirs = Subscription.objects.filter(user__in=made)
        theirs.write_down(self.now)
        theirs.withdraw_payments_of_canceled(self.now)
        Payment.objects.filter(user__in=made).write_down(self.now)
        return made

    def ago(self, days: int) -> Moment:
        """Return the moment some days ago."""
        return Moment.of(self.now.now - dt.timedelta(days=days))

    def subscribe(self, user: User, plan: str, days_ago: int) -> Subscription:
        """Let the user want a plan."""
        return Subscription.objects.subscribe(user, Plan.objects.get(pk=plan), 1, self.ago(days_ago))

    def ask(self, subscription: Subscription, days_ago: int) -> Payment:
        """Let the user ask how to pay."""
        order = Order(plan=subscription.plan, amount=subscription.unit_price * subscription.duration)
        return check_out(subscription.user, order, self.ago(days_ago), subscription=subscription)[0]

    def confirm(self, payment: Payment, days_ago: int, **known: Any) -> Subscription:
        """Let the operator find the money on the bank's statement."""
        moment = self.ago(days_ago)
        facts = Facts(evidence=f"DEMO-{payment.user.username}", received_on=moment.today, **known)
        payment.confirm(facts, by=self.operator, moment=moment)
        return payment.subscription

    def buy(self, user: User, plan: str, days_ago: int) -> Subscription:
        """Let the user subscribe and pay on one day."""
        return self.confirm(self.ask(self.subscribe(user, plan, days_ago), days_ago), days_ago)

    # --- The stories

    def is_active(self, user: User) -> None:
        """Paid, and happy."""
        self.buy(user, "pro", 10)

    def paid_for_a_year(self, user: User) -> None:
        """Paid for a year."""
        self.buy(user, "pro-year", 100)

    def waits(self, user: User) -> None:
        """Has asked how to pay; staff wait for the money."""
        self.ask(self.subscribe(user, "basic", 2), 2)

    def waits_in_euro(self, user: User) -> None:
        """The same, from abroad."""
        self.ask(self.subscribe(user, "world", 0), 0)

    def leaves_at_the_end(self, user: User) -> None:
        """Has paid, and does not want to go on."""
        self.buy(user, "pro", 12).cancel(self.ago(1), now=False, reason="Found something cheaper")

    def changed_their_mind(self, user: User) -> None:
        """Canceled before paying."""
        subscription = self.subscribe(user, "basic", 5)
        self.ask(subscription, 5)
        subscription.cancel(self.ago(4), now=True, reason="Changed my mind")

    def tries(self, user: User) -> None:
        """Is in the trial."""
        self.subscribe(user, "try-first", 4)

    def is_past_due(self, user: User) -> None:
        """Is in grace, and has asked how to pay for the next month."""
        self.ask(self.buy(user, "basic", 36), 3)

    def never_paid(self, user: User) -> None:
        """Asked how to pay, and was not heard of again."""
        days_ago = settings.PAYMENT_EXPIRES_DAYS + 6
        self.ask(self.subscribe(user, "pro", days_ago), days_ago)

    def paid_late(self, user: User) -> None:
        """Paid when the payment had expired; the money counts from the day it was found."""
        days_ago = settings.PAYMENT_EXPIRES_DAYS + 9
        self.confirm(self.ask(self.subscribe(user, "pro", days_ago), days_ago), 3)

    def paid_for_nothing(self, user: User) -> None:
        """Paid for what had been canceled: the money waits for staff to decide."""
        subscription = self.subscribe(user, "basic", 8)
        payment = self.ask(subscription, 8)
        subscription.cancel(self.ago(6), now=True)
        self.confirm(payment, 2)

    def got_some_back(self, user: User) -> None:
        """Was without service for some days, and is owed a part of the money."""
        payment = self.ask(self.subscribe(user, "pro", 15), 15)
        self.confirm(payment, 15)
        order = RefundOrder(amount=Decimal("300.00"), reason="Nine days without service")
        payment.refund(order, by=self.operator, moment=self.ago(3))

    def bank_took_it_back(self, user: User) -> None:
        """Paid from an account that was closed; the subscription waits for money again."""
        payment = self.ask(self.subscribe(user, "pro", 11), 11)
        self.confirm(payment, 10)
        order = ReversalOrder(kind="returned_by_bank", reason="Account closed", evidence="DEMO-returned")
        payment.reverse(order, by=self.operator, moment=self.ago(4))

    def was_given_time(self, user: User) -> None:
        """Reported a fault, and has two weeks for nothing."""
        subscription = self.subscribe(user, "pro", 6)
        grant(subscription, 14, "Thank you for the report", by=self.operator, moment=self.ago(5))

    def paid_too_much(self, user: User) -> None:
        """Rounded up; what is over stands in the queue."""
        payment = self.ask(self.subscribe(user, "pro", 7), 7)
        self.confirm(payment, 6, amount=Decimal("1000.00"), accept_difference=True, note="Rounded up by the customer")


STORIES: dict[str, tuple[int, Callable[[Teller, User], None]]] = {
    "anna": (30, Teller.is_active),
    "boris": (3, Teller.waits),
    "clara": (20, Teller.leaves_at_the_end),
    "dmitry": (5, Teller.changed_their_mind),
    "elena": (4, Teller.tries),
    "fyodor": (40, Teller.is_past_due),
    "galina": (60, Teller.never_paid),
    "hans": (1, Teller.waits_in_euro),
    "igor": (60, Teller.paid_late),
    "maria": (120, Teller.paid_for_a_year),
    "nikita": (9, Teller.paid_for_nothing),
    "oleg": (15, Teller.got_some_back),
    "petra": (12, Teller.bank_took_it_back),
    "roman": (6, Teller.was_given_time),
    "sonya": (8, Teller.paid_too_much),
}
