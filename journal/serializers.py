"""How an event reads, and what the feed is asked by."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from api.queries import DIGITS, IdParameter, ListQuery

from .models import Event


@extend_schema_field({"type": ["integer", "string"]})
class ObjectIdField(serializers.Field[Any, Any, Any, Any]):
    """An integer; for what has none, such as a plan, its name."""

    def to_representation(self, value: str) -> int | str:
        """Return the id as the object's own answer shows it."""
        return int(value) if DIGITS.fullmatch(value) else value


class EventObjectSerializer(serializers.Serializer[Event]):
    """What an event happened to."""

    type = serializers.CharField(source="object_type")
    id = ObjectIdField(source="object_id")


class EventActorSerializer(serializers.Serializer[Event]):
    """Who did it."""

    type = serializers.CharField(source="actor_type")
    id = serializers.IntegerField(source="actor_id", allow_null=True)
    name = serializers.CharField(source="actor_name")


@extend_schema_field({"type": "object", "additionalProperties": True})
class ColumnsField(serializers.JSONField):
    """The columns that changed, by name; amounts are strings, and of a secret it says only that it changed."""


class EventSerializer(serializers.ModelSerializer[Event]):
    """An event."""

    object = EventObjectSerializer(source="*")
    actor = EventActorSerializer(source="*")
    before = ColumnsField()
    after = ColumnsField()

    class Meta:
        model = Event
        fields = (
            "seq", "at", "kind", "object", "user_id", "actor", "channel", "request_id", "before", "after", "reason",
        )  # fmt: skip


class EventQuery(ListQuery):
    """Where to go on."""

    after = IdParameter(min_value=0, help_text=_("The `seq` of the last event seen; without it, from the start."))
    cursor = None  # type: ignore[assignment]  # DRF: the field is not inherited

    def following(self, rows: QuerySet[Event]) -> Response:
        """Return the next events of `rows` in their order."""
        view, size = self.context["view"], self.validated_data.get("page_size", self.default_size)
        found = list(rows.filter(seq__gt=self.validated_data.get("after", 0)).order_by("seq")[:size])
        following = self.address(found[-1].seq) if len(found) == size else None
        return Response({"next": following, "previous": None, "results": view.shown(found, many=True)})

    def address(self, seq: int) -> str:
        """Return the address of what comes after `seq`."""
        request = self.context["view"].request
        query = request.query_params.copy()
        query["after"] = str(seq)
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
