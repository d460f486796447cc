from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from operations.tests.rows import run
from subscriptions.models import Plan

PRO = {"price": "990.00", "currency": "RUB", "interval": "month"}


def create(name="pro", **options):
    given = [f"--{option.replace('_', '-')}={value}" for option, value in (PRO | options).items()]
    call_command("create_plan", name, *given)


def test_it_makes_a_plan_and_says_so_in_a_line(db, capsys):
    create(grace_days=3, trial_days=14, interval_count=3, title="Pro, a quarter")
    plan = Plan.objects.get()
    assert (plan.pk, plan.title, plan.price, plan.currency) == ("pro", "Pro, a quarter", Decimal("990.00"), "RUB")
    assert (plan.interval, plan.interval_count, plan.trial_days, plan.grace_days) == ("month", 3, 14, 3)
    assert plan.is_active
    assert capsys.readouterr().out == "Plan pro: 990.00 RUB for 3 × month, 14 trial days, 3 grace days.\n"


def test_a_name_that_is_taken_is_refused_and_the_plan_stays(plan):
    with pytest.raises(CommandError, match="already exists"):
        create(plan.pk, price="1.00")
    plan.refresh_from_db()
    assert plan.price == Decimal("990.00")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pro max", {}),
        ("про", {}),
        ("pro\n", {}),
        ("x" * 51, {}),
        ("", {}),
        ("pro\0", {}),
        ("pro", {"title": "\udcff"}),
        ("pro", {"title": "x" * 201}),
        ("pro", {"price": "0"}),
        ("pro", {"price": "-1"}),
        ("pro", {"price": "1_000"}),
        ("pro", {"price": "1.001"}),
        ("pro", {"price": "1e3"}),
        ("pro", {"price": "NaN"}),
        ("pro", {"price": "٩٩"}),
        ("pro", {"price": "9999999999.00"}),
        ("pro", {"currency": "rub"}),
        ("pro", {"currency": "JPY"}),
        ("pro", {"currency": "XXX1"}),
        ("pro", {"interval": "fortnight"}),
        ("pro", {"interval_count": "0"}),
        ("pro", {"interval_count": "367"}),
        ("pro", {"interval_count": "1_0"}),
        ("pro", {"trial_days": "-1"}),
        ("pro", {"trial_days": "40000"}),
        ("pro", {"grace_days": "28"}),
    ],
)
def test_what_cannot_be_sold_is_refused_in_a_sentence_and_nothing_is_made(db, name, options):
    with pytest.raises(CommandError):
        create(name, **options)
    assert not Plan.objects.exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_as_a_program_it_exits_with_0_and_then_with_1():
    arguments = ["create_plan", "pro", "--price=990.00", "--currency=RUB", "--interval=month"]
    assert run(*arguments) == (0, "Plan pro: 990.00 RUB for 1 × month, 0 trial days, 0 grace days.\n", "")
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert run(*arguments[:-1])[0] == 2
