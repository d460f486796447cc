"""The page of the bank statement: which days, and the same as CSV."""

import csv
import datetime as dt
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import INPUT_CLASSES

from payments.statement import Statement, month_of, statement

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def day_field(label: Any, **kwargs: Any) -> forms.DateField:
    """Return a field for a day."""
    widget = forms.DateInput(attrs={"type": "date", "class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, input_formats=["%Y-%m-%d"], widget=widget, **kwargs)


class StatementForm(forms.Form):
    """The days of a statement; this month where none are given."""

    def __init__(self, data: Any = None, *, today: dt.date) -> None:
        self.first, self.next_first = month_of(today)
        super().__init__(data, initial={"from": self.first, "to": self.next_first})
        self.fields["from"] = day_field(gettext_lazy("From"))
        self.fields["to"] = day_field(gettext_lazy("To"), help_text=gettext_lazy("This day is not part of it."))

    def clean(self) -> dict[str, Any]:
        """Fill in the month, and refuse days that end before they begin."""
        given = super().clean() or self.cleaned_data
        if not self.errors:
            given["from"] = given["from"] or self.first
            given["to"] = given["to"] or max(self.next_first, month_of(given["from"])[1])
            if given["to"] <= given["from"]:
                self.add_error("to", _("Must be later than the first day."))
        return given

    def statement(self) -> Statement | None:
        """Return the statement of the days; None for days that cannot be."""
        if not self.is_bound:
            return statement(self.first, self.next_first)
        return statement(self.cleaned_data["from"], self.cleaned_data["to"]) if self.is_valid() else None


def columns() -> list[str]:
    """Return what the columns are called."""
    return [
        _("Day"), _("Source"), _("Currency"), _("Received"), _("Returned by the bank"), _("Refunds paid"), _("Total"),
    ]  # fmt: skip


def as_csv(found: Statement) -> HttpResponse:
    """Return the statement as a file for spreadsheets; what people typed is text there, never a formula."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"statement-{found.start}-{found.end}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    writer = csv.writer(answer)
    writer.writerow(columns())
    for line in found.lines:
        day, source, currency, *sums = line.as_data().values()
        writer.writerow([day, harmless(source), currency, *sums])
    for currency, total in found.totals.items():
        writer.writerow([_("In all"), "", currency, *total.as_data().values()])
    return answer


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" \N{NO-BREAK SPACE}").startswith(FORMULA) else text
