"""The routes of payments."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import permissions, status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import StrictSerializer
from api.problems import Invalid, TransitionNotAllowed
from api.views import ApiViewSet
from subscriptions.models import Subscription
from subscriptions.problems import PlanNotAvailable, SubscriptionNotLive, TooFarAhead
from subscriptions.serializers import Cancel, SubscriptionSerializer
from subscriptions.states import RUNNING, SUBSCRIPTION
from subscriptions.views import MANAGE_ALL, ActsForUsers

from .checkout import Order, check_out
from .endings import cancel_and_refund
from .grants import grant
from .models import Facts, Payment, Receipt, Refund, RefundOrder, ReversalOrder
from .problems import (
    AmountMismatch,
    ConfirmedDifferently,
    CurrencyMismatch,
    EvidenceAlreadyUsed,
    LaterCoverage,
    OwnPayment,
    PaymentNotPending,
    RefundExceedsPayment,
)
from .serializers import (
    CheckOut,
    Confirm,
    Confirmation,
    Grant,
    PaymentQuery,
    PaymentSerializer,
    PayRefund,
    ReceiptQuery,
    ReceiptSerializer,
    RefundPayment,
    RefundQuery,
    RefundSerializer,
    ReversePayment,
    StateMachines,
)
from .states import PAYMENT


class PaymentViewSet(ApiViewSet):
    """Look at payments; give one up; say that its money was not received after all."""

    rights = {"reverse": "payments.reverse_payment"}
    requests = {"reverse": ReversePayment}
    queries = {"list": PaymentQuery}
    refusals = {"cancel": (PaymentNotPending,), "reverse": (OwnPayment, TransitionNotAllowed)}
    expects = {"cancel", "reverse"}
    etags = {"retrieve", "cancel", "reverse"}
    serializer_class = PaymentSerializer

    def get_queryset(self) -> Any:
        """Return what the caller may see."""
        return Payment.objects.visible_to(self.caller).with_receipt()

    def list(self, request: Request) -> Response:
        """List the payments of the caller, or with the right those of everybody."""
        return PaymentQuery.of(self).page(self.owner_seen("payments.view_payment"))

    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one payment."""
        return self.shown_alone(get_object_or_404(self.get_queryset(), pk=pk))

    def cancel(self, request: Request, pk: int) -> Response:
        """Stop waiting for the money."""
        self.validated(StrictSerializer)
        payment = get_object_or_404(Payment.objects.managed_by(self.caller), pk=pk)
        payment.cancel(self.moment, expected=self.expected)
        return self.shown_alone(payment)

    def reverse(self, request: Request, pk: int) -> Response:
        """Record that the money of a payment was not received, or is gone again; the days to come are taken back."""
        order = ReversalOrder(**self.validated(ReversePayment))
        payment = get_object_or_404(Payment.objects.all(), pk=pk)
        payment.reverse(order, by=self.caller, moment=self.moment, expected=self.expected)
        return self.shown_alone(payment)


