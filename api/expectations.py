"""What a caller believes the row to be: an act that was decided on an old sight of it is refused with 412."""

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy
from rest_framework import status

from billing_time.clock import Moment

from .problems import Problem

# RFC 9110, 8.8.3; a comma may stand within a tag.
TAG = re.compile(r'((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")')


class PreconditionFailed(Problem):
    """The row is not any more what the caller saw; nothing has changed."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    code = "precondition_failed"
    title = gettext_lazy("The object has changed since it was read")


@dataclass(frozen=True)
class Expectation:
    """The versions of a row that the caller is content with; None for whatever it is."""

    tags: frozenset[str] | None = None

    def check(self, row: Any, moment: Moment) -> None:
        """Raise PreconditionFailed unless the version of the row, at the moment, is one of those expected."""
        if self.tags is not None and etag(row.version(moment)) not in self.tags:
            raise PreconditionFailed

    @classmethod
    def of_request(cls, request: Any) -> "Expectation":
        """Return what `If-Match` says; weak tags match nothing, and neither does a header that cannot be read."""
        header = request.headers.get("If-Match")
        return ANY if header is None or header.strip(" \t") == "*" else cls(read_tags(header))

    @classmethod
    def seen(cls, version: str) -> "Expectation":
        """Return what a form says by its hidden field; an empty one expects nothing."""
        return cls(frozenset({etag(version)})) if version else ANY


ANY = Expectation()


def read_tags(header: str) -> frozenset[str]:
    """Return the tags of a list, empty elements left out; none of a list that is malformed."""
    parts = TAG.split(header)
    gaps, tags = parts[::2], parts[1::2]
    if any(gap.strip(" \t,") for gap in gaps) or not all("," in gap for gap in gaps[1:-1]):
        return frozenset()
    return frozenset(tags)


def etag(version: str) -> str:
    """Return the version as it stands in `ETag`: a strong tag."""
    return f'"{version}"'


def version_of(*values: Any) -> str:
    """Return a short name for exactly these values; equal ones have the same in every process."""
    text = json.dumps(values, default=plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def plain(value: Any) -> str:
    """Return a value that JSON does not know as text: one instant, or one amount, is always the same text."""
    match value:
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat()
        case dt.date():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}"
        case _:
            raise TypeError(f"A version is not made of {type(value).__name__}.")


def row_values(row: models.Model) -> list[Any]:
    """Return what the row's columns hold; none of them may be deferred, for it would be read at another time."""
    if deferred := row.get_deferred_fields():
        raise ValueError(f"Not read: {', '.join(sorted(deferred))}.")
    return [getattr(row, field.attname) for field in row._meta.concrete_fields]
