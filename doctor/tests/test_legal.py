"""What the contract allows is no error, whatever the story."""

import pytest
from django.core.management import call_command

from billing_time.clock import Moment
from doctor.checks import CHECKS
from doctor.tests.situations import SITUATIONS
from doctor.visits import visit


def errors():
    results = visit(CHECKS, Moment.current(), seconds=60)
    return {
        each.check.name: each.failure or [str(found) for found in each.findings] for each in results if each.is_error
    }


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda told: told.__name__)
def test_a_situation_that_the_verbs_lead_to_is_no_error(db, situation):
    situation()
    assert errors() == {}


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Asia/Kolkata"])
def test_all_of_them_together_in_another_time_zone_are_none(db, settings, zone):
    settings.BILLING_TIME_ZONE = zone
    call_command("doctor", "--only", "time_zone_differs")
    for situation in SITUATIONS:
        situation()
    assert errors() == {}


def test_the_demo_is_none(db):
    call_command("demo", "--force")
    assert errors() == {}


def test_empty_books_are_none(db):
    assert errors() == {}
