"""The journal as a list: to be looked at only."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from journal.models import Event

from .base import ChosenFilter, ReadOnlyAdmin
from .timeline import (
    CHANNELS,
    RIGHTS,
    VERBS,
    changes_of,
    in_words,
    kind_in_words,
    model_of,
    noun_of,
    statuses_of,
    what_happened,
    who_acted,
)

# What is recorded, and has a page of its own or not.
TYPES = ("payment", "receipt", "allocation", "refund", "reversal", "subscription", "plan", "user", "group")


def known_types() -> list[str]:
    """Return the types of objects that there are."""
    return [name for name in TYPES if model_of(name)]


class ObjectFilter(ChosenFilter):
    """By what it happened to."""

    title = gettext_lazy("object")
    parameter_name = "object"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the types of objects."""
        return [(name, noun_of(name)) for name in known_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events of such objects."""
        return queryset.filter(object_type=self.value()) if self.value() else queryset


class KindFilter(ChosenFilter):
    """By what happened."""

    title = gettext_lazy("what happened")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return every kind that can be: asking the journal would read all of it."""
        kinds = [f"{name}.{verb}" for name in known_types() for verb in dict.fromkeys((*VERBS, *statuses_of(name)))]
        return [(kind, kind_in_words(kind)) for kind in (*kinds, *RIGHTS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events of the kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


class ChannelFilter(ChosenFilter):
    """By the way it was done."""

    title = gettext_lazy("by way of")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the ways."""
        return list(CHANNELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events that came this way."""
        return queryset.filter(channel=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Everything that happened, newest first."""

    change_form_outer_after_template = None
    list_display = ("number", "at", "what", "object_link", "who", "channel_shown", "reason")
    list_display_links = ("number",)
    sortable_by = ("number",)
    list_filter = (ObjectFilter, KindFilter, ChannelFilter)
    pointed_at_by = ("object_id__exact",)
    search_help_text = gettext_lazy("Id of the object, id of the request, or who acted")
    ordering = ("-seq",)
    fieldsets = (
        (None, {"fields": (("what", "object_link"), "changes", "reason")}),
        (gettext_lazy("By whom"), {"fields": (("who", "channel_shown"), ("at", "request_id"))}),
    )

    def found_by(self, text: str) -> list[Q]:
        """Find by object, request or actor."""
        return [Q(object_type__in=TYPES, object_id=text), Q(request_id=text), Q(actor_name__iexact=text)]

    @display(description=gettext_lazy("number"), ordering="seq")
    def number(self, event: Event) -> str:
        """Return the number, without separators."""
        return str(event.seq)

    @display(description=gettext_lazy("what happened"))
    def what(self, event: Event) -> str:
        """Say what happened."""
        return what_happened(event)

    @display(description=gettext_lazy("object"))
    def object_link(self, event: Event) -> str:
        """Link to the object's page, where it has one."""
        return link_to_object(event)

    @display(description=gettext_lazy("by whom"))
    def who(self, event: Event) -> str:
        """Say who acted."""
        return who_acted(event)

    @display(description=gettext_lazy("by way of"))
    def channel_shown(self, event: Event) -> str:
        """Say by which way."""
        return in_words(event).channel

    @display(description=gettext_lazy("changes"))
    def changes(self, event: Event) -> str:
        """Say what changed, a line for each column."""
        return format_html_join("", "<div>{}</div>", ((change,) for change in changes_of(event))) or "–"


def link_to_object(event: Event) -> str:
    """Return a link to the page of an event's object, which may be gone; its name alone where there are no pages."""
    words, model = f"{noun_of(event.object_type)} {event.object_id}", model_of(event.object_type)
    try:
        page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change" if model else ""
        return format_html('<a class="text-link" href="{}">{}</a>', reverse(page, args=[event.object_id]), words)
    except NoReverseMatch:
        return words
