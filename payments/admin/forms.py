"""The forms by which staff say what money arrived, and what went back."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.forms import ActForm, VersionField
from api.fields import AMOUNT, CENT
from billing_time.clock import Moment
from payments.models import Payment, Receipt
from payments.receipts import AMOUNT as AMOUNT_DIGITS
from payments.refunds import CoverageChoice
from payments.reversals import Kind
from payments.states import LATE

EVIDENCE_LENGTH = 200


class AmountField(forms.DecimalField):
    """Money as people type it: with a point or a comma, with spaces between thousands; nothing else is a number."""

    default_error_messages = {"invalid": gettext_lazy("Enter an amount such as 990.00.")}

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
        super().__init__(min_value=CENT, widget=widget, **AMOUNT_DIGITS, **kwargs)

    def to_python(self, value: Any) -> Any:
        """Return the decimal."""
        text = "".join(str(value or "").split()).replace(",", ".")
        if text and not AMOUNT.fullmatch(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text)


def value_date_field() -> forms.DateField:
    """Return the field for the bank's value date."""
    widget = forms.DateInput(attrs={"type": "date", "class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%d")
    return forms.DateField(
        label=gettext_lazy("Value date"),
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=widget,
        help_text=gettext_lazy("The day on which the bank booked it. It may stay empty, and moves no date."),
    )


def note_field() -> forms.CharField:
    """Return the field for what else there is to say."""
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return forms.CharField(label=gettext_lazy("Note"), required=False, max_length=1000, widget=widget)


def evidence_field(**kwargs: Any) -> forms.CharField:
    """Return the field for the bank's id of the entry."""
    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    return forms.CharField(max_length=EVIDENCE_LENGTH, widget=widget, **{"required": False} | kwargs)


def check_value_date(day: dt.date | None, moment: Moment) -> dt.date | None:
    """Refuse days that no bank has reached."""
    if day and day > moment.today + dt.timedelta(days=1):
        raise ValidationError(_("Must not be later than tomorrow."))
    return day


def reason_field(**kwargs: Any) -> forms.CharField:
    """Return the field for why something is done."""
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    help_text = gettext_lazy("It is kept in the history of the payment.")
    return forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=widget, **{"help_text": help_text} | kwargs
    )


