"""The pages about states hold the diagrams that the tables give."""

import re

import pytest
from django.core.management import call_command

from dev.environment import ROOT

DIAGRAM = re.compile(r"```mermaid\n.*?\n```", re.DOTALL)


@pytest.mark.parametrize("page", ["states.md", "states.ru.md"])
def test_the_diagrams_are_those_of_the_tables(page, capsys):
    call_command("state_machines")
    made = DIAGRAM.findall(capsys.readouterr().out)
    assert len(made) == 3
    assert DIAGRAM.findall((ROOT / "docs" / page).read_text()) == made, "Paste what `manage.py state_machines` prints."


def test_the_route_serves_the_same_tables(anyone):
    from payments.states import PAYMENT
    from subscriptions.states import SUBSCRIPTION

    served = anyone.get("/api/state-machines").json()
    assert served == {"payment": PAYMENT.as_data(), "subscription": SUBSCRIPTION.as_data()}
    assert served["subscription"]["final"] == ["canceled"]
    assert {"from": "canceled", "to": "confirmed", "verbs": ["confirm"]} in served["payment"]["transitions"]
