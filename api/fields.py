"""Serializer fields that take a JSON value for what it is: nothing is coerced, nothing is trimmed."""

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from functools import cache
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

MAX_ID = 2**63 - 1
AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,2})?", re.ASCII)
MAX_AMOUNT = Decimal("999999999999.99")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
CENT = Decimal("0.01")


@cache
def fields_of(serializer_class: type[serializers.Serializer[Any]]) -> Any:
    """Return the fields of a class of serializers, made once: they hold nothing of a request."""
    return super(StrictSerializer, serializer_class()).fields  # type: ignore[misc]


class StrictSerializer(serializers.Serializer[Any]):
    """A request body: a field that it does not know is an error, not a silence."""

    @property
    def fields(self) -> Any:
        """The fields, which every serializer of the class shares; DRF copies them for each."""
        return fields_of(type(self))

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the validated fields, or raise every error at once, those of unknown fields among them."""
        known = {name for name, field in self.fields.items() if not field.read_only}
        message = serializers.ErrorDetail(str(_("There is no such field.")), code="unknown_field")
        errors: dict[str, Any] = {name: [message] for name in sorted(set(data) - known)}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(errors | dict(cast("dict[str, Any]", error.detail))) from None
        if errors:
            raise serializers.ValidationError(errors)
        return values


class IntegerField(serializers.IntegerField):
    """A JSON integer: no string, no `3.0`, no boolean."""

    def to_internal_value(self, data: Any) -> int:
        """Return the integer."""
        if type(data) is not int:
            self.fail("invalid")
        return data


class IdField(IntegerField):
    """The id of a row: a positive JSON integer below 2^63."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, **kwargs)


class BooleanField(serializers.BooleanField):
    """JSON's true or false."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the boolean."""
        if type(data) is not bool:
            self.fail("invalid", input=data)
        return data


class TextField(serializers.CharField):
    """A JSON string, kept as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class TidyTextField(TextField):
    """A string that neither begins nor ends with white space or a control character."""

    default_error_messages = {"untidy": _("Must not begin or end with white space or control characters.")}

    def to_internal_value(self, data: Any) -> str:
        """Return the string."""
        text = super().to_internal_value(data)
        if text and any(edge.isspace() or unicodedata.category(edge)[0] in "CZ" for edge in (text[0], text[-1])):
            self.fail("untidy")
        return text


class StrictChoiceField(serializers.ChoiceField):
    """One of a few strings."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the choice."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class AmountField(serializers.Field[Decimal, Any, str, Any]):
    """Money: shown as `"990.00"`; read from such a string, or from a JSON number that is exact at two places."""

    default_error_messages = {
        "invalid": _('Must be a positive amount with at most two decimals, such as "990.00".'),
    }

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the amount, greater than zero. Bounds are checked before anything is calculated."""
        amount = self.read(data)
        if amount is None or not CENT <= amount <= MAX_AMOUNT:
            self.fail("invalid")
        return amount.quantize(CENT)

    @staticmethod
    def read(data: Any) -> Decimal | None:
        """Return the decimal that was written, or None where it is none of the accepted forms."""
        if isinstance(data, str):
            return Decimal(data) if AMOUNT.fullmatch(data) else None
        if type(data) is int:
            return Decimal(data)
        if isinstance(data, Decimal) and int(data.as_tuple().exponent) <= 0 and abs(data) <= MAX_AMOUNT:
            return data if data == data.quantize(CENT) else None
        return None

    def to_representation(self, value: Decimal) -> str:
        """Return the amount with its two decimals."""
        return f"{value:.2f}"


class DayField(serializers.DateField):
    """A day as `YYYY-MM-DD`, in ASCII digits."""

    def to_internal_value(self, value: Any) -> dt.date:
        """Return the date."""
        if not isinstance(value, str) or not DATE.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail("invalid", format="YYYY-MM-DD")
