"""What an error of PostgreSQL means to a caller: the one place that maps SQLSTATE to a problem."""

from django.db import Error, InterfaceError, OperationalError, connection
from django.utils.translation import gettext as _
from rest_framework import exceptions

from transactions.acting import OutcomeUnknown
from transactions.retrying import sqlstate

from .problems import Conflict, Unavailable, constraint_answers

CONFLICTS = ("23505", "23P01", "P0001")
INVALID = ("23503", "23514", "22")
DEMOTED = "25006"
AWAY = ("55P03", "40001", "40P01", "57014", "53", "08", "57P", DEMOTED, "25P03")


def problem_of_database_error(exc: Error) -> exceptions.APIException | None:
    """Return the problem that a database error stands for, or None where it is a fault of this program."""
    state = sqlstate(exc)
    constraint = getattr(getattr(exc.__cause__, "diag", None), "constraint_name", None) or ""
    if isinstance(exc, OutcomeUnknown):
        return Unavailable(in_doubt())
    if constraint in constraint_answers:
        return constraint_answers[constraint]()
    if state.startswith(CONFLICTS):
        return Conflict()
    if state.startswith(INVALID):
        return exceptions.ParseError(_("A value is outside of what can be stored."))
    if state.startswith(AWAY) or (not state and isinstance(exc, OperationalError | InterfaceError)):
        return Unavailable()
    return None


def in_doubt() -> str:
    """Return what there is to say where COMMIT was sent and its answer did not come."""
    return _(
        "The connection to the database was lost while the change was being committed: whether it was made is not "
        "known. The same request, with the same Idempotency-Key or the same facts, does no harm."
    )


def leave_demoted(exc: BaseException) -> None:
    """Drop the connection, and all others in the pool, to a server that is not the primary any more.

    It would answer for ever; the next request connects anew, and finds the new primary.
    """
    if sqlstate(exc) != DEMOTED or connection.in_atomic_block:
        return
    if pool := getattr(connection, "pool", None):
        pool.drain()
    connection.close()
