"""The tables of states are those of the contract, edge by edge, and what is made of them follows."""

import pytest

from payments.states import LATE, PAYMENT, REFUND
from states.machine import Birth, StateMachine, Step
from subscriptions.states import LIVE, SUBSCRIPTION

# Copied by hand from section 4 of the contract.
PAYMENT_STEPS = {
    "pending": {"confirmed", "canceled", "expired"},
    "canceled": {"confirmed"},
    "expired": {"confirmed"},
    "reversed": {"confirmed"},
    "confirmed": {"refunded", "reversed"},
    "refunded": set(),
}
SUBSCRIPTION_STEPS = {
    "pending": {"active", "expired", "canceled"},
    "trialing": {"active", "expired", "canceled"},
    "active": {"past_due", "expired", "canceled", "trialing", "pending"},
    "past_due": {"active", "expired", "canceled", "trialing", "pending"},
    "expired": {"active"},
    "canceled": set(),
}
REFUND_STEPS = {"due": {"paid", "canceled"}, "paid": set(), "canceled": set()}


@pytest.mark.parametrize(
    ("machine", "steps", "births"),
    [
        (PAYMENT, PAYMENT_STEPS, ["pending", "confirmed"]),
        (SUBSCRIPTION, SUBSCRIPTION_STEPS, ["pending", "trialing"]),
        (REFUND, REFUND_STEPS, ["due", "paid"]),
    ],
)
def test_the_table_is_the_contracts(machine, steps, births):
    assert {state: set(machine.after(state)) for state in machine.states} == steps
    assert [birth.state for birth in machine.births] == births


def test_what_follows_from_the_tables():
    assert set(LATE) == {"canceled", "expired", "reversed"}
    assert set(LIVE) == {"pending", "trialing", "active", "past_due"}
    assert SUBSCRIPTION.as_data()["final"] == ["canceled"]
    assert PAYMENT.as_data()["final"] == ["refunded"]


DOOR = StateMachine(
    "door",
    "doors",
    births=(Birth("open", ("build",)), Birth("shut", ("order",), only="NEW.is_safe")),
    steps=(Step("open", "shut", ("shut",)), Step("shut", "open", ("open",)), Step("shut", "gone", ("scrap",))),
)


def test_a_table_tells_its_states_and_steps():
    assert DOOR.states == ("open", "shut", "gone")
    assert DOOR.allows("open", "shut")
    assert not DOOR.allows("open", "gone")
    assert not DOOR.allows("open", "open")
    assert (DOOR.before("open"), DOOR.after("shut")) == (("shut",), ("open", "gone"))


def test_the_guards_refuse_whatever_the_table_does_not_name():
    birth, step = DOOR.guards()
    assert birth.when == "NOT ((NEW.status = 'open') OR (NEW.status = 'shut' AND NEW.is_safe))"
    assert step.when == (
        "OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status <> ALL ('{open shut,shut open,shut gone}')"
    )
    assert (birth.event, step.event) == ("INSERT", "UPDATE OF status")
    assert (birth.drop, step.drop) == ("DROP TRIGGER door_birth ON doors;", "DROP TRIGGER door_transition ON doors;")


def test_a_table_is_drawn():
    assert DOOR.diagram().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> open: build",
        "    [*] --> shut: order",
        "    open --> shut: shut",
        "    shut --> open: open",
        "    shut --> gone: scrap",
        "    gone --> [*]",
    ]
