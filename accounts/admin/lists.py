"""Lists of staff that stay quick over millions of rows: counted to a limit, searched and sorted by indexes."""

from collections.abc import Iterable
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

from accounts.models import User

# Nobody turns a hundred pages, and counting all rows takes longer than showing a page of them.
COUNTED = 5000
# Of each way by which a word finds something, so many of the newest.
FOUND = 1000


class NearPaginator(Paginator):  # type: ignore[type-arg]
    """Pages over the first rows of a list; what comes after is found by narrowing it."""

    @cached_property
    def count(self) -> int:
        """Count to a limit, in the order of the key, so that the rows that do not matter are not read."""
        rows = cast(QuerySet[Any], self.object_list)
        return rows.order_by("-pk")[:COUNTED].count()


class NearChangeList(ChangeList):
    """A list that is sorted as its indexes are: by the columns that it offers, ties in the direction of the order."""

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return what a column is sorted by; nothing for one that is not offered, whatever the address says."""
        offered = self.sortable_by is None or field_name in self.sortable_by
        return super().get_ordering_field(field_name) if offered else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return what it is ordered by."""
        ordering = list(super().get_ordering(request, queryset))
        newest = ordering[-1] in ("-pk", f"-{self.lookup_opts.pk.name}")
        if newest and len(ordering) > 1 and not str(ordering[0]).startswith("-"):
            ordering[-1] = "pk"
        return ordering


def found_in(rows: QuerySet[Any], ways: Iterable[Q]) -> set[Any]:
    """Return the keys of the newest rows that any of the ways finds, each asked for by itself and by its index."""
    keys = rows.order_by("-pk").values_list("pk", flat=True)
    return {key for way in ways for key in keys.filter(way)[:FOUND]}


def person_is(text: str) -> Q:
    """Return the condition that a user is called, or has an address, like `text`."""
    folded = text.casefold()
    return Q(username_key__contains=folded) | Q(email_key__contains=folded) | Q(email__icontains=text)


def people(text: str) -> Q:
    """Return the condition that a row is of a user who is called, or has an address, like `text`."""
    return Q(user__in=found_in(User.objects.all(), [person_is(text)]))
