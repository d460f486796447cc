"""Other people's connections, as another process has them, and what tests ask of the journal."""

from contextlib import contextmanager

from django.db import connection

from journal.models import Event


@contextmanager
def sessions(number):
    """Yield so many connections of their own; whatever is still open on them is rolled back."""
    opened = [connection.copy() for _ in range(number)]
    try:
        yield opened
    finally:
        for each in opened:
            each.close()


def execute(session, sql, *given):
    with session.cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.fetchall() if cursor.description else None


def add_group(session, name):
    """Change something, so that one event is written."""
    execute(session, "INSERT INTO auth_group (name) VALUES (%s)", name)


def events(*kinds):
    """Return what was written down, oldest first, of these kinds or of all."""
    rows = Event.objects.order_by("seq")
    return list(rows.filter(kind__in=kinds) if kinds else rows)


def newest():
    return Event.objects.order_by("seq").last()


def count():
    return Event.objects.count()
