"""What `If-Match` and the hidden field of a form expect, and what a version is made of."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import RequestFactory

from accounts.models import User
from api.expectations import ANY, Expectation, PreconditionFailed, etag, row_values, version_of
from billing_time.clock import Moment

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


class Row:
    """Something that has a version."""

    def __init__(self, name: str) -> None:
        self.name = name

    def version(self, moment: Moment) -> str:
        return self.name


def holds(expectation: Expectation, version: str = "a1") -> bool:
    try:
        expectation.check(Row(version), Moment.of(NOON))
    except PreconditionFailed:
        return False
    return True


def if_match(header: str | None) -> Expectation:
    headers = {} if header is None else {"If-Match": header}
    return Expectation.of_request(RequestFactory().post("/", headers=headers))


@pytest.mark.parametrize(
    "header", [None, "*", " * ", '"a1"', '"b2", "a1"', '"b2","a1"', ', "a1" ,,', 'W/"a1", "a1"', '"b,2", "a1"']
)
def test_it_is_met_by_the_very_version_or_by_whatever_there_is(header):
    assert holds(if_match(header))


@pytest.mark.parametrize(
    "header",
    ["", ",", "a1", '"A1"', 'W/"a1"', 'w/"a1"', '"a1', 'a1"', '"a1" "b2"', '"a1""b2"', '"a1", x', '"b2"', '*, "a1"', '"', '"a 1"'],
)  # fmt: skip
def test_another_version_a_weak_one_and_what_cannot_be_read_meet_nothing(header):
    assert not holds(if_match(header))


def test_a_long_header_is_read_quickly():
    assert not holds(if_match('"b" ,' * 10_000 + '"'))


def test_a_form_expects_what_its_reader_saw_and_without_it_nothing():
    assert holds(Expectation.seen("a1"))
    assert not holds(Expectation.seen("b2"))
    assert not holds(Expectation.seen('b2", "a1'))
    assert holds(Expectation.seen(""))
    assert holds(ANY)


def test_one_fact_has_one_version_however_it_is_written():
    moscow = NOON.astimezone(ZoneInfo("Europe/Moscow"))
    assert version_of(NOON, Decimal(990), None) == version_of(moscow, Decimal("990.00"), None)
    assert len(version_of(NOON)) == 32
    assert etag("a1") == '"a1"'


def test_other_facts_have_another():
    values = [1, "1", True, None, "", NOON, NOON.date(), Decimal("1.01"), "None", 0, False, [1], {"a": 1}]
    assert len({version_of(value) for value in values}) == len(values)
    assert version_of("ab", "c") != version_of("a", "bc")


def test_what_has_no_stable_text_has_no_version():
    with pytest.raises(TypeError):
        version_of(object())


def test_every_column_counts_and_none_may_be_missing(alice):
    before = version_of(*row_values(alice))
    assert version_of(*row_values(User.objects.get(pk=alice.pk))) == before
    alice.change_email("new@example.com")
    assert version_of(*row_values(alice)) != before
    with pytest.raises(ValueError, match="email"):
        row_values(User.objects.defer("email").get(pk=alice.pk))
