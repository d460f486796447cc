"""What the routes of payments read and write."""

import datetime as dt
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from api.fields import (
    AmountField,
    BooleanField,
    DayField,
    IdField,
    IntegerField,
    StrictChoiceField,
    StrictSerializer,
    TextField,
)
from api.keys import text_key
from api.queries import (
    DayParameter,
    FlagParameter,
    IdParameter,
    InstantParameter,
    ListQuery,
    StatesParameter,
    TextParameter,
    ordering_parameter,
)
from api.shown import RowSerializer
from billing_time.clock import Moment
from subscriptions.currencies import validate_currency
from subscriptions.serializers import DurationField, OnBehalf, PlanField, SubscriptionSerializer

from .grants import MAX_DAYS
from .models import Payment, Provider, Receipt, Refund
from .pages import checkout_url
from .refunds import CoverageChoice
from .reversals import Kind
from .states import Status


class PaymentSerializer(RowSerializer[Payment]):
    """A payment as of the moment of the request."""

    plan_name = serializers.CharField(source="plan_id")
    amount = AmountField()
    unit_price = AmountField()
    shortfall = AmountField()
    refunded_amount = AmountField()
    status = serializers.SerializerMethodField()
    checkout_url = serializers.SerializerMethodField()
    received_on = serializers.SerializerMethodField()
    reversal_kind = serializers.CharField(
        allow_null=True, help_text=_("`mistake`, `returned_by_bank` or `moved`; null unless it is reversed.")
    )

    class Meta:
        model = Payment
        fields = [
            "id", "user_id", "subscription_id", "plan_name", "amount", "currency", "status", "unit_price", "duration",
            "interval", "interval_count", "reference", "provider", "checkout_url", "expires_at", "covers_from",
            "covers_to", "confirmed_at", "received_on", "receipt_id", "refunded_amount", "shortfall", "unapplied",
            "reversal_kind", "created_at",
        ]  # fmt: skip

    def get_status(self, payment: Payment) -> Status:
        """Return the state that the clock says."""
        return Status(payment.status_at(self.context["moment"]))

    def get_received_on(self, payment: Payment) -> dt.date | None:
        """Return the value date of its money, where that is known."""
        return payment.receipt.received_on if payment.receipt else None

    def get_checkout_url(self, payment: Payment) -> str:
        """Return the address of the page that says how to pay."""
        return checkout_url(payment, self.context["request"])


class CurrencyField(TextField):
    """The ISO 4217 code of a currency with two decimals."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=3, max_length=3, validators=[validate_currency], **kwargs)


class CheckOut(OnBehalf):
    """What to pay for. The amount must be the price agreed × duration."""

    plan_name = PlanField()
    amount = AmountField()
    currency = CurrencyField(required=False)
    subscription_id = IdField(required=False)
    duration = DurationField(required=False)
    provider = StrictChoiceField(choices=[Provider.MANUAL], required=False)


class Confirm(StrictSerializer):
    """Which payment, and what is known about the money that arrived."""

    payment_id = IdField()
    amount = AmountField(required=False)
    currency = CurrencyField(required=False)
    received_on = DayField(required=False, help_text=_("The bank's value date, not later than tomorrow."))
    evidence = TextField(required=False, max_length=200, help_text=_("The bank's or provider's id of the entry."))
    source = TextField(required=False, max_length=50)  # type: ignore[assignment]
    note = TextField(required=False, allow_blank=True, max_length=1000)
    accept_difference = BooleanField(
        required=False,
        help_text=_(
            "Another amount than asked is meant; `note` says why. Needs the right `payments.accept_difference`."
        ),
    )
    receipt_id = IdField(required=False, help_text=_("Money of this user that is on record and settles nothing yet."))

    def validate_received_on(self, day: dt.date) -> dt.date:
        """Refuse days that no bank has reached."""
        moment: Moment = self.context["moment"]
        if day > moment.today + dt.timedelta(days=1):
            raise serializers.ValidationError(_("Must not be later than tomorrow."))
        return day

    def validate_evidence(self, evidence: str) -> str:
        """Refuse evidence that is only white space."""
        if not text_key(evidence):
            raise serializers.ValidationError(_("This field may not be blank."), code="blank")
        return evidence

    validate_source = validate_evidence

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require the note that says why another amount is accepted."""
        if attrs.get("accept_difference") and not attrs.get("note", "").strip():
            raise serializers.ValidationError({"note": [_("Say why another amount is accepted.")]}, code="required")
        return attrs


class Confirmation(serializers.Serializer[Any]):
    """The payment, its subscription, and whether this was a repeat."""

    payment = PaymentSerializer()
    subscription = SubscriptionSerializer()
    already_confirmed = serializers.BooleanField()
    could_settle = serializers.ListField(
        child=serializers.IntegerField(),
        required=False,
        help_text=_("Only where the money stays unapplied: the payments of this user that it could settle."),
    )


class ReferenceParameter(TextParameter):
    """A reference, with or without the spaces that banks print."""

    def to_internal_value(self, data: Any) -> str:
        """Return the reference as it is kept."""
        return "".join(super().to_internal_value(data).split()).upper()


class KeyParameter(TextParameter):
    """Text, in any case and with any spaces."""

    def to_internal_value(self, data: Any) -> str:
        """Return the key by which it is unique."""
        return text_key(super().to_internal_value(data))


