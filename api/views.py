"""The viewset that every route of the API is bound to."""

import datetime as dt
from typing import Any

from django.utils import timezone
from rest_framework import permissions
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from billing_time.clock import Moment

from .wire import check_query, read_object


class HasRight(permissions.BasePermission):
    """Require the Django permission that the view's `rights` name for the action, if any."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the caller holds the right."""
        right = view.rights.get(view.action)
        return right is None or request.user.has_perm(right)


class ApiViewSet(GenericViewSet[Any]):
    """Answers in the order of the contract: 406, 405, 401, 403, 429, 413, 415, 400 for what is no JSON object."""

    permission_classes = [permissions.IsAuthenticated, HasRight]
    http_method_names = ["get", "head", "post", "patch"]
    # By action: the right that it needs, what it reads from the body and from the query, with which statuses it
    # succeeds (200 and, for `create`, 201 go without saying), and what it refuses beside the usual. The schema is made
    # from these.
    rights: dict[str, str] = {}
    requests: dict[str, type[Serializer[Any]]] = {}
    queries: dict[str, type[Serializer[Any]]] = {}
    answers: dict[str, tuple[int, ...]] = {}
    refusals: dict[str, tuple[type[APIException], ...]] = {}
    body: dict[str, Any]
    moment: Moment

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Do what comes before the fields are looked at; the body is read last of it."""
        super().initial(request, *args, **kwargs)
        self.moment = Moment.current()
        if request.method in {"POST", "PATCH"}:
            self.body = read_object(request)
        check_query(request._request)

    def perform_authentication(self, request: Request) -> None:
        """Refuse a method that the route has not, before asking who calls."""
        method = request.method or ""
        if method.lower() not in self.action_map:
            raise MethodNotAllowed(method)
        super().perform_authentication(request)

    @property
    def caller(self) -> Any:
        """Who calls: on routes that need a token, always a user."""
        return self.request.user

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
        with timezone.override(dt.UTC):
            return self.get_serializer(row, many=many).data
