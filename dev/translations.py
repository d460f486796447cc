"""The texts to translate: `make messages` collects them, `make lint` finds those without a Russian translation."""

import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from dev import catalogs
from dev.catalogs import LOCALE
from dev.environment import ROOT
from dev.say import say

LANGUAGES = ("ru",)
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")
NOT_OURS = {"dev", "locale", "migrations", "tests", "static", "node_modules"}
KEYWORDS = DEFAULT_KEYWORDS | {
    **dict.fromkeys(("gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext_lazy",), (1, 2)),
    **dict.fromkeys(("pgettext_lazy",), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext_lazy",), ((1, "c"), 2, 3)),
}


class Text(NamedTuple):
    """A text in the code: what Django looks up, and where it stands."""

    file: str
    line: int
    context: str | None
    id: str | tuple[str, ...]


def main(arguments: list[str]) -> int:
    return check() if arguments[1:] == ["check"] else collect()


def collect(root: Path = ROOT, folder: Path = LOCALE) -> int:
    """Bring the catalogues up to date: new texts come in empty, translations stay, texts that are gone go."""
    texts = list(find(root))
    for language in LANGUAGES:
        path = po_path(folder, language)
        catalog = read(path, language)
        catalog.update(template(texts, catalog), no_fuzzy_matching=True, update_creation_date=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=120, ignore_obsolete=True, sort_by_file=True, include_lineno=False)
        missing = sum(1 for message in catalog if message.id and not is_translated(message))
        say(f"{path}: {len(catalog)} texts, {missing} without a translation")
    catalogs.compile_stale(folder)
    return 0


def check(root: Path = ROOT, folder: Path = LOCALE) -> int:
    """List every text that has no translation, and every translation that does not fit its text."""
    problems = sorted({problem for language in LANGUAGES for problem in find_problems(root, folder, language)})
    for file, line, problem in problems:
        say(f"{file}:{line}: {problem}")
    if problems:
        say("Run `make messages`, then write the translations into the .po file.")
    return 1 if problems else 0


def find_problems(root: Path, folder: Path, language: str) -> Iterator[tuple[str, int, str]]:
    path = po_path(folder, language)
    catalog = read(path, language)
    for text in find(root):
        message = catalog.get(text.id, text.context)
        if message is None or not is_translated(message):
            yield text.file, text.line, f"no {language} translation: {text.id!r}"
    for message in catalog:
        if message.id and is_translated(message) and not fits(message, catalog.num_plurals):
            yield os.path.relpath(path, root), message.lineno or 0, f"other placeholders or forms: {message.id!r}"


def is_translated(message: Message) -> bool:
    return all(forms(message.string)) and not message.fuzzy


def fits(message: Message, plurals: int) -> bool:
    """Return True where every form fills in what the text fills in, and all forms of the language are there."""
    *_, text = forms(message.id)
    placeholders = set(PLACEHOLDER.findall(text))
    strings = forms(message.string)
    complete = len(strings) == (plurals if message.pluralizable else 1)
    return complete and all(set(PLACEHOLDER.findall(string)) == placeholders for string in strings)


def forms(text: str | Sequence[str] | None) -> Sequence[str]:
    """Return the plural forms of a text, which are just one for most, or an empty one for no text at all."""
    return [text or ""] if text is None or isinstance(text, str) else text


def po_path(folder: Path, language: str) -> Path:
    return folder / language / "LC_MESSAGES" / "django.po"


def read(path: Path, language: str) -> Catalog:
    if not path.is_file():
        return Catalog(locale=language, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def template(texts: list[Text], like: Catalog) -> Catalog:
    made = Catalog(creation_date=like.creation_date)
    for text in texts:
        made.add(text.id, locations=[(text.file, text.line)], context=text.context)
    return made


def find(root: Path) -> Iterator[Text]:
    """Yield the texts of every Python file and template of the program, in a fixed order."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in NOT_OURS and not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix == ".py" or ("templates" in path.parts and path.suffix in {".html", ".txt"}):
                yield from texts_of(path, path.relative_to(root).as_posix())


def texts_of(path: Path, name: str) -> Iterator[Text]:
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Django turns a template into something like Python, whose indentation means nothing.
        source = re.sub(r"(?m)^[ \t]+", "", templatize(source, origin=name))
    for line, message, _, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
        yield Text(name, line, context, message)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
