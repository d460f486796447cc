"""Acts: what staff do to one row through a form that calls the row's verb, and how a refusal reads."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import Error
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from accounts.acting import acting_in_admin
from accounts.forms import ActForm
from accounts.models import User
from api.expectations import Expectation, PreconditionFailed
from api.faults import problem_of_database_error
from api.handlers import flatten
from billing_time.clock import Moment

REFUSALS = (APIException, Error)

__all__ = ["REFUSALS", "Act", "ActForm", "Outcome", "seen", "words_of"]


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


class Act:
    """Something done to one row."""

    title: ClassVar[Any]
    button: ClassVar[Any]
    form_class: ClassVar[type[ActForm]] = ActForm
    dangerous: ClassVar[bool] = False
    # What a link to the form may fill in beforehand.
    prefilled: ClassVar[tuple[str, ...]] = ()

    def facts(self, row: Any, moment: Moment) -> list[tuple[Any, Any]]:
        """Return what should be seen before it is done: labels and values."""
        return []

    def warning(self, row: Any, moment: Moment) -> Any:
        """Return what is unusual about this row, if anything."""
        return None

    def perform(self, row: Any, given: dict[str, Any], by: User, moment: Moment) -> Outcome:
        """Call the verb, which refuses where the row is not any more what the form was about."""
        raise NotImplementedError

    def form(self, row: Any, moment: Moment, by: User, *, sent: Any = None, asked: Any = None) -> ActForm:
        """Return its form, as it was sent or as a link asked for it."""
        initial = {name: asked[name] for name in self.prefilled if name in (asked or {})}
        return self.form_class(sent, row=row, moment=moment, by=by, initial=initial)

    def form_after(self, refusal: Exception, form: ActForm, row: Any) -> ActForm:
        """Return the form with the words of the refusal; where the row has changed, about what it is now."""
        if isinstance(refusal, PreconditionFailed):
            sent = {**form.data.dict(), "version": row.version(form.moment)}  # type: ignore[attr-defined]
            form = self.form(row, form.moment, form.by, sent=sent)
        form.add_error(None, words_of(refusal))
        return form

    def run(self, row: Any, given: dict[str, Any], *, by: User, moment: Moment) -> Outcome:
        """Do it and log it, both or neither. Raise one of REFUSALS, with nothing changed."""
        with acting_in_admin(by):
            outcome = self.perform(row, given, by, moment)
            if outcome.changed:
                LogEntry.objects.log_actions(by.pk, [row], CHANGE, outcome.message, single_object=True)
        return outcome


def seen(given: dict[str, Any]) -> Expectation:
    """Return what the row was when the form was shown; a form sent by a program may expect nothing."""
    return Expectation.seen(given.get("version") or "")


def words_of(refusal: Exception) -> str:
    """Return a refusal in words; raise it again where it is a fault of this program."""
    if isinstance(refusal, PreconditionFailed):
        return _("It has changed since this page was opened, so nothing was done. This is how it is now.")
    problem = problem_of_database_error(refusal) if isinstance(refusal, Error) else refusal
    if not isinstance(problem, APIException):
        raise refusal
    return " ".join(error["detail"] for error in flatten(problem.detail))
