"""The program against the contract as plain Python (`books`): the same random lives of customers through both.

`HYPOTHESIS_PROFILE=nightly` runs three seeds for as long as it takes to make more than 20,000 steps.
"""

import datetime as dt
import os
import sys
import time
from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.tests.factories import UserFactory
from api.problems import Problem
from billing_time.clock import Moment
from doctor.checks import CHECKS
from doctor.visits import visit
from payments.checkout import Order, check_out
from payments.endings import cancel_and_refund
from payments.grants import grant
from payments.management.commands.expire_payments import Command as ExpirePayments
from payments.models import Facts, Payment, Receipt, Refund, RefundOrder, ReversalOrder
from payments.tests.books import LIVE, NOTHING, Books
from subscriptions.management.commands.expire_subscriptions import Command as ExpireSubscriptions
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
SUITE = settings(
    max_examples=150 if NIGHTLY else 12,
    stateful_step_count=60 if NIGHTLY else 40,
    derandomize=not NIGHTLY,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
PLANS = [
    {"name": "euro", "price": "100.00", "currency": "EUR", "interval_count": 2},
    {"name": "week", "price": "200.00", "interval": "week", "grace_days": 0},
    {"name": "year", "price": "990.00", "interval": "year", "grace_days": 30},
    {"name": "days", "price": "10.00", "interval": "day", "interval_count": 10, "grace_days": 2, "trial_days": 3},
    {"name": "tried", "price": "100.00", "trial_days": 20},
    {"name": "month", "price": "990.00"},
]
DAWN = dt.datetime(2027, 1, 1, 9, 30, tzinfo=dt.UTC)

newest = st.integers(0, 5)
somebody = st.sampled_from([0, 0, 0, 1])
some_plan = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5])
durations = st.sampled_from([None, None, 1, 1, 2, 3, 12, 110])
some_evidence = st.one_of(st.none(), st.integers(0, 30).map("E-{}".format), st.just("new"), st.just("new"))
steps = Counter()


def doctor(moment):
    """Return the errors that the doctor finds in the books, in words."""
    wrong = [result for result in visit(CHECKS, moment, seconds=60) if result.is_error]
    return [(result.check.name, result.failure, *map(str, result.findings)) for result in wrong]


