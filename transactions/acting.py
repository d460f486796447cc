"""Who acts: told to the database at the beginning of a transaction, so that its triggers can write it down.

Whatever changes rows without having told (psql, a script) is recorded as the role of the database it logged in as.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import Error, OperationalError, connection, transaction

from .retrying import connection_was_lost

TELL = "SELECT set_config('journal.context', %s, true), set_config('journal.reason', '', true)"
TELL_WHY = "SELECT set_config('journal.reason', %s, true)"

# How deep the innermost `acting` of this thread is.
innermost: ContextVar[int | None] = ContextVar("innermost", default=None)


class Channel(StrEnum):
    """The way by which somebody acts; what has told nothing is `sql`."""

    API = "api"
    ADMIN = "admin"
    COMMAND = "command"
    WEBHOOK = "webhook"


@dataclass(frozen=True)
class Actor:
    """A user (a service account is one too), a command, or nobody known."""

    type: str
    id: int | None
    name: str

    @classmethod
    def of(cls, user: Any) -> "Actor":
        """Return the user as an actor; whoever is not logged in is anonymous."""
        if not user.is_authenticated:
            return cls("anonymous", None, "")
        return cls("user", user.pk, user.get_username())

    @classmethod
    def command(cls, name: str) -> "Actor":
        """Return a command as an actor."""
        return cls("command", None, name)


class OutcomeUnknown(OperationalError):
    """The connection was lost while the transaction was being committed: it may have been, or not."""

    def __init__(self) -> None:
        super().__init__("the connection was lost during COMMIT: whether anything has changed is not known")


@contextmanager
def acting(actor: Actor, channel: Channel, request_id: str = "") -> Iterator[None]:
    """Open a transaction (within one, a savepoint) in which everything that changes is changed by `actor`.

    Raise OutcomeUnknown where the answer to its COMMIT does not come.
    """
    committing = False
    told = {"type": actor.type, "id": actor.id, "name": actor.name, "channel": channel, "request_id": request_id}
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(TELL, [json.dumps(told, ensure_ascii=False)])
            before = innermost.set(depth())
            try:
                yield
            finally:
                innermost.reset(before)
            committing = True
    except Error as error:
        if committing and connection_was_lost(error) and not connection.in_atomic_block:
            raise OutcomeUnknown from error
        raise


def whole() -> AbstractContextManager[Any]:
    """Return the block of a verb, of which all is done or nothing.

    Right within `acting` that is its transaction, or savepoint, and no other is opened: whoever acts lets an exception
    end it, and goes on within it after none.
    """
    return nullcontext() if connection.in_atomic_block and depth() == innermost.get() else transaction.atomic()


def depth() -> int:
    """Return how many blocks within one another the transaction of this thread has."""
    return len(connection.savepoint_ids)


def because(reason: str) -> None:
    """Say why, for all that changes from here to the end of the transaction; nothing where there is no reason."""
    if reason:
        with connection.cursor() as cursor:
            cursor.execute(TELL_WHY, [reason])
