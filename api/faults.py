"""What an error of PostgreSQL means to a caller: the one place that maps SQLSTATE to a problem."""

from typing import Any

from django.db import Error, InterfaceError, OperationalError
from django.utils.translation import gettext as _
from rest_framework import exceptions

from .problems import Conflict, Unavailable, constraint_answers

CONFLICTS = ("23505", "23P01", "P0001")
INVALID = ("23503", "23514", "22")
AWAY = ("55P03", "40001", "40P01", "57014", "53", "08", "57P", "25006", "25P03")


def problem_of_database_error(exc: Error) -> exceptions.APIException | None:
    """Return the problem that a database error stands for, or None where it is a fault of this program."""
    cause: Any = exc.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None) or ""
    if constraint in constraint_answers:
        return constraint_answers[constraint]()
    if state.startswith(CONFLICTS):
        return Conflict()
    if state.startswith(INVALID):
        return exceptions.ParseError(_("A value is outside of what can be stored."))
    if state.startswith(AWAY) or (not state and isinstance(exc, OperationalError | InterfaceError)):
        return Unavailable()
    return None