class Life(RuleBasedStateMachine):
    """Two customers and Olga, who confirms, refunds, reverses and grants."""

    def __init__(self):
        super().__init__()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.staff = UserFactory(username="olga")
        self.users = [UserFactory(username=name) for name in ("alice", "bob")]
        self.plans = [PlanFactory(**terms) for terms in PLANS]
        for plan in self.plans:
            plan.price = Decimal(plan.price)
        self.rows, self.numbers = {}, iter(range(1, 10**6))

    def teardown(self):
        try:
            assert not hasattr(self, "books") or doctor(self.moment) == []
        finally:
            transaction.set_rollback(True)
            self.whole.__exit__(None, None, None)

    @initialize(day=st.integers(0, 800))
    def begin(self, day):
        self.books = Books(DAWN + dt.timedelta(days=day))

    # --- What both are asked

    @property
    def moment(self):
        return Moment.of(self.books.now)

    def both(self, name, expected, act):
        """Do the act; it must be refused by one of the codes expected, or done where none is. Return what it gave."""
        steps["steps"] += 1
        refused, outcome = None, None
        try:
            with transaction.atomic():
                outcome = act()
                check_deferred()
        except Problem as problem:
            refused = problem.code
        steps[f"{name}: {refused or 'done'}"] += 1
        assert (refused in expected) if expected else (refused is None), (name, refused, expected)
        return outcome

    def row(self, model, found):
        """Return the program's row of what stands in the books."""
        return found._meta.model.objects.get(pk=found.pk) if found else model

    def real(self, found):
        stored = self.rows[found]
        return type(stored).objects.get(pk=stored.pk)

    def pick(self, rows, number):
        """Return one of the rows, the newest for 0."""
        return rows[-1 - number % len(rows)]

    def evidence(self, wish):
        return f"N-{next(self.numbers)}" if wish == "new" else wish

    # --- Time

    @rule(
        days=st.sampled_from([0, 0, 1, 1, 2, 3, 7, 10, 13, 14, 20, 27, 28, 29, 30, 31, 60]),
        hours=st.integers(0, 23),
        commands=st.booleans(),
    )
    def time_passes(self, days, hours, commands):
        steps["steps"] += 1
        self.books.now += dt.timedelta(days=days, hours=hours)
        if commands:
            self.run_commands()

    @rule(which=newest, before=st.booleans())
    def the_end_of_something_comes(self, which, before):
        """Be at the hour before, or at the first instant of, the day on which something ends."""
        steps["steps"] += 1
        rows = self.books.subscriptions
        ends = [day for row in rows for day in (row.covered_until, row.trial_end) if day and day > self.books.today]
        if ends:
            end = self.pick(sorted(ends, reverse=True), which)
            there = dt.datetime(end.year, end.month, end.day, tzinfo=dt.UTC)
            if there - self.books.now < dt.timedelta(days=400):
                self.books.now = max(self.books.now, there - dt.timedelta(hours=int(before)))

    def run_commands(self):
        """Have written down what the dates say."""
        for command in (ExpireSubscriptions(), ExpirePayments()):
            for rows in command.due(self.moment):
                command.change(
                    rows.model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True))), self.moment
                )
        check_deferred()
        self.books.commands()

    # --- Customers

    @rule(
        who=somebody,
        which=some_plan,
        duration=durations,
        price=st.sampled_from([None, None, None, "990.00", "100.00", "450.00"]),
    )
    def subscribe(self, who, which, duration, price):
        """Subscribe, sometimes after a change of the price: what was agreed before holds."""
        user, plan, duration = self.users[who], self.pick(self.plans, which), duration or 1
        if price:
            plan.price = Decimal(price)
            plan.save(update_fields=["price"])
        expected, row = self.books.subscribe(user.username, plan, duration)
        made = self.both(
            "subscribe", expected, lambda: Subscription.objects.subscribe(user, plan, duration, self.moment)
        )
        if row:
            self.rows[row] = made

    @precondition(lambda self: self.books.subscriptions)
    @rule(which=newest, duration=durations, wrong=st.sampled_from([0, 0, 0, 0, 1]))
    def check_out(self, which, duration, wrong):
        row = self.pick(self.books.subscriptions, which)
        self.check_out_(row, row.price * (duration or row.duration) + wrong, duration)

    def check_out_(self, row, amount, duration):
        expected, payment = self.books.check_out(row, amount, duration)
        real = self.real(row)
        order = Order(plan=real.plan, amount=amount, duration=duration)
        made = self.both("check_out", expected, lambda: check_out(real.user, order, self.moment, subscription=real))
        if payment:
            assert made[1] is (payment not in self.rows)
            self.rows.setdefault(payment, made[0])
            assert self.rows[payment].pk == made[0].pk
        return payment

    @rule(who=somebody, which=some_plan, duration=durations)
    def check_out_the_plan(self, who, which, duration):
        """Ask to pay without naming a subscription: the live one is meant, or one is made without a trial."""
        user, plan = self.users[who], self.pick(self.plans, which)
        plan.refresh_from_db()
        row, made = self.books.live(user.username, plan.name), None
        amount = (row.price if row else plan.price) * (duration or (row.duration if row else 1))
        expected = set()
        if not row:
            expected, row = self.books.subscribe(user.username, plan, duration or 1, trial=False)
            made = row
        payment = None
        if row:
            expected, payment = self.books.check_out(row, amount, duration)
        order = Order(plan=plan, amount=amount, duration=duration)
        real = self.both("check_out_plan", expected, lambda: check_out(user, order, self.moment, subscription=None))
        if made:
            self.rows[made] = real[0].subscription
        if payment:
            self.rows.setdefault(payment, real[0])
            assert self.rows[payment].pk == real[0].pk

    @rule(who=somebody, which=some_plan, duration=st.integers(1, 3), told=st.booleans())
    def buy(self, who, which, duration, told):
        """Ask to pay for a plan, and pay."""
        self.check_out_the_plan(who, which, duration)
        if waiting := self.waiting():
            self.confirm_(waiting[-1], evidence="new" if told else None)

    def running(self):
        return [row for row in self.books.subscriptions if row.status(self.books.now) in LIVE[1:]]

    @precondition(lambda self: self.running())
    @rule(which=newest, duration=st.integers(1, 3))
    def renew(self, which, duration):
        """Pay for more of what runs."""
        row = self.pick(self.running(), which)
        payment = self.check_out_(row, row.price * duration, duration)
        if payment:
            self.confirm_(payment, evidence="new")

    @precondition(lambda self: self.books.payments)
    @rule(which=newest)
    def cancel_a_payment(self, which):
        payment = self.pick(self.books.payments, which)
        real = self.real(payment)
        self.both("cancel_payment", self.books.cancel_payment(payment), lambda: real.cancel(self.moment))

    @precondition(lambda self: self.running())
    @rule(which=newest, how=st.sampled_from(["period_end", "period_end", "now", "forfeit", "resume", "resume"]))
    def cancel(self, which, how):
        self.cancel_(self.pick(self.running(), which), how)

    @precondition(lambda self: self.books.subscriptions)
    @rule(which=newest, how=st.sampled_from(["period_end", "now", "forfeit", "resume"]))
    def cancel_whatever(self, which, how):
        self.cancel_(self.pick(self.books.subscriptions, which), how)

    def cancel_(self, row, how):
        real = self.real(row)
        if how == "resume":
            self.both("resume", self.books.resume(row), lambda: real.resume(self.moment))
            return
        forfeit, now = how == "forfeit", how != "period_end"
        expected = self.books.cancel(row, now=now, forfeit=forfeit)
        self.both("cancel", expected, lambda: real.cancel(self.moment, now=now, forfeit=forfeit))

    # --- Staff

    def waiting(self):
        return [one for one in self.books.payments if one.status(self.books.now) == "pending"]

    @precondition(lambda self: self.waiting())
    @rule(which=newest, told=st.booleans())
    def the_money_comes(self, which, told):
        """The plain case, which everything else is built on."""
        self.confirm_(self.pick(self.waiting(), which), evidence="new" if told else None)

    def late(self):
        return [one for one in self.books.payments if one.status(self.books.now) in ("expired", "canceled", "reversed")]

    @precondition(lambda self: self.late())
    @rule(which=newest)
    def the_money_comes_late(self, which):
        self.confirm_(self.pick(self.late(), which), evidence="new")

    def left_over(self):
        return [number for number, one in enumerate(reversed(self.books.receipts)) if one.unapplied]

    @precondition(lambda self: self.left_over() and self.books.payments)
    @rule(which=newest, record=newest, accept=st.booleans())
    def what_is_left_over_settles_another(self, which, record, accept):
        self.confirm_(
            self.pick(self.waiting() or self.books.payments, which),
            record=self.pick(self.left_over()[::-1], record),
            accept=accept,
        )

    @precondition(lambda self: self.books.payments)
    @rule(
        which=newest,
        evidence=some_evidence,
        amount=st.sampled_from([None, None, None, "exact", "more", "less"]),
        record=st.sampled_from([None, None, None, 0, 1, 2, 3]),
        accept=st.booleans(),
    )
    def confirm(self, which, evidence, amount, record, accept):
        self.confirm_(self.pick(self.books.payments, which), evidence, amount, record, accept=accept)

    def confirm_(self, payment, evidence=None, amount=None, record=None, *, accept=False):
        factor = {"exact": "1", "more": "3", "less": "0.5"}.get(amount)
        amount = (payment.amount * Decimal(factor)).quantize(Decimal("0.01")) if factor and payment.amount else None
        receipt = self.pick(self.books.receipts, record) if self.books.receipts and record is not None else None
        evidence = self.evidence(evidence)
        expected, again, known = self.books.confirm(
            payment, evidence=evidence, amount=amount, receipt=receipt, accept=accept
        )
        facts = Facts(
            amount=amount,
            evidence=evidence,
            receipt_id=receipt and self.rows[receipt].pk,
            accept_difference=accept,
            note="said" if accept else "",
        )
        real = self.real(payment)
        done = self.both("confirm", expected, lambda: real.confirm(facts, by=self.staff, moment=self.moment))
        if not expected:
            assert done is not again
            if known:
                self.rows.setdefault(known, real.receipt)
                assert self.rows[known].pk == real.receipt_id
            steps[f"confirm: {'again' if again else 'unapplied' if payment.unapplied else 'applied'}"] += 1

    @precondition(lambda self: self.books.subscriptions)
    @rule(which=newest, days=st.sampled_from([1, 2, 3, 7, 30, 31, 366]))
    def grant(self, which, days):
        row = self.pick(self.books.subscriptions, which)
        real = self.real(row)
        expected, payment = self.books.grant(row, days)
        made = self.both("grant", expected, lambda: grant(real, days, "kind", by=self.staff, moment=self.moment))
        if payment:
            self.rows[payment] = made

    def paid(self):
        return [one for one in self.books.payments if one.confirmed]

    @precondition(lambda self: self.paid())
    @rule(
        which=newest,
        part=st.sampled_from([None, None, "0.3", "0.5", "1", "2"]),
        coverage=st.sampled_from([None, None, "keep", "take_back"]),
        evidence=some_evidence,
    )
    def refund(self, which, part, coverage, evidence):
        payment = self.pick(self.paid(), which)
        real, evidence = self.real(payment), self.evidence(evidence)
        amount = part and max((payment.amount * Decimal(part)).quantize(Decimal("0.01")), Decimal("0.01"))
        expected, refund = self.books.refund(payment, amount, coverage, evidence)
        order = RefundOrder(reason="asked", amount=amount, coverage=coverage, evidence=evidence)
        made = self.both("refund", expected, lambda: real.refund(order, by=self.staff, moment=self.moment))
        if refund:
            assert made[1] is (refund not in self.rows)
            self.rows.setdefault(refund, made[0])

    def refunds(self):
        return [(refund, payment) for payment in self.books.payments for refund in payment.refunds]

    @precondition(lambda self: self.refunds())
    @rule(which=newest, evidence=st.sampled_from(["new", "new", "E-1"]))
    def pay_a_refund(self, which, evidence):
        refund, payment = self.pick(self.refunds(), which)
        real, evidence = self.real(refund), self.evidence(evidence)
        expected = self.books.pay(refund, payment, evidence)
        self.both("pay", expected, lambda: real.pay(evidence, by=self.staff, moment=self.moment))

    @precondition(lambda self: self.paid())
    @rule(which=newest, kind=st.sampled_from(["mistake", "returned_by_bank"]))
    def reverse(self, which, kind):
        payment = self.pick(self.paid(), which)
        real = self.real(payment)
        order = ReversalOrder(kind=kind, reason="gone")
        expected = self.books.reverse(payment, kind)
        self.both("reverse", expected, lambda: real.reverse(order, by=self.staff, moment=self.moment))

    @precondition(lambda self: self.books.subscriptions)
    @rule(which=newest)
    def cancel_with_refund(self, which):
        """All of the last payment is given back and the subscription ends; it is asked where that can be done."""
        row = self.pick(self.books.subscriptions, which)
        covering = sorted((one for one in row.payments if one.covers), key=lambda one: one.covers)
        last = covering[-1] if covering else None
        status = row.status(self.books.now)
        expected, refund = set(), None
        if status == "canceled":
            self.books.cancel(row, now=True)
        elif status == "expired":
            expected = {"transition_not_allowed"}
        elif last is None or last.left <= 0 or last.written != "confirmed":
            expected = {"refund_exceeds_payment", "transition_not_allowed"}
        else:
            assert not self.books.cancel(row, now=True, forfeit=True)
            _none, refund = self.books.refund(last, None, "take_back", None)
        real = self.real(row)
        self.both("cancel_refund", expected, lambda: cancel_and_refund(real, "go", by=self.staff, moment=self.moment))
        if refund:
            self.rows[refund] = Refund.objects.latest("pk")

    # --- What both say

    @invariant()
    def both_say_the_same(self):
        if not hasattr(self, "books"):
            return
        moment, now = self.moment, self.books.now
        stored = {model: model.objects.in_bulk() for model in (Subscription, Payment, Receipt, Refund)}
        known = Counter(type(row) for row in self.rows.values())
        assert known == Counter({model: len(rows) for model, rows in stored.items() if rows})
        for mine, kept in self.rows.items():
            theirs = stored[type(kept)][kept.pk]
            said = SAYINGS[type(kept)](mine, theirs, now, moment, self.rows)
            assert {name: pair[0] for name, pair in said.items()} == {name: pair[1] for name, pair in said.items()}


