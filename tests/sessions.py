"""Sessions of PostgreSQL beside the one of the test, and triggers that make it misbehave."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

PATIENCE = 30


def database_url(port: int | None = None) -> str:
    """Return the address of the database of this test, perhaps through another port."""
    given = connection.settings_dict
    return f"postgresql://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{port or given['PORT']}/{given['NAME']}"


def session() -> psycopg.Connection[tuple[object, ...]]:
    """Return a connection of its own, as another process has it."""
    return psycopg.connect(database_url(), autocommit=True)


@contextmanager
def locked(table: str, column: str, value: object) -> Iterator[None]:
    """Hold the rows, as a process that hangs would."""
    with session() as other, other.transaction():
        other.execute(f'SELECT 1 FROM "{table}" WHERE "{column}" = %s FOR UPDATE', [value])
        yield


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until it comes about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def waiting() -> int:
    """Return how many sessions of this database wait for a lock."""
    with session() as other:
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return other.execute(waits).fetchone()[0]


@contextmanager
def trigger(table: str, body: str, *, at_commit: bool = False) -> Iterator[None]:
    """Have `body` run with each row that is inserted or changed, or when the transaction commits."""
    timing = "CONSTRAINT TRIGGER made_by_a_test AFTER" if at_commit else "TRIGGER made_by_a_test BEFORE"
    deferred = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
    with session() as other:
        other.execute(
            f"CREATE FUNCTION made_by_a_test() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} RETURN NEW; END$$;"
            f"CREATE {timing} INSERT OR UPDATE ON {table} {deferred} FOR EACH ROW EXECUTE FUNCTION made_by_a_test()"
        )
        try:
            yield
        finally:
            other.execute("DROP FUNCTION made_by_a_test CASCADE")
