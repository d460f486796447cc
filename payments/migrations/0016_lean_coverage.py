import re
from importlib import import_module

from django.db import migrations

# As before: days and weeks are exact; a month or year ends up to three days later than the calendar says, where the
# anchor day is; what was taken back may end earlier. The end by the calendar is worked out once and not eight times:
# PostgreSQL reads a CHECK anew for every statement, and this one was a seventh of those of a confirmation.
CHECK = """(
    covers_from IS NULL
    OR covers_to - (covers_from + interval_count * duration * CASE "interval"
        WHEN 'day' THEN interval '1 day'
        WHEN 'week' THEN interval '7 days'
        WHEN 'month' THEN interval '1 month'
        ELSE interval '1 year' END)::date
    <@ int4range(
        CASE WHEN taken_back_on IS NULL THEN 0 END,
        CASE WHEN "interval" IN ('day', 'week') THEN 0 ELSE 3 END,
        '[]'))"""
LANDED = import_module("payments.migrations.0006_guards").FORWARD
BEFORE = re.search(r"ADD CONSTRAINT payment_coverage_follows_terms CHECK (.*?);", LANDED, re.DOTALL)[1]


def exchange(check: str) -> str:
    """Return the SQL that puts the check in the place of the one that is there; old rows are not looked at yet."""
    return (
        "ALTER TABLE payments_payment DROP CONSTRAINT payment_coverage_follows_terms,"
        f" ADD CONSTRAINT payment_coverage_follows_terms CHECK {check} NOT VALID;"
    )


VALIDATE = "ALTER TABLE payments_payment VALIDATE CONSTRAINT payment_coverage_follows_terms;"


class Migration(migrations.Migration):
    """The check of how long a payment covers is shorter; nobody waits while old rows are compared with it."""

    atomic = False
    dependencies = [("payments", "0015_lean_references")]
    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, VALIDATE),
        migrations.RunSQL(exchange(CHECK), exchange(BEFORE)),
        migrations.RunSQL(VALIDATE, migrations.RunSQL.noop),
    ]
