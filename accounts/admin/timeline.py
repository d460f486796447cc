"""The journal in words: what happened, by whom, from what to what; the last of it on the page of each object."""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import localize
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from journal.models import Event

SHOWN = 50
SECRET = "(secret)"  # noqa: S105  (what stands in the journal instead of one)
ACTIONS = {
    "add": gettext_lazy("add"),
    "change": gettext_lazy("change"),
    "delete": gettext_lazy("delete"),
    "view": gettext_lazy("view"),
}
VERBS = {
    "created": gettext_lazy("created"),
    "changed": gettext_lazy("changed"),
    "deleted": gettext_lazy("deleted"),
}
RIGHTS = {
    "right.granted": gettext_lazy("Right given"),
    "right.revoked": gettext_lazy("Right taken away"),
}
CHANNELS = {
    "api": gettext_lazy("API"),
    "admin": gettext_lazy("admin"),
    "command": gettext_lazy("command"),
    "webhook": gettext_lazy("webhook"),
    "sql": gettext_lazy("straight in the database"),
}
ACTORS = {
    "anonymous": gettext_lazy("somebody not logged in"),
    "command": gettext_lazy("command %(name)s"),
    "database": gettext_lazy("role %(name)s of the database"),
    "user": "%(name)s",
}
LABELS = {"permission": gettext_lazy("permission"), "group": gettext_lazy("group")}


@dataclass(frozen=True)
class Change:
    """A column that changed, in words; None where there was, or is, nothing."""

    label: str
    was: str | None
    became: str | None

    def __str__(self) -> str:
        sides = (side for side in (self.was, self.became) if side is not None)
        return f"{self.label}: {' → '.join(sides)}"


@dataclass(frozen=True)
class Entry:
    """An event in words."""

    event: Event
    what: str
    who: str
    channel: str
    changes: list[Change]


@dataclass(frozen=True)
class Timeline:
    """The newest events of an object, and where the rest of them are, if there is more."""

    entries: list[Entry]
    rest: str | None


def timeline_of(request: HttpRequest, row: models.Model) -> Timeline | None:
    """Return the timeline of a row, newest first, for who may see events."""
    if not request.user.has_perm("journal.view_event"):
        return None
    object_type = str(row._meta.model_name)
    found = list(Event.objects.of(object_type, row.pk).order_by("-seq")[: SHOWN + 1])
    query = urlencode({"object": object_type, "object_id__exact": row.pk})
    rest = f"{reverse('admin:journal_event_changelist')}?{query}"
    return Timeline([in_words(event) for event in found[:SHOWN]], rest if len(found) > SHOWN else None)


def in_words(event: Event) -> Entry:
    """Return an event in words."""
    channel = str(CHANNELS.get(event.channel, event.channel))
    return Entry(event, what_happened(event), who_acted(event), channel, changes_of(event))


# --- What and who


@cache
def model_of(object_type: str) -> type[models.Model] | None:
    """Return the model of what the journal calls so; None for what is no more."""
    return next((model for model in apps.get_models() if model._meta.model_name == object_type), None)


def noun_of(object_type: str) -> str:
    """Return what an object of this type is called."""
    model = model_of(object_type)
    return str(capfirst(model._meta.verbose_name if model else object_type))


def what_happened(event: Event) -> str:
    """Return such as “Payment: confirmed”."""
    return kind_in_words(event.kind)


def kind_in_words(kind: str) -> str:
    """Return the kind of an event in words."""
    if kind in RIGHTS:
        return str(RIGHTS[kind])
    object_type, _dot, verb = kind.partition(".")
    return f"{noun_of(object_type)}: {VERBS.get(verb) or statuses_of(object_type).get(verb, verb)}"


def statuses_of(object_type: str) -> dict[Any, Any]:
    """Return the states of such an object, in words."""
    field = columns_of(object_type).get("status")
    return dict(field.flatchoices) if field else {}


def who_acted(event: Event) -> str:
    """Return the actor in words."""
    return str(ACTORS.get(event.actor_type, "%(name)s")) % {"name": event.actor_name or event.actor_type}


# --- From what to what


def columns_of(object_type: str) -> dict[str, "models.Field[Any, Any]"]:
    """Return the fields of such an object by their columns, in their order."""
    model = model_of(object_type)
    return {str(field.column): field for field in model._meta.concrete_fields} if model else {}


def changes_of(event: Event) -> list[Change]:
    """Return what an event changed, in the order of the columns; of a new or gone object, the one side there is."""
    fields = columns_of(event.object_type)
    order = {name: place for place, name in enumerate(fields)}
    names = sorted({*event.before, *event.after}, key=lambda name: (order.get(name, len(order)), name))
    return [
        Change(
            label_of(name, fields.get(name)),
            shown(event.before[name], fields.get(name)) if name in event.before else None,
            shown(event.after[name], fields.get(name)) if name in event.after else None,
        )
        for name in names
    ]


def label_of(name: str, field: "models.Field[Any, Any] | None") -> str:
    """Return what a column is called."""
    return str(field.verbose_name if field else LABELS.get(name, name))


def shown(value: Any, field: "models.Field[Any, Any] | None") -> str:
    """Return a value in words."""
    if value is None or value == "":
        return "–"
    if value == SECRET:
        return _("not shown")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if field is None:
        return right_in_words(str(value))
    if choices := dict(field.flatchoices):
        return str(choices.get(value, value))
    return shown_time(str(value), field) if isinstance(field, models.DateField) else str(value)


def shown_time(value: str, field: "models.Field[Any, Any]") -> str:
    """Return a day, or an instant in the billing time zone; what is none, such as infinity, as it stands."""
    try:
        found: dt.date | None = parse_datetime(value) if isinstance(field, models.DateTimeField) else parse_date(value)
    except ValueError:
        found = None
    return str(localize(localtime(found) if isinstance(found, dt.datetime) else found or value))


def right_in_words(right: str) -> str:
    """Return a permission such as `payments.view_payment` in words; what is none, as it stands."""
    label, _dot, codename = right.partition(".")
    own = apps.get_app_config(label).get_models() if label in apps.app_configs else ()
    for model in own:
        noun = capfirst(model._meta.verbose_name_plural)
        named = {f"{action}_{model._meta.model_name}": words for action, words in ACTIONS.items()}
        named |= {code: _(str(name)) for code, name in model._meta.permissions}
        if codename in named:
            return f"{noun}: {named[codename]}"
    return right
