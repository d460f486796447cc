"""Many people confirm the same payments at once: by the verb, over the API and in the admin.

    DATABASE_URL=postgresql://… .venv/bin/python -m benchmarks.races --payments 1000 --times 200

It is done three times: as the program does it, without its row locks, and without locks, guards and constraints. The
first must activate every payment once; the second may refuse but not go wrong; the third must go wrong, or the load
proves nothing. Each in a database of its own that is dropped at the end.
"""

import argparse
import itertools
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

from benchmarks.scratch import execute, plan, scratch_database, set_up, values, waiting_payment

PATIENCE = 300
# Of so many confirmations of one process, one goes over the API and one through the admin; the rest call the verb.
EVERY_API, EVERY_ADMIN = 20, 101
CONSTRAINTS = {
    "payments_payment": ["payment_coverage_never_overlaps"],
    "payments_receipt": ["receipt_never_overdrawn"],
}
SUMS = {
    "payments_allocation": ["allocation_fits_its_payment", "payment_money_agrees"],
    "payments_payment": ["payment_money_agrees", "subscription_coverage_agrees"],
    "subscriptions_subscription": ["subscription_coverage_agrees"],
}


@dataclass(frozen=True)
class Part:
    """One of the three measurements."""

    name: str
    locks: bool
    guards: bool


PARTS = [
    Part("as it is", locks=True, guards=True),
    Part("without locks", locks=False, guards=True),
    Part("without locks, guards and constraints", locks=False, guards=False),
]


@dataclass(frozen=True)
class Load:
    """What each process does of it: confirm each of the payments so many times."""

    part: Part
    keys: list[int]
    times: int
    staff_id: int


def without_locks() -> None:
    """Take every row lock away, in this process."""
    from django.db.models import QuerySet

    from payments.querysets import PaymentQuerySet
    from payments.receipts import ReceiptQuerySet
    from subscriptions.querysets import SubscriptionQuerySet

    for rows in (SubscriptionQuerySet, PaymentQuerySet, ReceiptQuerySet):
        rows.locked = lambda self: self.order_by("pk")  # type: ignore[method-assign]
    QuerySet.select_for_update = lambda self, **_options: self  # type: ignore[method-assign]


def ways(staff_id: int) -> dict[str, Callable[[int], Any]]:
    """Return the three ways to confirm a payment; each says whether it was the one that did it, or raises."""
    from django.test import Client

    from accounts.models import Token, User
    from billing_time.clock import Moment
    from payments.models import Facts, Payment
    from transactions.acting import Actor, Channel, acting

    staff = User.objects.get(pk=staff_id)
    browser = Client(HTTP_HOST="localhost", raise_request_exception=False)
    token = Token.issue(staff, expires=False)[1]
    browser.force_login(staff)

    def verb(pk: int) -> str:
        with acting(Actor.of(staff), Channel.API):
            done = Payment.objects.get(pk=pk).confirm(Facts(), by=staff, moment=Moment.current())
        return "activated" if done else "repeated"

    def api(pk: int) -> str:
        answer = browser.post(
            "/api/payments/confirm-payment",
            {"payment_id": pk},
            content_type="application/json",
            headers={"Authorization": f"Token {token}"},
        )
        body = answer.json()
        return str(body.get("code") or ("repeated" if body["already_confirmed"] else "activated"))

    def admin(pk: int) -> str:
        form = {"amount": "990.00", "received_on": "", "evidence": "", "source": "manual", "note": "", "version": ""}
        answer = browser.post(f"/admin/payments/payment/{pk}/confirm/", form)
        return {302: "by the admin", 200: "refused by the admin"}.get(answer.status_code, str(answer.status_code))

    return {"verb": verb, "api": api, "admin": admin}


def work(load: Load, start: Barrier, told: Any) -> None:
    """Confirm each payment so many times, in step with the other processes; tell what came of it."""
    set_up()
    if not load.part.locks:
        without_locks()
    by, outcomes = ways(load.staff_id), Counter[str]()
    numbers = itertools.count(os.getpid())
    start.wait(PATIENCE)
    began = time.monotonic()
    for pk in load.keys:
        start.wait(PATIENCE)
        for number in itertools.islice(numbers, load.times):
            way = "admin" if number % EVERY_ADMIN == 0 else "api" if number % EVERY_API == 0 else "verb"
            outcomes[outcome_of(by[way], pk)] += 1
    told.put((outcomes, time.monotonic() - began))