def check_deferred():
    """Have looked at now what PostgreSQL would look at on COMMIT."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def of_subscription(mine, row, now, moment, rows):
    shown, status = row.as_of(moment), mine.status(now)
    access = mine.access_until(now.date())
    said = {
        "status": (status, shown.status),
        "has_access": (access is not None and now < access, shown.has_access),
        "access_until": (access, shown.access_until),
        "trial_end": (mine.trial_end, shown.trial_end),
    }
    if status in LIVE:
        said["cancel_at"] = (mine.cancel_at, shown.cancel_at)
        said["covered_until"] = (mine.covered_until, shown.covered_until)
    if status not in ("pending", "expired"):
        said["start"] = (mine.start, shown.start_date)
        said["end"] = (mine.end(now), shown.end_date)
    if status == "pending":
        books = Books(now)
        forecast, _goes_on = books.coverage(mine, mine.interval, mine.count * mine.duration)
        said["forecast"] = (forecast, (shown.start_date, shown.end_date))
    return said


def of_payment(mine, row, now, moment, rows):
    covers = None if row.covers_from is None else (row.covers_from, row.covers_to)
    return {
        "status": (mine.status(now), row.status_at(moment)),
        "covers": (mine.covers, covers),
        "taken_back_on": (mine.taken_back_on, row.taken_back_on),
        "amount": (mine.amount, row.amount),
        "expires_at": (mine.expires_at, row.expires_at),
        "refunded": (mine.refunded, row.refunded_amount),
        "shortfall": (mine.shortfall, row.shortfall),
        "unapplied": (mine.unapplied, row.unapplied),
        "kind": (mine.kind, row.reversal_kind),
        "receipt": (mine.receipt and rows[mine.receipt].pk, row.receipt_id),
    }


def of_receipt(mine, row, now, moment, rows):
    return {
        "amount": (mine.amount, row.amount),
        "evidence": (mine.evidence, row.evidence),
        "settled": (sum(mine.settles.values(), NOTHING), row.allocated_amount),
        "gone": (mine.gone, row.reversed_amount),
        "unapplied": (mine.unapplied, row.unapplied_amount),
        "void": (mine.void, row.voided_at is not None),
    }


def of_refund(mine, row, now, moment, rows):
    return {
        "amount": (mine.amount, row.amount),
        "status": (mine.status, row.status),
        "evidence": (mine.evidence, row.evidence),
        "coverage": (mine.coverage, row.coverage),
    }


SAYINGS = {Subscription: of_subscription, Payment: of_payment, Receipt: of_receipt, Refund: of_refund}


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 2, 3] if NIGHTLY else [1])
def test_the_program_does_what_the_contract_says(number, capsys):
    steps.clear()
    began = time.monotonic()
    run_state_machine_as_test(seed(number)(Life), settings=SUITE)
    told = ", ".join(f"{name} {count}" for name, count in sorted(steps.items()) if name != "steps")
    with capsys.disabled():
        sys.stdout.write(f"\n{steps['steps']} steps, seed {number}, {time.monotonic() - began:.0f} s: {told}\n")
    assert steps["steps"] >= (7000 if NIGHTLY else 300)