class DifferenceForm(ActForm):
    """Money that may be another amount than asked, where whoever fills it in may accept that, and says why."""

    accept_difference = forms.BooleanField(
        label=gettext_lazy("Accept another amount than asked"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=gettext_lazy("The whole term is covered; what is missing or left over is shown. The note says why."),
    )
    note = note_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.by.has_perm("payments.accept_difference"):
            del self.fields["accept_difference"]

    def clean(self) -> dict[str, Any]:
        """Require the reason of a difference."""
        given = super().clean() or self.cleaned_data
        if given.get("accept_difference") and not given.get("note", "").strip():
            self.add_error("note", _("Say why another amount is accepted."))
        return given


class ConfirmForm(DifferenceForm):
    """What is known about the money for one payment."""

    amount = AmountField(label=gettext_lazy("Amount"))
    received_on = value_date_field()
    evidence = evidence_field(
        label=gettext_lazy("Evidence"), help_text=gettext_lazy("The bank's or provider's id of the entry.")
    )
    source = forms.CharField(
        label=gettext_lazy("Source"),
        required=False,
        max_length=50,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Where the entry stands. The same evidence of one source settles nothing twice."),
    )
    field_order = ("amount", "received_on", "evidence", "source", "accept_difference", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].initial = self.row.amount
        self.fields["amount"].label = _("Amount, %(currency)s") % {"currency": self.row.currency}
        self.fields["source"].initial = self.row.provider
        self.fields["evidence"].required = self.row.status_at(self.moment) in LATE

    def clean_received_on(self) -> dt.date | None:
        """Return the value date."""
        return check_value_date(self.cleaned_data["received_on"], self.moment)


class ReceiptField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice of money on record."""

    default_error_messages = {"invalid_choice": gettext_lazy("Nothing is left of this money, or it is another user's.")}

    def label_from_instance(self, receipt: Any) -> str:
        """Return what is left of it, and where it stands in the bank's books."""
        words = _("%(left)s of %(amount)s %(currency)s: %(receipt)s")
        left = {"left": receipt.unapplied_amount, "amount": receipt.amount}
        return words % (left | {"currency": receipt.currency, "receipt": receipt})


class SettleForm(DifferenceForm):
    """Which money on record settles a payment."""

    receipt = ReceiptField(
        label=gettext_lazy("Money on record"),
        queryset=Receipt.objects.none(),
        widget=UnfoldAdminRadioSelectWidget,
        empty_label=None,
        help_text=gettext_lazy("What is left of it. Money that lies unapplied at another payment leaves that one."),
    )
    field_order = ("receipt", "accept_difference", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["receipt"].queryset = Receipt.objects.for_payment(self.row)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Require the explicit word where less is left than the payment asks for."""
        given, due = super().clean(), self.row.amount
        receipt: Receipt | None = given.get("receipt")
        if receipt is None or receipt.pk == self.row.receipt_id:
            return given
        if receipt.unapplied_amount < due and not given.get("accept_difference"):
            words = _("%(left)s are left of it, and this payment is for %(due)s %(currency)s.")
            left = {"left": receipt.unapplied_amount, "due": due, "currency": self.row.currency}
            self.add_error("receipt", words % left)
        return given


class CancelForm(ActForm):
    """Why a payment is not waited for any more."""

    reason = reason_field(required=False)


class RefundForm(ActForm):
    """How much of a payment is given back, why, and what becomes of its days."""

    amount = AmountField(required=False, help_text=gettext_lazy("Empty: all that is left."))
    coverage = forms.ChoiceField(
        label=gettext_lazy("Paid days"),
        choices=[
            ("", gettext_lazy("As usual: taken back with all that is left, kept with a part")),
            *CoverageChoice.choices,
        ],
        required=False,
        widget=UnfoldAdminRadioSelectWidget,
    )
    reason = reason_field()
    evidence = evidence_field(
        label=gettext_lazy("Evidence"),
        help_text=gettext_lazy("The bank's id of the entry that paid it out. Without it the refund is due."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = _("Amount, %(currency)s") % {"currency": self.row.currency}


class ReverseForm(ActForm):
    """Why the money of a payment does not count any more."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What happened"),
        choices=[(kind.value, kind.label) for kind in (Kind.MISTAKE, Kind.RETURNED_BY_BANK)],
        widget=UnfoldAdminRadioSelectWidget,
        help_text=gettext_lazy("The evidence of a mistake can be used again; what the bank returned stays on record."),
    )
    reason = reason_field()
    evidence = evidence_field(
        label=gettext_lazy("Evidence"), help_text=gettext_lazy("The bank's id of the entry that took it away.")
    )


class PayForm(ActForm):
    """The evidence that a refund went out."""

    evidence = evidence_field(
        label=gettext_lazy("Evidence"),
        required=True,
        help_text=gettext_lazy("The bank's id of the entry that paid it out."),
    )


class BulkConfirmForm(forms.Form):
    """One value date and note for many payments, and the evidence of each."""

    received_on = value_date_field()
    note = note_field()

    def __init__(self, data: Any = None, *, payments: list[Payment], moment: Moment) -> None:
        self.payments, self.moment = payments, moment
        super().__init__(data)
        for payment in payments:
            label = _("Evidence of %(reference)s") % {"reference": payment.reference}
            self.fields[evidence_name(payment)] = evidence_field(label=label)
            self.fields[version_name(payment)] = VersionField()
            self.initial[version_name(payment)] = payment.version(moment)

    def clean_received_on(self) -> dt.date | None:
        """Return the value date."""
        return check_value_date(self.cleaned_data["received_on"], self.moment)

    def rows(self) -> Iterator[tuple[Payment, Any, Any, Any]]:
        """Yield each payment with its state in words, the field for its evidence and the one for its version."""
        labels = dict(Payment._meta.get_field("status").flatchoices)
        for payment in self.payments:
            version = self[version_name(payment)]
            yield payment, labels[payment.status_at(self.moment)], self[evidence_name(payment)], version

    def given_for(self, payment: Payment) -> dict[str, Any]:
        """Return what is known about the money for one of them."""
        given = self.cleaned_data
        return {
            "received_on": given["received_on"],
            "note": given["note"],
            "evidence": given[evidence_name(payment)],
            "version": given[version_name(payment)],
        }


def evidence_name(payment: Payment) -> str:
    """Return the name of the field for a payment's evidence; by these names a form says which payments it is about."""
    return f"evidence_{payment.pk}"


def version_name(payment: Payment) -> str:
    """Return the name of the field for what a payment was when the form was shown."""
    return f"version_{payment.pk}"
