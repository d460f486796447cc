"""What answers show of rows: a plan made once for a class of serializers, in place of its fields for every row."""

import datetime as dt
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from django.db.models import Model
from rest_framework import serializers

Row = TypeVar("Row", bound=Model)
# What JSON knows as it is; a day, and the state of a row, know how they are written.
PLAIN = (
    serializers.BooleanField,
    serializers.CharField,
    serializers.ChoiceField,
    serializers.DateField,
    serializers.IntegerField,
    serializers.ModelField,
    serializers.SerializerMethodField,
)


class RowSerializer(serializers.ModelSerializer[Row]):
    """Shows a row by its attributes; the fields, which the schema is made of, say how each is written."""

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return what is shown of the row."""
        names, read, written, asked = plan_of(type(self))
        values = list(read(instance))
        for place, write in written:
            if values[place] is not None:
                values[place] = write(values[place])
        shown = dict(zip(names, values, strict=True))
        for name, method in asked:
            shown[name] = getattr(self, method)(instance)
        return shown


@cache
def plan_of(serializer_class: type[RowSerializer[Any]]) -> tuple[list[str], Callable[[Any], Any], list[Any], list[Any]]:
    """Return the names shown, what reads their values off a row, how some are written, and which methods to ask."""
    fields: list[Any] = list(serializer_class()._readable_fields)
    asked = [(field.field_name, field.method_name) for field in fields if is_asked(field)]
    written = [(place, way_of(field)) for place, field in enumerate(fields) if not isinstance(field, PLAIN)]
    # What a method answers has its place taken by the key meanwhile.
    read = attrgetter(*("pk" if is_asked(field) else field.source for field in fields))
    return [field.field_name for field in fields], read, written, asked


def is_asked(field: Any) -> bool:
    """Tell whether a method of the serializer has the value."""
    return isinstance(field, serializers.SerializerMethodField)


def way_of(field: Any) -> Callable[[Any], Any]:
    """Return how a value of the field is written: an instant in UTC, whatever zone it was read in."""
    return in_utc if isinstance(field, serializers.DateTimeField) else field.to_representation


def in_utc(instant: dt.datetime) -> dt.datetime:
    """Return the same instant in UTC."""
    return instant.astimezone(dt.UTC)
