"""The routes of payments."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import StrictSerializer
from api.problems import Invalid
from api.views import ApiViewSet
from subscriptions.models import Subscription
from subscriptions.problems import PlanNotAvailable, SubscriptionNotLive, TooFarAhead
from subscriptions.views import ActsForUsers

from .checkout import Order, check_out
from .models import Facts, Payment
from .problems import (
    AmountMismatch,
    ConfirmedDifferently,
    CurrencyMismatch,
    EvidenceAlreadyUsed,
    OwnPayment,
    PaymentNotPending,
)
from .serializers import CheckOut, Confirm, Confirmation, PaymentQuery, PaymentSerializer


class PaymentViewSet(ApiViewSet):
    """Look at payments; give one up."""

    queries = {"list": PaymentQuery}
    refusals = {"cancel": (PaymentNotPending,)}
    serializer_class = PaymentSerializer

    def get_queryset(self) -> Any:
        """Return what the caller may see."""
        return Payment.objects.visible_to(self.caller).with_receipt()

    def list(self, request: Request) -> Response:
        """List the payments of the caller, or with the right those of everybody."""
        return PaymentQuery.of(self).page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one payment."""
        return Response(self.shown(get_object_or_404(self.get_queryset(), pk=pk)))

    def cancel(self, request: Request, pk: int) -> Response:
        """Stop waiting for the money."""
        self.validated(StrictSerializer)
        payment = get_object_or_404(Payment.objects.managed_by(self.caller), pk=pk)
        payment.cancel(self.moment)
        return Response(self.shown(payment))


class CheckoutViewSet(ActsForUsers):
    """Ask how to pay."""

    requests = {"create": CheckOut}
    answers = {"create": (200, 201)}
    refusals = {"create": (AmountMismatch, CurrencyMismatch, SubscriptionNotLive, PlanNotAvailable, TooFarAhead)}
    serializer_class = PaymentSerializer

    def create(self, request: Request) -> Response:
        """Return the one pending payment of a subscription: 201 where it is new, 200 where it waits already."""
        given = self.validated(CheckOut)
        subject = self.subject(given.pop("user_id")) if "user_id" in given else None
        subscription = self.subscription(given.pop("subscription_id", None), given["plan_name"].pk, subject)
        user = subject or (subscription.user if subscription else self.caller)
        order = Order(plan=given.pop("plan_name"), **given)
        payment, created = check_out(user, order, self.moment, subscription=subscription)
        return Response(self.shown(payment), status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)

    def subscription(self, pk: int | None, plan_name: str, subject: Any) -> Subscription | None:
        """Return the subscription that was named; 404 where it is not the caller's, 400 where it does not fit."""
        if pk is None:
            return None
        found = get_object_or_404(Subscription.objects.managed_by(self.caller), pk=pk)
        if subject is not None and found.user_id != subject.pk:
            raise Invalid("subscription_id", _("This subscription is another user's."), "mismatch")
        if found.plan_id != plan_name:
            raise Invalid("plan_name", _("This subscription is for another plan."), "mismatch")
        return found


class ConfirmViewSet(ApiViewSet):
    """Turn money received into coverage."""

    rights = {"confirm": "payments.confirm_payment"}
    requests = {"confirm": Confirm}
    refusals = {
        "confirm": (
            OwnPayment,
            AmountMismatch,
            CurrencyMismatch,
            PaymentNotPending,
            ConfirmedDifferently,
            EvidenceAlreadyUsed,
        )
    }
    serializer_class = Confirmation

    def confirm(self, request: Request) -> Response:
        """Confirm a payment, once; the same facts again answer the same."""
        given = self.validated(Confirm)
        payment = get_object_or_404(Payment.objects.all(), pk=given.pop("payment_id"))
        confirmed = payment.confirm(Facts(**given), by=self.caller, moment=self.moment)
        result = {"payment": payment, "subscription": payment.subscription, "already_confirmed": not confirmed}
        if payment.unapplied:
            result["could_settle"] = Payment.objects.could_settle(payment, self.moment)
        return Response(self.shown(result))
