"""Every error of the API as `application/problem+json` (RFC 9457), whoever raised it."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.signals import got_request_exception
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from .faults import leave_demoted, problem_of_database_error
from .problems import Problem, Unavailable

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

TITLES = {
    400: gettext_lazy("The request is malformed"),
    401: gettext_lazy("No valid credentials were given"),
    403: gettext_lazy("You have no right to do this"),
    404: gettext_lazy("There is nothing here"),
    405: gettext_lazy("This method is not possible here"),
    406: gettext_lazy("Only JSON can be had here"),
    415: gettext_lazy("The body must be JSON"),
    429: gettext_lazy("Too many requests"),
    500: gettext_lazy("Something went wrong here"),
}
CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
    429: "throttled",
    500: "error",
}


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into a problem; what nobody foresaw is logged and answered with 500."""
    request = context["request"]
    set_rollback()
    leave_demoted(exc)
    known = recognise(exc)
    if known is None:
        logger.error("Unexpected error at %s", request.path, exc_info=exc)
        got_request_exception.send(sender=None, request=request._request)
        known = exceptions.APIException(_("The error was recorded."))
    elif isinstance(known, Unavailable):
        logger.warning("Unavailable at %s: %s", request.path, str(exc).strip())
    body = problem_body(request, known)
    return Response(body, status=known.status_code, headers=headers_of(known), content_type=CONTENT_TYPE)


def recognise(exc: Exception) -> exceptions.APIException | None:  # noqa: PLR0911  (a table)
    """Return the API exception that says what happened, or None for what nobody foresaw."""
    match exc:
        case exceptions.APIException():
            return exc
        case Http404():
            return exceptions.NotFound()
        case DjangoPermissionDenied():
            return exceptions.PermissionDenied()
        case BadRequest():
            return exceptions.ParseError(str(exc))
        case SuspiciousOperation():
            return exceptions.ParseError()
        case UnreadablePostError():
            return exceptions.ParseError(_("The body could not be read to its end."))
        case DatabaseError():
            return problem_of_database_error(exc)
        case _:
            return None


def problem_body(request: Any, exc: exceptions.APIException) -> dict[str, Any]:
    """Return the members of the problem that `exc` is."""
    code = exc.code if isinstance(exc, Problem) else CODES.get(exc.status_code, "error")
    title = exc.title if isinstance(exc, Problem) else TITLES.get(exc.status_code, TITLES[500])
    body: dict[str, Any] = {
        "type": problem_type(request, code),
        "title": str(title),
        "status": exc.status_code,
        "code": code,
        "detail": str(title if isinstance(exc, exceptions.ValidationError) else exc.detail),
        "request_id": getattr(request, "request_id", ""),
    }
    if isinstance(exc, exceptions.ValidationError):
        body["errors"] = list(flatten(exc.detail))
    elif exc.status_code == status.HTTP_400_BAD_REQUEST:
        body["errors"] = [{"field": "", "code": code, "detail": str(exc.detail)}]
    return body | getattr(exc, "members", {})


def flatten(detail: Any, field: str = "") -> Any:
    """Yield one error per message of DRF's nested lists and dictionaries; fields within fields are joined by dots."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            path = "" if name == "non_field_errors" else str(name)
            yield from flatten(inner, ".".join(filter(None, (field, path))))
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from flatten(inner, field)
    else:
        yield {"field": field, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}


def headers_of(exc: exceptions.APIException) -> dict[str, str]:
    """Return the headers that the status owes."""
    headers = {}
    if exc.status_code == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Token"
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(max(1, int(wait)))
    return headers


def problem_type(request: Any, code: str) -> str:
    """Return the address of the page that explains the code."""
    path = f"/problems/{code.replace('_', '-')}"
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    try:
        return request.build_absolute_uri(path)
    except DisallowedHost:
        return path


# --- Errors outside any view of the API, where Django has but pages for people


def is_api(request: HttpRequest) -> bool:
    """Tell whether a program, not a person, asked."""
    return request.path == "/api" or request.path.startswith("/api/")


def problem_of_status(status_code: int) -> exceptions.APIException:
    """Return what an error page of this status says, such as for an unknown route, or for a Host that is not ours."""
    match status_code:
        case 400:
            return exceptions.ParseError(_("The request could not be understood."))
        case 403:
            return exceptions.PermissionDenied()
        case 404:
            return exceptions.NotFound()
        case 503:
            return Unavailable()
        case _:
            return exceptions.APIException(_("The error was recorded."))


def as_problem(request: HttpRequest, exc: exceptions.APIException) -> HttpResponse:
    """Return the problem as a plain Django response."""
    body = problem_body(request, exc)
    readable = {"ensure_ascii": False}
    return JsonResponse(
        body, status=exc.status_code, content_type=CONTENT_TYPE, headers=headers_of(exc), json_dumps_params=readable
    )