def outcome_of(way: Callable[[int], str], pk: int) -> str:
    """Return what came of one confirmation: done, repeated, or the name of what refused it."""
    from django.db import Error

    from api.problems import Problem

    try:
        return way(pk)
    except Problem as problem:
        return str(problem.code)
    except Error as error:
        cause: Any = error.__cause__
        return str(cause.diag.constraint_name or cause.sqlstate)


def payments(count: int) -> tuple[list[int], int]:
    """Make payments that wait, each of a customer of its own, and somebody who may confirm them."""
    from django.contrib.auth.models import Group

    from accounts.models import User
    from billing_time.clock import Moment

    moment = Moment.current()
    staff = User.objects.create_user("olga", "olga@example.com", None, is_staff=True)
    staff.groups.add(Group.objects.get(name="Billing operators"))
    plan()
    return [waiting_payment(f"customer{number}", moment).pk for number in range(count)], staff.pk


def take_guards_away() -> None:
    """Leave nothing in the database that would refuse."""
    from payments.states import GUARDS as PAYMENTS
    from subscriptions.states import GUARDS as SUBSCRIPTIONS

    execute(*(f"ALTER TABLE {guard.table} DISABLE TRIGGER {guard.name}" for guard in (*PAYMENTS, *SUBSCRIPTIONS)))
    for table, names in CONSTRAINTS.items():
        execute(*(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for name in names))
    for table, names in SUMS.items():
        execute(*(f"ALTER TABLE {table} DISABLE TRIGGER {name}" for name in names))


BOOKS = """
    SELECT
        (SELECT count(*) FROM payments_payment WHERE status = 'confirmed'),
        (SELECT count(*) FROM payments_receipt),
        (SELECT count(*) FROM payments_allocation),
        (SELECT count(*) FROM payments_payment p JOIN subscriptions_subscription s ON s.id = p.subscription_id
            WHERE s.status = 'active' AND s.covered_until = p.covers_to
                AND p.covers_to = (p.covers_from + interval '1 month')::date),
        (SELECT count(*) FROM journal_event WHERE kind = 'payment.confirmed'),
        (SELECT count(*) FROM journal_event WHERE kind = 'subscription.active')
"""
BOOK_NAMES = ["confirmed", "receipts", "allocations", "covered for one term", "journal: confirmed", "journal: active"]


def measure(part: Part, count: int, times: int, processes: int) -> bool:
    """Do one part and say what was measured; return whether the books are right."""
    with scratch_database():
        keys, staff_id = payments(count)
        if not part.guards:
            take_guards_away()
        outcomes, took = run(Load(part, keys, max(times // processes, 1), staff_id), processes)
        books = dict(zip(BOOK_NAMES, values(BOOKS), strict=True))
    done = sum(outcomes.values())
    right = all(number == count for number in books.values())
    print(f"\n{part.name}: {count} payments × {done // count} = {done} confirmations, {processes} processes")
    print(f"  {took:.1f} s, {done / took:.0f} a second")
    print("  answers: " + ", ".join(f"{name} {number}" for name, number in outcomes.most_common()))
    print("  books:   " + ", ".join(f"{name} {number}" for name, number in books.items()))
    print(f"  {'every payment was confirmed once' if right else 'THE BOOKS ARE WRONG'}")
    return right


def run(load: Load, processes: int) -> tuple[Counter[str], float]:
    """Start the processes; return all of their outcomes, and how many seconds the slowest was at it."""
    spawn = multiprocessing.get_context("spawn")
    start, told = spawn.Barrier(processes), spawn.Queue()
    workers = [spawn.Process(target=work, args=(load, start, told), daemon=True) for _number in range(processes)]
    for worker in workers:
        worker.start()
    reports: list[tuple[Counter[str], float]] = [told.get() for _worker in workers]
    for worker in workers:
        worker.join()
    return sum((outcomes for outcomes, _took in reports), Counter[str]()), max(took for _outcomes, took in reports)


def main() -> int:
    """Do the three parts; fail unless the first two are right and the control is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=100)
    parser.add_argument("--times", type=int, default=200, help="confirmations of each payment")
    parser.add_argument("--controls", type=int, default=50, help="payments of the two controls, at most")
    parser.add_argument("--processes", type=int, default=8)
    given = parser.parse_args()
    results = []
    for part in PARTS:
        count = given.payments if part.locks else min(given.payments, given.controls)
        results.append(measure(part, count, given.times, given.processes))
    return 0 if results == [True, True, False] else 1


if __name__ == "__main__":
    raise SystemExit(main())
