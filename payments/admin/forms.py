"""The forms by which staff say what money arrived."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.admin.acts import ActForm
from api.fields import AMOUNT, CENT
from billing_time.clock import Moment
from payments.models import Payment
from payments.receipts import AMOUNT as AMOUNT_DIGITS
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
    return forms.CharField(required=False, max_length=EVIDENCE_LENGTH, widget=widget, **kwargs)


def check_value_date(day: dt.date | None, moment: Moment) -> dt.date | None:
    """Refuse days that no bank has reached."""
    if day and day > moment.today + dt.timedelta(days=1):
        raise ValidationError(_("Must not be later than tomorrow."))
    return day


class ConfirmForm(ActForm):
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
    note = note_field()

    def __init__(self, data: Any = None, *, row: Payment, moment: Moment) -> None:
        super().__init__(data, row=row, moment=moment)
        self.fields["amount"].initial = row.amount
        self.fields["amount"].label = _("Amount, %(currency)s") % {"currency": row.currency}
        self.fields["source"].initial = row.provider
        self.fields["evidence"].required = row.status_at(moment) in LATE

    def clean_received_on(self) -> dt.date | None:
        """Return the value date."""
        return check_value_date(self.cleaned_data["received_on"], self.moment)


class CancelForm(ActForm):
    """Why a payment is not waited for any more."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy("It is kept in the history of the payment."),
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

    def clean_received_on(self) -> dt.date | None:
        """Return the value date."""
        return check_value_date(self.cleaned_data["received_on"], self.moment)

    def rows(self) -> Iterator[tuple[Payment, Any, Any]]:
        """Yield each payment with its state in words and the field for its evidence."""
        labels = dict(Payment._meta.get_field("status").flatchoices)
        for payment in self.payments:
            yield payment, labels[payment.status_at(self.moment)], self[evidence_name(payment)]

    def given_for(self, payment: Payment) -> dict[str, Any]:
        """Return what is known about the money for one of them."""
        given = self.cleaned_data
        return {
            "received_on": given["received_on"],
            "note": given["note"],
            "evidence": given[evidence_name(payment)],
        }


def evidence_name(payment: Payment) -> str:
    """Return the name of the field for a payment's evidence; by these names a form says which payments it is about."""
    return f"evidence_{payment.pk}"