class RefundViewSet(ApiViewSet):
    """Give money back, and look at what was given back."""

    rights = {
        "list": "payments.view_refund",
        "retrieve": "payments.view_refund",
        "refund": "payments.refund_payment",
        "pay": "payments.refund_payment",
    }
    requests = {"refund": RefundPayment, "pay": PayRefund}
    queries = {"list": RefundQuery}
    answers = {"refund": (200, 201)}
    refusals = {
        "refund": (OwnPayment, RefundExceedsPayment, LaterCoverage, EvidenceAlreadyUsed, TransitionNotAllowed),
        "pay": (OwnPayment, ConfirmedDifferently, EvidenceAlreadyUsed, TransitionNotAllowed),
    }
    expects = {"refund"}
    serializer_class = RefundSerializer
    queryset = Refund.objects.all()

    def list(self, request: Request) -> Response:
        """List the refunds of everybody."""
        return RefundQuery.of(self).page()

    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one refund."""
        return Response(self.shown(get_object_or_404(self.get_queryset(), pk=pk)))

    def refund(self, request: Request, pk: int) -> Response:
        """Give back money of a payment: 201, or 200 where the same evidence stands for a refund already."""
        order = RefundOrder(**self.validated(RefundPayment))
        payment = get_object_or_404(Payment.objects.all(), pk=pk)
        refund, new = payment.refund(order, by=self.caller, moment=self.moment, expected=self.expected)
        return Response(self.shown(refund), status=status.HTTP_201_CREATED if new else status.HTTP_200_OK)

    def pay(self, request: Request, pk: int) -> Response:
        """Record that a refund went out; the same evidence again changes nothing."""
        evidence = self.validated(PayRefund)["evidence"]
        refund = get_object_or_404(self.get_queryset(), pk=pk)
        refund.pay(evidence, by=self.caller, moment=self.moment)
        return Response(self.shown(refund))


class ReceiptViewSet(ApiViewSet):
    """Look at money that arrived."""

    rights = {"list": "payments.view_receipt", "retrieve": "payments.view_receipt"}
    queries = {"list": ReceiptQuery}
    serializer_class = ReceiptSerializer
    queryset = Receipt.objects.all()

    def list(self, request: Request) -> Response:
        """List the receipts of everybody."""
        return ReceiptQuery.of(self).page()

    def retrieve(self, request: Request, pk: int) -> Response:
        """Return one receipt."""
        return Response(self.shown(get_object_or_404(self.get_queryset(), pk=pk)))


class EndingViewSet(ApiViewSet):
    """End a subscription, which may move money."""

    requests = {"cancel": Cancel}
    refusals = {"cancel": (OwnPayment, TransitionNotAllowed, RefundExceedsPayment)}
    expects = etags = {"cancel"}
    serializer_class = SubscriptionSerializer

    def cancel(self, request: Request, user_id: int, pk: int) -> Response:
        """End the subscription, at the end of its period or now."""
        given = self.validated(Cancel)
        money, now = given.get("money"), given["when"] == "now"
        staff = self.caller.has_perm(MANAGE_ALL)
        if staff and money == "refund" and not self.caller.has_perm("payments.refund_payment"):
            raise PermissionDenied
        subscription = get_object_or_404(Subscription.objects.managed_by(self.caller), user_id=user_id, pk=pk)
        ahead = subscription.status_at(self.moment) in RUNNING and subscription.is_covered_ahead(self.moment)
        self.check_money(money, now=now, staff=staff, ahead=ahead)
        act = {"reason": given["reason"], "moment": self.moment, "expected": self.expected}
        if staff and money == "refund":
            cancel_and_refund(subscription, by=self.caller, **act)
        else:
            subscription.cancel(now=now, forfeit=staff and money == "forfeit", **act)
        return self.shown_alone(subscription)

    def check_money(self, money: str | None, *, now: bool, staff: bool, ahead: bool) -> None:
        """Raise 400 unless staff, and they alone, say what becomes of the money of paid days that end now.

        A customer's end of paid days is 409, whatever they say of the money: the verb sees to that.
        """
        if money and not (now and (staff or ahead)):
            raise Invalid("money", _("Only staff say this, and only of what is to end now."))
        if now and staff and ahead and not money:
            raise Invalid("money", _("There are paid days ahead: say what becomes of the money."), "required")


class GrantViewSet(ApiViewSet):
    """Give free time."""

    rights = {"grant": "subscriptions.grant_time"}
    requests = {"grant": Grant}
    answers = {"grant": (201,)}
    refusals = {"grant": (OwnPayment, SubscriptionNotLive, TooFarAhead)}
    etags = {"grant"}
    serializer_class = PaymentSerializer

    def grant(self, request: Request, user_id: int, pk: int) -> Response:
        """Cover some days of a live subscription for nothing; the answer is a confirmed payment of zero."""
        given = self.validated(Grant)
        subscription = get_object_or_404(Subscription.objects.all(), user_id=user_id, pk=pk)
        payment = grant(subscription, given["days"], given["reason"], by=self.caller, moment=self.moment)
        return self.shown_alone(payment, status=status.HTTP_201_CREATED)


class StateMachineViewSet(ApiViewSet):
    """The transition tables as data."""

    authentication_classes = []
    permission_classes = [permissions.AllowAny]
    serializer_class = StateMachines

    def retrieve(self, request: Request) -> Response:
        """Return the transition tables of payments and subscriptions."""
        return Response({"payment": PAYMENT.as_data(), "subscription": SUBSCRIPTION.as_data()})


class CheckoutViewSet(ActsForUsers):
    """Ask how to pay."""

    requests = {"create": CheckOut}
    answers = {"create": (200, 201)}
    refusals = {"create": (AmountMismatch, CurrencyMismatch, SubscriptionNotLive, PlanNotAvailable, TooFarAhead)}
    etags = {"create"}
    serializer_class = PaymentSerializer

    def create(self, request: Request) -> Response:
        """Return the one pending payment of a subscription: 201 where it is new, 200 where it waits already."""
        given = self.validated(CheckOut)
        subject = self.subject(given.pop("user_id")) if "user_id" in given else None
        subscription = self.subscription(given.pop("subscription_id", None), given["plan_name"].pk, subject)
        user = subject or (subscription.user if subscription else self.caller)
        order = Order(plan=given.pop("plan_name"), **given)
        payment, created = check_out(user, order, self.moment, subscription=subscription)
        return self.shown_alone(payment, status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)

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
            SubscriptionNotLive,
        )
    }
    expects = {"confirm"}
    serializer_class = Confirmation

    def confirm(self, request: Request) -> Response:
        """Confirm a payment, once; the same facts again answer the same."""
        given = self.validated(Confirm)
        if given.get("accept_difference") and not self.caller.has_perm("payments.accept_difference"):
            raise PermissionDenied(_("You have no right to accept another amount than asked."))
        payment = self.payment(given.pop("payment_id"))
        self.check_receipt(given.get("receipt_id"), payment)
        confirmed = payment.confirm(Facts(**given), by=self.caller, moment=self.moment, expected=self.expected)
        result = {"payment": payment, "subscription": payment.subscription, "already_confirmed": not confirmed}
        if payment.unapplied:
            result["could_settle"] = Payment.objects.could_settle(payment, self.moment)
        return Response(self.shown(result))

    @staticmethod
    def payment(pk: int) -> Payment:
        """Return the payment, or raise 404."""
        try:
            return Payment.asked(pk)
        except Payment.DoesNotExist:
            raise NotFound from None

    def check_receipt(self, pk: int | None, payment: Payment) -> None:
        """Raise 404 for money that is not on record, 400 for another user's."""
        if pk is not None and get_object_or_404(Receipt.objects.all(), pk=pk).user_id != payment.user_id:
            raise Invalid("receipt_id", _("This money is another user's."), "mismatch")
