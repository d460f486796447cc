"""Routes that only tests know: they count, which done twice is seen, and they can be made to meet, to hang and to fail."""

from dataclasses import dataclass

from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, Throttled
from rest_framework.response import Response

from api.expectations import etag, version_of
from api.fields import StrictSerializer, TextField
from api.models import RateWindow
from api.problems import Conflict, Invalid, Unavailable
from api.views import ApiViewSet

REFUSALS = {
    400: Invalid("fail", "No."),
    403: PermissionDenied(),
    404: NotFound(),
    409: Conflict(),
    429: Throttled(7),
    503: Unavailable(),
}


@dataclass
class Count:
    """How often a name was counted."""

    key: str
    hits: int

    def version(self, moment: object) -> str:
        return version_of(self.key, self.hits)


class CountSerializer(serializers.Serializer):
    key = serializers.CharField()
    hits = serializers.IntegerField()


class Anything(serializers.Field):
    def to_internal_value(self, data):
        return data


class Names(StrictSerializer):
    names = serializers.ListField(child=TextField(), required=False, default=["one"])
    fail = serializers.IntegerField(required=False, default=0)
    note = Anything(required=False, allow_null=True)


class CountViewSet(ApiViewSet):
    requests = {"count": Names}
    expects = {"count"}
    etags = {"retrieve"}
    serializer_class = CountSerializer

    def retrieve(self, request, name):
        row = RateWindow.objects.get(pk=name)
        return self.shown_alone(Count(row.pk, row.hits))

    def count(self, request):
        given = self.validated(Names)
        for place, name in enumerate(given["names"]):
            if place:
                self.between()
            count = self.count_one(name)
        if given["fail"]:
            raise REFUSALS[given["fail"]]
        headers = {"Location": f"/api/counts/{count.key}", "ETag": etag(count.version(self.moment))}
        return Response(self.shown(count), status=201, headers=headers)

    def between(self):
        """Do what a test wants to happen between two rows."""

    def count_one(self, name):
        RateWindow.objects.get_or_create(pk=name, defaults={"hits": 0, "ends_at": timezone.now()})
        row = RateWindow.objects.select_for_update(no_key=True).get(pk=name)
        self.expected.check(Count(row.pk, row.hits), self.moment)
        row.hits += 1
        row.save(update_fields=["hits"])
        return Count(row.pk, row.hits)


class OtherViewSet(CountViewSet):
    pass


urlpatterns = [
    path("api/counts", CountViewSet.as_view({"post": "count", "patch": "count"})),
    path("api/others/", OtherViewSet.as_view({"post": "count"})),
    path("api/counts/<str:name>", CountViewSet.as_view({"get": "retrieve"})),
]


def hits(name: str = "one") -> int:
    """Return how often the name was counted."""
    return sum(RateWindow.objects.filter(pk=name).values_list("hits", flat=True))
