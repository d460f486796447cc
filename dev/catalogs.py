"""The compiled translations: made from `locale/*/LC_MESSAGES/*.po` by Babel, since a bare machine has no msgfmt."""

from pathlib import Path

from dev.environment import ROOT, lock

LOCALE = ROOT / "locale"


def compile_stale(folder: Path = LOCALE) -> None:
    """Compile the catalogues that are newer than what was made of them."""
    stale = [source for source in sorted(folder.glob("*/LC_MESSAGES/*.po")) if is_stale(source)]
    if not stale:
        return
    with lock("catalogs", waiting="Waiting for another make that compiles the translations"):
        for source in filter(is_stale, stale):
            compile_one(source)


def is_stale(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime


def compile_one(source: Path) -> None:
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - most times there is nothing to compile
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with source.open("rb") as file:
        catalog = read_po(file, locale=source.parent.parent.name)
    draft = source.with_suffix(".mo.new")
    with draft.open("wb") as file:
        write_mo(file, catalog)
    draft.rename(source.with_suffix(".mo"))
