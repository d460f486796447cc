"""The route of the feed."""

from rest_framework.request import Request
from rest_framework.response import Response

from api.views import ApiViewSet

from .models import Event
from .serializers import EventQuery, EventSerializer


class EventViewSet(ApiViewSet):
    """The journal in the order in which it never changes."""

    rights = {"list": "journal.view_event"}
    queries = {"list": EventQuery}
    serializer_class = EventSerializer
    queryset = Event.objects.none()

    def list(self, request: Request) -> Response:
        """List the events after one, oldest first; an event appears once all lower ones are settled.

        Ask again with the last `seq` that you saw: nothing will ever appear below it.
        """
        query = EventQuery.of(self)
        return query.following(Event.objects.settled())
