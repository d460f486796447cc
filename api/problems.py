"""What the API refuses, and how it says so: exceptions with a code that never changes."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.utils.translation import gettext_lazy
from rest_framework import exceptions, status

Answer = TypeVar("Answer", bound=type[exceptions.APIException])

# What the breach of a constraint means to a caller: a race lost in PostgreSQL gets the answer of one seen beforehand.
constraint_answers: dict[str, Callable[[], exceptions.APIException]] = {}


def answers_constraint(*names: str) -> Callable[[Answer], Answer]:
    """Register the decorated exception as the answer to a breach of each named constraint, or a trigger's refusal."""

    def register(answer: Answer) -> Answer:
        constraint_answers.update(dict.fromkeys(names, answer))
        return answer

    return register


class Problem(exceptions.APIException):
    """A refusal with a code that never changes and a title and detail in the caller's language.

    `members` are added to the body.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[Any] = gettext_lazy("Error")

    def __init__(self, detail: Any = None, *, retry_after: int | None = None, **members: Any) -> None:
        super().__init__(detail or self.title, self.code)
        self.wait = retry_after
        self.members = members


class Conflict(Problem):
    """The request is well-formed, but the state says no; nothing has changed."""

    status_code = status.HTTP_409_CONFLICT
    code = "conflict"
    title = gettext_lazy("The request conflicts with what is already there")


class TransitionNotAllowed(Conflict):
    """The object's state does not know this step."""

    code = "transition_not_allowed"
    title = gettext_lazy("This is not possible in the present state")


class IdempotencyInProgress(Conflict):
    """The first request with this key is still running."""

    code = "idempotency_in_progress"
    title = gettext_lazy("The first request with this Idempotency-Key is still running")

    def __init__(self) -> None:
        super().__init__(retry_after=1)


class IdempotencyKeyReused(Problem):
    """The key came with another body before; nothing has changed."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    code = "idempotency_key_reused"
    title = gettext_lazy("This Idempotency-Key was used for another request")


class Unavailable(Problem):
    """The database is away, or a lock could not be had in time; nothing has changed, unless the detail says else."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    code = "unavailable"
    title = gettext_lazy("The service is not available at the moment")

    def __init__(self, detail: Any = None) -> None:
        super().__init__(detail, retry_after=2)


class Invalid(exceptions.ValidationError):
    """One field is wrong: a ValidationError that may stand for a database constraint."""

    def __init__(self, field: str, detail: Any, code: str = "invalid") -> None:
        super().__init__({field: [exceptions.ErrorDetail(str(detail), code=code)]})


class PayloadTooLarge(Problem):
    """The body is larger than any request needs."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    code = "payload_too_large"
    title = gettext_lazy("The body is larger than 64 KiB")
