"""The calendar in SQL, as `billing_time` has it in Python."""

MIDNIGHT = """(SELECT least(
    midnight,
    CASE WHEN (midnight - interval '1 hour') AT TIME ZONE %(zone)s = day THEN midnight - interval '1 hour' END,
    CASE WHEN (midnight - interval '30 minutes') AT TIME ZONE %(zone)s = day THEN midnight - interval '30 minutes' END
) FROM (SELECT DAY::timestamp AS day, DAY::timestamp AT TIME ZONE %(zone)s AS midnight) AS at)"""


def midnight(day: str) -> str:
    """Return the instant at which a day begins in the billing time zone.

    Where the clocks skip midnight PostgreSQL takes the instant of the skip, as `billing_time.clock.midnight` does.
    Where they show it twice it takes the second, which is an hour late, or half an hour.
    """
    return MIDNIGHT.replace("DAY", f"({day})")


def local_day(instant: str) -> str:
    """Return the billing day of an instant."""
    return f"({instant} AT TIME ZONE %(zone)s)::date"


def day_of(date: str) -> str:
    """Return the day of the month."""
    return f"extract(day FROM {date})::int"


def last_day_of(date: str) -> str:
    """Return the last day of the month of a date."""
    return f"extract(day FROM date_trunc('month', {date}::timestamp) + interval '1 month' - interval '1 day')::int"


def anchored(anchor_day: str, date: str) -> str:
    """Return whether the date follows from the anchor day: that day, or the last one of a shorter month."""
    return f"least({anchor_day}, {last_day_of(date)}) = {day_of(date)}"
