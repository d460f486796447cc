"""Which currencies money may be in: those of ISO 4217 with two decimals."""

from functools import cache

from babel.numbers import get_currency_precision, list_currencies
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


@cache
def known_currencies() -> frozenset[str]:
    """Return the codes, by the Unicode locale data that Babel carries."""
    return frozenset(code for code in list_currencies() if get_currency_precision(code) == 2)


def validate_currency(code: str) -> None:
    """Raise ValidationError unless `code` is a currency with two decimals."""
    if code not in known_currencies():
        raise ValidationError(_("Must be the ISO 4217 code of a currency with two decimals, such as RUB."))
