"""When a day begins, in zones whose clocks skip midnight, a whole day, or an hour twice."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_time.clock import Moment, midnight

ODD_ZONES = [
    "UTC", "Europe/Moscow", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo", "Asia/Beirut", "America/Havana",
    "Asia/Kathmandu", "Pacific/Kwajalein", "Asia/Tehran", "Atlantic/Azores", "Australia/Lord_Howe", "America/St_Johns",
]  # fmt: skip
DAY = dt.timedelta(days=1)
SKIPPED = {("Pacific/Apia", "2011-12-30"), ("Pacific/Kwajalein", "1993-08-21")}


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("UTC", "2026-01-31", "2026-01-31T00:00Z"),
        ("Europe/Moscow", "2026-01-31", "2026-01-30T21:00Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00Z"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00Z"),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00Z"),
        ("Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15Z"),
    ],
)
def test_a_day_begins_at_its_first_instant(settings, zone, day, instant):
    settings.BILLING_TIME_ZONE = zone
    begins = midnight(dt.date.fromisoformat(day))
    assert begins == dt.datetime.fromisoformat(instant)
    assert begins.tzinfo is dt.UTC


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_every_instant_lies_between_the_midnights_of_its_day(settings, zone):
    settings.BILLING_TIME_ZONE = zone

    @given(st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2035, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001
    def check(instant):
        today = Moment.of(instant).today
        assert midnight(today) <= instant < midnight(today + DAY)

    check()


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_a_day_begins_after_the_day_before_it_and_its_first_instant_is_on_it(settings, zone):
    settings.BILLING_TIME_ZONE = zone
    skipped = set()
    day = dt.date(1990, 1, 1)
    while day < dt.date(2030, 1, 1):
        begins, following = midnight(day), midnight(day + DAY)
        assert begins <= following
        if begins == following:
            skipped.add((zone, day.isoformat()))
        else:
            assert Moment.of(begins).today == day
            assert Moment.of(begins - dt.timedelta(microseconds=1)).today < day
        day += DAY
    assert skipped == {(name, day) for name, day in SKIPPED if name == zone}


def test_at_a_day_means_this_time_of_that_day(settings):
    settings.BILLING_TIME_ZONE = "America/Sao_Paulo"
    moment = Moment.on(dt.date(2026, 3, 31))
    local, now = (instant.astimezone(ZoneInfo("America/Sao_Paulo")) for instant in (moment.now, Moment.current().now))
    assert (local.date(), moment.today) == (dt.date(2026, 3, 31), dt.date(2026, 3, 31))
    assert abs(dt.timedelta(hours=local.hour - now.hour, minutes=local.minute - now.minute)) < dt.timedelta(minutes=2)


@pytest.mark.parametrize("zone", ["Europe/Moscow", "America/Sao_Paulo"])
def test_instants_are_shown_in_utc_whatever_the_billing_zone(settings, as_alice, payment, zone):
    settings.BILLING_TIME_ZONE = settings.TIME_ZONE = zone
    shown = as_alice.get(f"/api/payments/{payment.pk}").json()
    assert [shown[name][-1] for name in ("created_at", "expires_at")] == ["Z", "Z"]
    assert dt.datetime.fromisoformat(shown["created_at"]) == payment.created_at
