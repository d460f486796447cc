"""The parameters of a list: a serializer reads them, so the same lines validate, filter and stand in the schema."""

import datetime as dt
import re
from functools import partial
from typing import Any, ClassVar, Self

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from billing_time.clock import Moment, midnight
from prepared.queries import prepared

from .fields import DATE, MAX_ID, DayField, IntegerField, StrictSerializer
from .pages import Ordering, Reading, page_of
from .views import ApiViewSet

DIGITS = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class IdParameter(IntegerField):
    """An id as text, in ASCII digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"min_value": 1, "max_value": MAX_ID, "required": False} | kwargs))

    def to_internal_value(self, data: Any) -> int:
        """Return the integer."""
        if not DIGITS.fullmatch(data):
            self.fail("invalid")
        return int(data)


class TextParameter(serializers.CharField):
    """Text, as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, trim_whitespace=False, max_length=200, **kwargs)


@extend_schema_field({"type": "boolean"})
class FlagParameter(serializers.Field[bool, Any, bool, Any]):
    """`true` or `false`."""

    default_error_messages = {"invalid": _("Must be true or false.")}

    def to_internal_value(self, data: str) -> bool:
        """Return the boolean."""
        if data not in {"true", "false"}:
            self.fail("invalid")
        return data == "true"


@extend_schema_field({"type": "string", "examples": ["2026-01-31", "2026-01-31T09:00:00Z"]})
class InstantParameter(serializers.Field[dt.datetime, Any, str, Any]):
    """An RFC 3339 instant, or a date, which means its midnight in the billing time zone."""

    default_error_messages = {"invalid": _("Must be a date (YYYY-MM-DD) or an RFC 3339 instant with its offset.")}

    def to_internal_value(self, data: str) -> dt.datetime:
        """Return the instant."""
        try:
            instant = midnight(dt.date.fromisoformat(data)) if DATE.fullmatch(data) else read_instant(data)
        except (ValueError, OverflowError):
            instant = None
        if instant is None:
            self.fail("invalid")
        return instant


def read_instant(text: str) -> dt.datetime | None:
    """Return the instant in UTC, or None for what has no offset or is none."""
    instant = parse_datetime(text) if text.isascii() else None
    return instant.astimezone(dt.UTC) if instant is not None and instant.tzinfo is not None else None


class DayParameter(DayField):
    """A day."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)


class StatesParameter(serializers.Field[list[str], Any, str, Any]):
    """One state, or several separated by commas."""

    default_error_messages = {"unknown": _("There is no state {state}.")}

    def __init__(self, states: list[str], **kwargs: Any) -> None:
        self.states = states
        super().__init__(required=False, **kwargs)

    def to_internal_value(self, data: str) -> list[str]:
        """Return the states."""
        asked = data.split(",")
        for state in asked:
            if state not in self.states:
                self.fail("unknown", state=state)
        return asked


class ListQuery(StrictSerializer):
    """What every list takes; the fields of a subclass name the look-up they filter by in their `source`."""

    model: ClassVar[Any]
    default_ordering: ClassVar[str] = "-id"
    default_size: ClassVar[int] = 50
    sort_keys: ClassVar[dict[str, str]] = {}

    page_size = IdParameter(max_value=200, help_text=_("Rows on a page, 1 to 200."))
    cursor = TextParameter(help_text=_("Where the page begins: taken from `next` or `previous`."))

    @classmethod
    def base(cls) -> QuerySet[Any]:
        """Return all the rows that there are to list, with what is shown of them."""
        return cls.model._default_manager.all()

    @classmethod
    def narrow(cls, rows: Any, conditions: dict[str, Any], moment: Moment) -> Any:
        """Return the rows that meet the conditions at `moment`; lists and flags come as they are, others as places."""
        return rows.filter(**conditions)

    @classmethod
    def of(cls, view: ApiViewSet) -> Self:
        """Return the parameters of the view's request; one given twice, unknown or malformed is 400."""
        given = view.request.query_params
        if repeated := [name for name, values in given.lists() if len(values) > 1]:
            raise serializers.ValidationError({name: [_("Must be given once.")] for name in repeated})
        query = cls(data=given.dict(), context={"view": view})
        query.is_valid(raise_exception=True)
        return query

    def page(self, owner: int | None = None) -> Response:
        """Return the page that was asked for, of what belongs to the user `owner`, or to anybody."""
        view, conditions = self.context["view"], dict(self.validated_data)
        size = conditions.pop("page_size", self.default_size)
        cursor = conditions.pop("cursor", None)
        ordering = Ordering.named(self.model, conditions.pop("ordering", self.default_ordering), self.sort_keys)
        fixed = tuple((name, fix(value)) for name, value in conditions.items() if isinstance(value, list | bool))
        values = {name: value for name, value in conditions.items() if not isinstance(value, list | bool)}
        values |= {} if owner is None else {"owner": owner}
        read = partial(listed, type(self), fixed, now=view.moment.now, today=view.moment.today, **values)
        found, links = page_of(read, view.request, ordering, size=size, cursor=cursor)
        return Response(links | {"results": view.shown(found, many=True)})


def fix(value: list[str] | bool) -> tuple[str, ...] | bool:
    """Return the value so that it can be part of a query's shape."""
    return tuple(sorted(set(value))) if isinstance(value, list) else value


@prepared
def listed(
    query: type[ListQuery],
    fixed: tuple[tuple[str, Any], ...],
    reading: Reading,
    *,
    now: Any,
    today: Any,
    value: Any = None,
    pk: Any = None,
    owner: Any = None,
    **places: Any,
) -> QuerySet[Any]:
    """Return the rows of a list as the parameters ask for them."""
    rows = query.base()
    if owner is not None:
        rows = rows.filter(user_id=owner)
    conditions = {name: list(value) if isinstance(value, tuple) else value for name, value in fixed}
    return reading.of(query.narrow(rows, conditions | places, Moment(now, today)), value, pk)


def ordering_parameter(*columns: str) -> serializers.ChoiceField:
    """Return the `ordering` parameter over these columns; `-` reverses."""
    names = [name for column in columns for name in (column, f"-{column}")]
    return serializers.ChoiceField(choices=names, required=False)
