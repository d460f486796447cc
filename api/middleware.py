"""What happens to every request before routing: a name for it, either slash, and no characters that break a query."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import is_valid_path

from .handlers import CONTENT_TYPE, as_problem, is_api, problem_of_status
from .logs import current_request_id
from .views import ApiViewSet
from .wire import check_query

Handler = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Name each request, in its answer and in every log line that it causes."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = secrets.token_hex(12)  # type: ignore[attr-defined]
        token = current_request_id.set(request.request_id)  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        finally:
            current_request_id.reset(token)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class EitherSlashMiddleware:
    """Below `/api`, a trailing slash more or less is the same route: a redirect would lose the body of a POST."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if is_api(request) and not path.endswith("//") and not is_valid_path(path):
            other = path[:-1] if path.endswith("/") else f"{path}/"
            if is_valid_path(other):
                request.path_info = other
        return self.get_response(request)


class ProblemsOnlyMiddleware:
    """Below `/api`, answer with a problem where Django would show its error page, with DEBUG on as well."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = response.status_code >= HTTPStatus.BAD_REQUEST and response["Content-Type"] != CONTENT_TYPE
        if is_page and is_api(request):
            return as_problem(request, problem_of_status(response.status_code))
        return response


class CleanInputMiddleware:
    """Refuse NUL and lone surrogates in a path (404), a query or a form (400): PostgreSQL cannot hold them.

    The query of an API view is its own to check, in its turn: whoever has no token learns that first.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_args: object) -> None:
        """Look at what was asked once the route is known, so that the answer has the route's form."""
        if has_unstorable(request.path_info):
            raise Http404
        if not issubclass(getattr(view, "cls", object), ApiViewSet):
            check_query(request)
        if not is_api(request) and request.method == "POST":
            self.check_form(request)

    @staticmethod
    def check_form(request: HttpRequest) -> None:
        """Refuse forms of the admin and the pages with characters that cannot be stored."""
        if any(has_unstorable(text) for pair in request.POST.lists() for text in (pair[0], *map(str, pair[1]))):
            raise BadRequest("NUL or lone surrogate in the form.")


def has_unstorable(text: str) -> bool:
    """Tell whether PostgreSQL would refuse the text, or bytes that were no UTF-8 stood there."""
    return "\0" in text or "\ufffd" in text or any("\ud800" <= character <= "\udfff" for character in text)
