"""Folded copies of columns, by which rows are unique whatever the case or the spaces."""

import unicodedata
from collections.abc import Callable
from typing import Any

from django.db import models


def text_key(text: str) -> str:
    """Return the text trimmed, its runs of white space as single spaces, its case folded."""
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


class KeyField(models.CharField):  # type: ignore[type-arg]
    """A folded copy of another column, kept by Python: `lower()` depends on the locale of the database.

    `fold` makes the key; an empty source has none. A save of the source must name the key among its fields as well.
    """

    def __init__(self, *args: Any, source: str, fold: Callable[[str], str], **kwargs: Any) -> None:
        self.source, self.fold = source, fold
        super().__init__(*args, **kwargs | {"editable": False, "null": True})

    def deconstruct(self) -> Any:
        """Return what a migration needs to make the field again."""
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("editable", "null"):
            kwargs.pop(fixed, None)
        return name, path, args, kwargs | {"source": self.source, "fold": self.fold}

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:
        """Return, and set, the key of what the source holds now."""
        source = getattr(model_instance, self.source)
        key = self.fold(source) if source else None
        setattr(model_instance, self.attname, key)
        return key
