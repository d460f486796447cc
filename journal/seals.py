"""Seals: digests over stretches of the journal, chained, so that nobody changes what happened without its showing.

All is computed by built-in functions of the database, 10,000 rows at a time, and chained here: a function of our own
in the database could be changed by whoever changed the rows.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from .models import Event, Seal

CHUNK = 10_000
BEGINNING = "0" * 64
FIELDS = ("first_seq", "last_seq", "count", "digest", "previous_digest")
# What stands of a row in its digest: JSON, for it is the same under every setting, and nothing runs into its neighbour.
ROW = """jsonb_build_array(
    seq, extract(epoch FROM at)::text, kind, object_type, object_id, user_id, actor_type, actor_id, actor_name, channel,
    request_id, reason, before, after
)::text"""
DIGEST_OF_CHUNK = f"""
    SELECT count(*), max(seq), encode(sha256(string_agg(sha256(convert_to({ROW}, 'UTF8')), '' ORDER BY seq)), 'hex')
    FROM (SELECT * FROM journal_event WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s) AS chunk
"""  # noqa: S608  (nothing comes from outside)


@dataclass(frozen=True)
class Broken:
    """A seal that does not hold, and why, in words."""

    seal: str
    why: str

    def __str__(self) -> str:
        return f"Seal {self.seal}: {self.why}."


def next_seal() -> Seal | None:
    """Return the seal, unsaved, of everything that is settled and not sealed yet; None where there is nothing."""
    previous = Seal.objects.order_by("last_seq").last()
    last_seq = previous.last_seq if previous else 0
    newest = Event.objects.settled().filter(seq__gt=last_seq).order_by("seq").last()
    if newest is None:
        return None
    seal = Seal(
        first_seq=last_seq + 1,
        last_seq=newest.seq,
        previous_digest=previous.digest if previous else BEGINNING,
    )
    seal.count, seal.digest = digest_of(seal)
    return seal


def digest_of(seal: Seal) -> tuple[int, str]:
    """Return how many rows are in the seal's stretch now, and what its digest would be."""
    count, after, chunks = 0, seal.first_seq - 1, hashlib.sha256()
    while True:
        with connection.cursor() as cursor:
            cursor.execute(DIGEST_OF_CHUNK, [after, seal.last_seq, CHUNK])
            rows, last, digest = cursor.fetchone()
        if not rows:
            break
        count, after = count + rows, last
        chunks.update(digest.encode())
    whole = [seal.previous_digest, seal.first_seq, seal.last_seq, count, chunks.hexdigest()]
    return count, hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def broken() -> Iterator[Broken]:
    """Yield what does not hold: rows changed, added or gone within a seal, seals that do not follow each other."""
    expected_seq, expected_digest = 1, BEGINNING
    for seal in Seal.objects.order_by("last_seq").iterator():
        if seal.first_seq != expected_seq or seal.previous_digest != expected_digest:
            yield Broken(str(seal), f"there is a gap before it; the seal before it should end at {seal.first_seq - 1}")
        if why := fault_of(seal):
            yield Broken(str(seal), why)
        expected_seq, expected_digest = seal.last_seq + 1, seal.digest


def fault_of(seal: Seal) -> str:
    """Return what is wrong with the rows of a seal, or nothing."""
    count, digest = digest_of(seal)
    if count < seal.count:
        return f"{seal.count - count} of its {seal.count} rows are missing"
    if count > seal.count:
        return f"{count - seal.count} rows were added to its {seal.count}"
    return "" if digest == seal.digest else "it was changed, or rows of it were"


def differing(exported: Iterable[dict[str, Any]]) -> Iterator[Broken]:
    """Yield the exported seals that are not here as they were."""
    for given in exported:
        name = f"{given['first_seq']} to {given['last_seq']}"
        here = Seal.objects.filter(last_seq=given["last_seq"]).values(*FIELDS).first()
        if here is None:
            yield Broken(name, "it is in the file, and here no more")
        elif any(here[field] != given[field] for field in FIELDS):
            yield Broken(name, "it is another one in the file")


def exported() -> Iterator[str]:
    """Yield every seal as a line of JSON."""
    for seal in Seal.objects.order_by("last_seq").iterator():
        told = {field: getattr(seal, field) for field in FIELDS}
        yield json.dumps(told | {"sealed_at": seal.sealed_at.isoformat()}) + "\n"


def read_exported(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the seals of exported lines; raise ValueError for what is none."""
    for number, line in enumerate(lines, 1):
        given = json.loads(line)
        if not isinstance(given, dict) or not set(FIELDS) <= set(given) or type(given["last_seq"]) is not int:
            raise ValueError(f"line {number} is no seal")
        yield given
