"""The routes of plans and subscriptions."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import permissions, status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from api.fields import StrictSerializer
from api.problems import TransitionNotAllowed
from api.views import ApiViewSet

from .models import Plan, Subscription
from .problems import PlanNotAvailable, SubscriptionExists, TooFarAhead
from .serializers import (
    PlanQuery,
    PlanSerializer,
    Subscribe,
    SubscriptionQuery,
    SubscriptionSerializer,
    SubscriptionsOfUserQuery,
)

MANAGE_ALL = "subscriptions.manage_all_subscriptions"


class PlanViewSet(ApiViewSet):
    """What is on sale."""

    authentication_classes = []
    permission_classes = [permissions.AllowAny]
    queries = {"list": PlanQuery}
    serializer_class = PlanSerializer
    queryset = Plan.objects.on_sale()

    def list(self, request: Request) -> Response:
        """List the plans on sale."""
        return PlanQuery.of(self).page()

    def retrieve(self, request: Request, name: str) -> Response:
        """Return one plan on sale."""
        return Response(self.shown(get_object_or_404(self.get_queryset(), pk=name)))


class ActsForUsers(ApiViewSet):
    """Routes on which a user acts for themself, and whoever manages all subscriptions for anybody."""

    def subject(self, user_id: int | None) -> User:
        """Return the user to act for, or raise 403 for somebody else's id, whether or not it exists."""
        caller = self.caller
        if user_id is None or user_id == caller.pk:
            return caller
        if not caller.has_perm(MANAGE_ALL):
            raise PermissionDenied(_("You may do this for yourself only."))
        return User.objects.get(pk=user_id)


class SubscriptionViewSet(ActsForUsers):
    """Subscribe, look, resume; what moves money as well stands with the payments."""

    requests = {"create": Subscribe}
    queries = {"list": SubscriptionQuery, "list_of_user": SubscriptionsOfUserQuery}
    refusals = {
        "create": (SubscriptionExists, PlanNotAvailable, TooFarAhead),
        "resume": (TransitionNotAllowed,),
    }
    etags = {"create", "retrieve", "resume"}
    serializer_class = SubscriptionSerializer

    def get_queryset(self) -> Any:
        """Return what the caller may see."""
        return Subscription.objects.visible_to(self.caller)

    def create(self, request: Request) -> Response:
        """Subscribe to a plan."""
        given = self.validated(Subscribe)
        user = self.subject(given.get("user_id"))
        subscription = Subscription.objects.subscribe(user, given["plan_name"], given["duration"], self.moment)
        return self.shown_alone(subscription, status=status.HTTP_201_CREATED)

    def list(self, request: Request) -> Response:
        """List the subscriptions of the caller, or with the right those of everybody."""
        return SubscriptionQuery.of(self).page(self.owner_seen("subscriptions.view_subscription"))

    def list_of_user(self, request: Request, user_id: int) -> Response:
        """List one user's subscriptions that give access now."""
        query = SubscriptionsOfUserQuery.of(self)
        if user_id != self.caller.pk and not self.may_see_user(user_id):
            raise NotFound
        return query.page(user_id)

    def may_see_user(self, user_id: int) -> bool:
        """Tell whether the caller sees everybody's subscriptions, and there is such a user."""
        return self.caller.has_perm("subscriptions.view_subscription") and User.objects.filter(pk=user_id).exists()

    def retrieve(self, request: Request, user_id: int, pk: int) -> Response:
        """Return one subscription."""
        return self.shown_alone(get_object_or_404(self.get_queryset(), user_id=user_id, pk=pk))

    def resume(self, request: Request, user_id: int, pk: int) -> Response:
        """Take back a cancellation at the period's end."""
        self.validated(StrictSerializer)
        subscription = get_object_or_404(Subscription.objects.managed_by(self.caller), user_id=user_id, pk=pk)
        subscription.resume(self.moment)
        return self.shown_alone(subscription)
