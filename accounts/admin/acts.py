"""Acts: what staff do to one row through a form that calls the row's verb, and how a refusal reads."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import Error
from rest_framework.exceptions import APIException

from accounts.acting import acting_in_admin
from accounts.models import User
from api.faults import problem_of_database_error
from api.handlers import flatten
from billing_time.clock import Moment

REFUSALS = (APIException, Error)


@dataclass(frozen=True)
class Outcome:
    """What an act did, in words: for the person, and for the log where something changed."""

    message: str
    changed: bool = True
    level: int = messages.SUCCESS

    @classmethod
    def nothing(cls, message: str) -> "Outcome":
        """Return the outcome of an act that was done before."""
        return cls(message, changed=False, level=messages.INFO)


class ActForm(forms.Form):
    """The form of an act on a row, as of a moment."""

    def __init__(self, data: Any = None, *, row: Any, moment: Moment) -> None:
        self.row, self.moment = row, moment
        super().__init__(data)


class Act:
    """Something done to one row."""

    title: ClassVar[Any]
    button: ClassVar[Any]
    form_class: ClassVar[type[ActForm]] = ActForm
    dangerous: ClassVar[bool] = False

    def facts(self, row: Any, moment: Moment) -> list[tuple[Any, Any]]:
        """Return what should be seen before it is done: labels and values."""
        return []

    def warning(self, row: Any, moment: Moment) -> Any:
        """Return what is unusual about this row, if anything."""
        return None

    def perform(self, row: Any, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Call the verb."""
        raise NotImplementedError

    def run(self, row: Any, given: dict[str, Any], *, by: User, moment: Moment) -> Outcome:
        """Do it and log it, both or neither. Raise one of REFUSALS, with nothing changed."""
        with acting_in_admin(by):
            outcome = self.perform(row, given, by, moment)
            if outcome.changed:
                LogEntry.objects.log_actions(by.pk, [row], CHANGE, outcome.message, single_object=True)
        return outcome


def words_of(refusal: Exception) -> str:
    """Return a refusal in words; raise it again where it is a fault of this program."""
    problem = problem_of_database_error(refusal) if isinstance(refusal, Error) else refusal
    if not isinstance(problem, APIException):
        raise refusal
    return " ".join(error["detail"] for error in flatten(problem.detail))
