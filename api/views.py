"""The viewset that every route of the API is bound to."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import copy
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import permissions
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from billing_time.clock import Moment
from transactions.acting import Actor, Channel, acting
from transactions.retrying import retrying

from .expectations import Expectation, etag
from .handlers import recognise
from .repeats import KEPT, Repeat
from .wire import check_query, read_object

WRITES = {"POST", "PATCH"}


class HasRight(permissions.BasePermission):
    """Require the Django permission that the view's `rights` name for the action, if any."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the caller holds the right."""
        right = view.rights.get(view.action)
        return right is None or request.user.has_perm(right)


class ApiViewSet(GenericViewSet[Any]):
    """Answers in the order of the contract: 406, 405, 401, 403, 429, 413, 415, 400 for what is no JSON object.

    What somebody logged in writes is one transaction, and is done once for one `Idempotency-Key`. Routes for anyone
    open their own (`acting`): what they have counted is to stay counted where they refuse.
    """

    permission_classes = [permissions.IsAuthenticated, HasRight]
    http_method_names = ["get", "head", "post", "patch"]
    # By action: the right that it needs, what it reads from the body and from the query, with which statuses it
    # succeeds (200 and, for `create`, 201 go without saying), and what it refuses beside the usual; the actions that
    # honour `If-Match`, and those whose answer has an `ETag`. The schema is made from these.
    rights: dict[str, str] = {}
    requests: dict[str, type[Serializer[Any]]] = {}
    queries: dict[str, type[Serializer[Any]]] = {}
    answers: dict[str, tuple[int, ...]] = {}
    refusals: dict[str, tuple[type[APIException], ...]] = {}
    expects: set[str] = set()
    etags: set[str] = set()
    body: dict[str, Any]
    moment: Moment
    repeat: Repeat | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Do what comes before the fields are looked at; the body is read last of it."""
        super().initial(request, *args, **kwargs)
        self.moment = Moment.current()
        if request.method in WRITES:
            self.body = read_object(request)
        if request.method in WRITES and request.user.is_authenticated:
            self.repeat = Repeat.of(request, self.body) if request.method == "POST" else None
            # What stands under the name of the method is what DRF calls next.
            setattr(self, request.method.lower(), self.write)
        check_query(request._request)

    def perform_authentication(self, request: Request) -> None:
        """Refuse a method that the route has not, before asking who calls."""
        method = request.method or ""
        if method.lower() not in self.action_map:
            raise MethodNotAllowed(method)
        super().perform_authentication(request)

    def write(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do the action in one transaction; where PostgreSQL chose that as a victim, do it again from the beginning."""
        user, token = request.user, request.auth

        def attempt() -> HttpResponse:
            view = copy(self)
            request.user, request.auth = copy(user), copy(token)
            with self.acting(user):
                return self.once(partial(getattr(view, self.action), request, *args, **kwargs))

        return retrying(attempt)

    def acting(self, user: Any) -> AbstractContextManager[None]:
        """Open a transaction in which the journal knows that `user` acts."""
        return acting(Actor.of(user), Channel.API, getattr(self.request, "request_id", ""))

    def once(self, act: Callable[[], Response]) -> HttpResponse:
        """Do the act; with an `Idempotency-Key` only where it was not done before."""
        if self.repeat is None:
            return act()
        return self.repeat.answer() or self.repeat.keep(self.answered(act))

    def answered(self, act: Callable[[], Response]) -> HttpResponse:
        """Return the answer as it goes out. A refusal that stays what it is is one too; what was done is undone."""
        try:
            with transaction.atomic():
                response = act()
        except Exception as exc:
            known = recognise(exc)
            if known is None or known.status_code not in KEPT:
                raise
            response = self.handle_exception(exc)
        return self.finalize_response(self.request, response).render()

    @property
    def expected(self) -> Expectation:
        """What the caller believes the row to be, by `If-Match`."""
        return Expectation.of_request(self.request)

    @property
    def caller(self) -> Any:
        """Who calls: on routes that need a token, always a user."""
        return self.request.user

    def owner_seen(self, right: str) -> int | None:
        """Return whose rows the caller sees in a list: with the right everybody's, which is None, else their own."""
        return None if self.caller.has_perm(right) else self.caller.pk

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what serializers need: the one moment at which this request sees everything."""
        return {**super().get_serializer_context(), "moment": self.moment}

    def validated(self, serializer_class: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the fields of the body, or raise 400 naming each that is wrong."""
        serializer = serializer_class(data=self.body, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def shown(self, row: Any, *, many: bool = False) -> Any:
        """Return what the answer shows of a row, or of many; instants are in UTC, whatever the billing time zone."""
        serializer = self.get_serializer()
        with timezone.override(dt.UTC):
            return [serializer.to_representation(each) for each in row] if many else serializer.to_representation(row)

    def shown_alone(self, row: Any, *, status: int = 200) -> Response:
        """Return the answer that shows one row, with the `ETag` of its version."""
        return Response(self.shown(row), status=status, headers={"ETag": etag(row.version(self.moment))})
