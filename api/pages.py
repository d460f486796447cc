"""Pages of a list by keyset: the cursor names the last row seen, so rows added meanwhile shift nothing."""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request

from .problems import Invalid


@dataclass(frozen=True)
class Ordering:
    """A column and a direction; the primary key breaks ties. Nulls come last, and first when reversed."""

    model: type[Model]
    column: str
    ascending: bool
    key: str
    """What is sorted by: the column, or an annotation of its type."""

    @classmethod
    def named(cls, model: type[Model], name: str, keys: dict[str, str]) -> "Ordering":
        """Return the ordering that `created_at` or `-created_at` asks for; `keys` names annotations to sort by."""
        column = name.removeprefix("-")
        return cls(model, column, column == name, keys.get(column, column))

    @property
    def name(self) -> str:
        """The ordering as a parameter writes it."""
        return self.column if self.ascending else f"-{self.column}"

    @property
    def field(self) -> "Field[Any, Any]":
        """The model field of the column."""
        return self.model._meta.get_field(self.column)  # type: ignore[return-value]

    @property
    def pk(self) -> str:
        """The name of the primary key."""
        return self.model._meta.pk.name

    def reversed(self) -> "Ordering":
        """Return the same column the other way."""
        return replace(self, ascending=not self.ascending)

    def sort(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows in this order."""
        sign = "" if self.ascending else "-"
        return rows.order_by(*(f"{sign}{name}" for name in dict.fromkeys((self.key, self.pk))))

    def beyond(self, value: Any, pk: Any) -> Q:
        """Return the condition for the rows that come after the one with these keys."""
        step = "gt" if self.ascending else "lt"
        further = Q(**{f"{self.pk}__{step}": pk})
        if self.column == self.pk:
            return further
        ties = Q(**{self.key: value}) if value is not None else Q(**{f"{self.key}__isnull": True})
        if value is None:
            rest = Q() if self.ascending else Q(**{f"{self.key}__isnull": False})
            return (ties & further) | rest if rest else ties & further
        beyond = Q(**{f"{self.key}__{step}": value}) | (ties & further)
        if self.ascending and self.field.null:
            return beyond | Q(**{f"{self.key}__isnull": True})
        # Said once more, for an index to begin there: it cannot use an alternative.
        return Q(**{f"{self.key}__{step}e": value}) & beyond


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: beyond which row, and in which direction one reads."""

    value: Any
    pk: Any
    backwards: bool

    def encode(self, ordering: Ordering) -> str:
        """Return the cursor as it stands in an address."""
        text = json.dumps([ordering.name, self.value, self.pk, self.backwards], cls=ExactEncoder)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, ordering: Ordering) -> "Cursor":
        """Return the cursor of an address; raise 400 for one that was not given out for this ordering."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            name, value, pk, backwards = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if name != ordering.name or type(backwards) is not bool or pk is None:
                raise ValueError
            pk_field = ordering.model._meta.pk
            return cls(clean(ordering.field, value), clean(pk_field, pk), backwards)
        except (ValueError, TypeError, RecursionError, OverflowError, binascii.Error, DjangoValidationError):
            raise Invalid("cursor", _("This is not a cursor of this list."), "invalid_cursor") from None


class ExactEncoder(DjangoJSONEncoder):
    """Keeps the microseconds that Django's encoder drops: a cursor that is off by one of them repeats rows."""

    def default(self, o: Any) -> Any:
        """Return what JSON can hold."""
        return o.isoformat() if isinstance(o, dt.datetime) else super().default(o)


def clean(field: "Field[Any, Any]", value: Any) -> Any:
    """Return the value of a cursor as the column holds it; raise ValidationError for what it cannot hold."""
    if isinstance(value, bool | list | dict) or (value is None and not field.null):
        raise ValueError
    if value is None:
        return None
    value = field.to_python(value)
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        raise ValueError
    if isinstance(value, str) and not value.isprintable():
        raise ValueError
    field.run_validators(value)
    return value


@dataclass(frozen=True)
class Reading:
    """The shape of a page's query: in which order, whether beyond a row, and how many."""

    ordering: Ordering
    null: bool | None
    """Whether the row beyond which it begins has no value there; None where it begins with the first."""
    limit: int

    def of(self, rows: QuerySet[Any], value: Any = None, pk: Any = None) -> QuerySet[Any]:
        """Return the rows, from beyond the one with these keys."""
        if self.null is not None:
            rows = rows.filter(self.ordering.beyond(None if self.null else value, pk))
        return self.ordering.sort(rows)[: self.limit]


def page_of(
    read: Callable[..., list[Any]], request: Request, ordering: Ordering, *, size: int, cursor: str | None
) -> tuple[list[Any], dict[str, str | None]]:
    """Return at most `size` rows from where the cursor points, and the addresses of the pages beside them.

    `read` returns the rows of a `Reading`, given the keys of the row beyond which it begins.
    """
    start = Cursor.decode(cursor, ordering) if cursor else None
    backwards = start is not None and start.backwards
    reading = Reading(
        ordering.reversed() if backwards else ordering, None if start is None else start.value is None, size + 1
    )
    found = read(reading, value=start.value, pk=start.pk) if start else read(reading)
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    after = found and (more or backwards)
    before = found and (more if backwards else start is not None)
    return found, {
        "next": address(request, ordering, found[-1], backwards=False) if after else None,
        "previous": address(request, ordering, found[0], backwards=True) if before else None,
    }


def address(request: Request, ordering: Ordering, row: Model, *, backwards: bool) -> str:
    """Return the address of the page on one side of `row`, with the same filters."""
    query = request.query_params.copy()
    query["cursor"] = Cursor(getattr(row, ordering.key), row.pk, backwards).encode(ordering)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
