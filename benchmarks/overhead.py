"""What journal and guards cost: the time of a confirmation with and without their triggers, by turns in one run.

DATABASE_URL=postgresql://… .venv/bin/python -m benchmarks.overhead --rounds 20
"""

import argparse
import itertools
import statistics
import time
from typing import Any

from benchmarks.scratch import execute, plan, scratch_database, waiting_payment

TABLES = (
    "subscriptions_subscription",
    "payments_payment",
    "payments_receipt",
    "payments_allocation",
    "payments_refund",
    "payments_reversal",
)

# What refuses, and what compares rows at the end of a transaction.
GUARDS = ("refuse", "allocation_fits_its_payment", "payment_money_agrees", "subscription_coverage_agrees")
# A change of triggers empties the caches of the connection; the confirmations after it are not counted.
WARMING = 5


def switch(triggers: list[tuple[str, str]], state: str) -> None:
    """Say ENABLE or DISABLE to the triggers."""
    execute(*(f"ALTER TABLE {table} {state} TRIGGER {name}" for table, name in triggers))


def triggers_of(function: str) -> list[tuple[str, str]]:
    """Return table and name of the triggers of money that call the function."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, tgname FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = tgfoid JOIN pg_class c ON c.oid = tgrelid"
            " WHERE proname = %s AND relname = ANY (%s) AND NOT tgisinternal",
            [function, list(TABLES)],
        )
        return [(table, name) for table, name in cursor.fetchall()]


def seconds_of(confirmations: list[Any], staff: Any, moment: Any) -> list[float]:
    """Confirm each payment in a transaction of its own; return how long each took."""
    from payments.models import Facts
    from transactions.acting import Actor, Channel, acting

    took = []
    for payment in confirmations:
        began = time.perf_counter()
        with acting(Actor.of(staff), Channel.API):
            payment.confirm(Facts(), by=staff, moment=moment)
        took.append(time.perf_counter() - began)
    return took


def main() -> None:
    """Measure by turns: everything on, the journal off, the guards off, both off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batch", type=int, default=25, help="confirmations of each kind in a round")
    given = parser.parse_args()
    with scratch_database():
        report(measured(given.rounds, given.batch), given)


def measured(rounds: int, batch: int) -> dict[str, list[float]]:
    """Return the median of each round in milliseconds, for each of the four ways."""
    from accounts.models import User
    from billing_time.clock import Moment

    plan()
    staff, moment = User.objects.create_user("olga", "olga@example.com", None), Moment.current()
    names = (f"customer{number}" for number in itertools.count())
    journal, guards = triggers_of("journal_record"), [each for name in GUARDS for each in triggers_of(name)]
    off: dict[str, list[tuple[str, str]]] = {
        "with both": [],
        "without journal": journal,
        "without guards": guards,
        "without both": [*journal, *guards],
    }
    found: dict[str, list[float]] = {name: [] for name in off}
    for round_ in range(rounds + 1):
        for name in list(off) if round_ % 2 else list(reversed(off)):
            waiting = [waiting_payment(next(names), moment) for _number in range(WARMING + batch)]
            switch(off[name], "DISABLE")
            took = seconds_of(waiting, staff, moment)[WARMING:]
            switch(off[name], "ENABLE")
            if round_:
                found[name].append(statistics.median(took) * 1000)
    return found


def report(found: dict[str, list[float]], given: argparse.Namespace) -> None:
    """Print the times, and the ratio of each round to the one without both beside it."""
    print(f"{given.rounds} rounds by turns, {given.batch} confirmations of each kind in a round, one process")
    bare = found["without both"]
    for name, times in found.items():
        ratios = sorted(mine / base for mine, base in zip(times, bare, strict=True))
        low, middle, high = (ratios[int(len(ratios) * part)] for part in (0.1, 0.5, 0.9))
        print(
            f"  {name:16} {statistics.median(times):6.2f} ms,"
            f" {middle:.2f} times the time without both (10 % to 90 % of rounds: {low:.2f} to {high:.2f})"
        )


if __name__ == "__main__":
    main()