class PaymentQuery(ListQuery):
    """The parameters of the list of payments."""

    model = Payment

    status = StatesParameter(Status.values, help_text=_("One or several states, separated by commas."))
    unapplied = FlagParameter(required=False)
    user_id = IdParameter()
    subscription_id = IdParameter()
    plan_name = TextParameter(source="plan_id")
    reference = ReferenceParameter()
    evidence = KeyParameter()
    received_from = DayParameter(source="receipt__received_on__gte")
    received_to = DayParameter(source="receipt__received_on__lt")
    confirmed_from = InstantParameter(required=False, source="confirmed_at__gte")
    confirmed_to = InstantParameter(required=False, source="confirmed_at__lt")
    created_after = InstantParameter(required=False, source="created_at__gte")
    created_before = InstantParameter(required=False, source="created_at__lt")
    ordering = ordering_parameter("id", "created_at", "amount", "confirmed_at")

    @classmethod
    def base(cls) -> Any:
        """Return the payments with what is shown of the money received."""
        return Payment.objects.with_receipt()

    @classmethod
    def narrow(cls, rows: Any, conditions: dict[str, Any], moment: Moment) -> Any:
        """Return those that meet every condition at `moment`."""
        if states := conditions.pop("status", None):
            rows = rows.in_states(states, moment)
        if (evidence := conditions.pop("evidence", None)) is not None:
            rows = rows.filter(receipt__in=Receipt.objects.with_evidence(evidence))
        return rows.filter(**conditions)


class RefundSerializer(RowSerializer[Refund]):
    """Money given back, or to be given back."""

    amount = AmountField()

    class Meta:
        model = Refund
        fields = [
            "id", "payment_id", "amount", "currency", "status", "coverage", "reason", "evidence", "paid_at",
            "created_at",
        ]  # fmt: skip


class ReasonField(TextField):
    """Why; it is kept in the journal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the reason; white space is none."""
        text = super().to_internal_value(data)
        if not text.strip():
            self.fail("blank")
        return text


class EvidenceField(TextField):
    """The bank's or provider's id of the entry."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=200, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the evidence; white space is none."""
        text = super().to_internal_value(data)
        if not text_key(text):
            self.fail("blank")
        return text


class RefundPayment(StrictSerializer):
    """What to give back: without an amount all that is left, and then the days to come go too."""

    amount = AmountField(required=False)
    reason = ReasonField()
    coverage = StrictChoiceField(choices=CoverageChoice.values, required=False)
    evidence = EvidenceField(required=False)


class PayRefund(StrictSerializer):
    """The evidence that the money went out."""

    evidence = EvidenceField()


class ReversePayment(StrictSerializer):
    """What happened to the money that was counted as received."""

    kind = StrictChoiceField(choices=[Kind.MISTAKE.value, Kind.RETURNED_BY_BANK.value])
    reason = ReasonField()
    evidence = EvidenceField(required=False)


class Grant(StrictSerializer):
    """How many days are given, and why."""

    days = IntegerField(min_value=1, max_value=MAX_DAYS)
    reason = ReasonField()


class RefundQuery(ListQuery):
    """The parameters of the list of refunds."""

    model = Refund

    status = StatesParameter(Refund.Status.values, help_text=_("One or several states, separated by commas."))
    payment_id = IdParameter()
    user_id = IdParameter()

    @classmethod
    def narrow(cls, rows: Any, conditions: dict[str, Any], moment: Moment) -> Any:
        """Return those that meet every condition."""
        if states := conditions.pop("status", None):
            rows = rows.filter(status__in=states)
        return rows.filter(**conditions)


class ReceiptSerializer(RowSerializer[Receipt]):
    """Money that arrived, and what of it settles nothing yet."""

    amount = AmountField()
    unapplied_amount = AmountField()
    reversed_amount = AmountField()

    class Meta:
        model = Receipt
        fields = [
            "id", "user_id", "source", "evidence", "amount", "currency", "unapplied_amount", "reversed_amount",
            "received_on", "note", "created_at",
        ]  # fmt: skip


class ReceiptQuery(ListQuery):
    """The parameters of the list of receipts."""

    model = Receipt

    unapplied = FlagParameter(required=False)
    user_id = IdParameter()
    source = KeyParameter(source="source_key")  # type: ignore[assignment]
    evidence = KeyParameter()
    received_from = DayParameter(source="received_on__gte")
    received_to = DayParameter(source="received_on__lt")
    ordering = ordering_parameter("id", "created_at")

    @classmethod
    def narrow(cls, rows: Any, conditions: dict[str, Any], moment: Moment) -> Any:
        """Return those that meet every condition."""
        if (unapplied := conditions.pop("unapplied", None)) is not None:
            rows = rows.with_money_left(unapplied)
        if (evidence := conditions.pop("evidence", None)) is not None:
            rows = rows.with_evidence(evidence)
        return rows.filter(**conditions)


class Transition(serializers.Serializer[Any]):
    """A step from one state to another, and the verbs that take it."""

    to = serializers.CharField()
    verbs = serializers.ListField(child=serializers.CharField())

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is a word of Python's."""
        return {"from": serializers.CharField()} | super().get_fields()


class Birth(serializers.Serializer[Any]):
    """A state that a row begins in."""

    to = serializers.CharField()
    verbs = serializers.ListField(child=serializers.CharField())


class Machine(serializers.Serializer[Any]):
    """The transition table of one kind of object."""

    states = serializers.ListField(child=serializers.CharField())
    births = Birth(many=True)
    transitions = Transition(many=True)
    final = serializers.ListField(child=serializers.CharField())


class StateMachines(serializers.Serializer[Any]):
    """The transition tables: what the verbs do, and all that the database lets anybody do."""

    payment = Machine()
    subscription = Machine()
