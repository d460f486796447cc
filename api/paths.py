"""Path converters: what is no id is no route."""

from django.urls import register_converter

from .fields import MAX_ID


class IdConverter:
    """A positive integer below 2^63 in ASCII digits; anything else is 404."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """Return the id."""
        number = int(value)
        if number > MAX_ID:
            raise ValueError
        return number

    def to_url(self, value: int) -> str:
        """Return the id as it stands in a path."""
        return str(value)


register_converter(IdConverter, "id")
