"""Doing a whole transaction again where PostgreSQL says for sure that nothing of it was done."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

Result = TypeVar("Result")

SERIALIZATION_FAILURE, DEADLOCK, LOCK_NOT_AVAILABLE, QUERY_CANCELED = "40001", "40P01", "55P03", "57014"
# The database chose a victim: the others have gone on, and the victim's turn comes at once.
VICTIM = (SERIALIZATION_FAILURE, DEADLOCK)
# Somebody held a lock, or the work took too long: worth another try to whoever has time, as a command has.
BUSY = (*VICTIM, LOCK_NOT_AVAILABLE, QUERY_CANCELED)
# The server said that the session is over, or could not say anything any more.
LOST = ("08", "57P")
TRIES = 3
PAUSE_SECONDS = 0.05


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code for a database error; empty where there is none, such as for a lost connection."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def connection_was_lost(error: BaseException) -> bool:
    """Tell whether the session has ended, by the server's word or without one."""
    state = sqlstate(error)
    return state.startswith(LOST) or (not state and isinstance(error, OperationalError | InterfaceError))


def retrying(act: Callable[[], Result], states: tuple[str, ...] = VICTIM) -> Result:
    """Return what `act`, a whole transaction, returns; do it again, three times at most, after one of `states`.

    Within a transaction of somebody else's nothing is done again, for what came before it would be lost. A lost
    connection is in no `states`: whether the transaction was committed is not known then.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return act()
        except OperationalError as error:
            if attempt == TRIES or sqlstate(error) not in states or connection.in_atomic_block:
                raise
            time.sleep(PAUSE_SECONDS * attempt)
    raise AssertionError("unreachable")
