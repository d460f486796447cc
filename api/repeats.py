"""Repeats of a POST by its `Idempotency-Key`: the work is done once, and every repeat gets the first one's answer.

The record commits together with the work, so that there is no instant at which one is there and the other is not.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from django.db import OperationalError, connection
from django.http import HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.request import Request

from transactions.retrying import LOCK_NOT_AVAILABLE, sqlstate

from .models import IdempotencyKey
from .problems import IdempotencyInProgress, IdempotencyKeyReused, Invalid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
# Refusals that stay what they are; all others may turn out differently on the next try.
KEPT = {status.HTTP_403_FORBIDDEN, status.HTTP_404_NOT_FOUND, status.HTTP_409_CONFLICT}

# Whoever inserts first would make the others wait at the unique index for as long as the work takes; this lock can be
# tried, and it ends with the transaction, however that ends.
TRY = "SELECT pg_try_advisory_xact_lock(%s)"
WAIT = "SELECT current_setting('lock_timeout'), set_config('lock_timeout', '1s', true), pg_advisory_xact_lock(%s)"
WAIT_AS_BEFORE = "SELECT set_config('lock_timeout', %s, true)"

# Wide enough for every number that a body may hold.
NUMBERS = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN)


@dataclass(frozen=True)
class Repeat:
    """One request under its key: by whom and for which route, and the digest of what it asks."""

    digest: str
    request: str

    @classmethod
    def of(cls, request: Request, body: Any) -> "Repeat | None":
        """Return what the header says, None without it; raise 400 for what is no key."""
        key = request.headers.get(HEADER)
        if key is None:
            return None
        if not KEY.fullmatch(key):
            raise Invalid(HEADER, _("Must be 1 to 255 printable ASCII characters without spaces."))
        route = (str(request.user.pk), str(request.method), request.path_info.rstrip("/"), key)
        digest = hashlib.sha256("\0".join(route).encode()).hexdigest()
        # Keyed by the secret of this server: a body may hold a password.
        return cls(digest, salted_hmac(digest, canonical(body), algorithm="sha256").hexdigest())

    def answer(self) -> HttpResponse | None:
        """Lock the key to the end of the transaction; return the answer that was kept for it, None where none was.

        Raise 409 while the first request is running, 422 where it asked for something else. The look-up is a statement
        of its own: it sees what was committed while it waited for the lock.
        """
        self.lock()
        kept = IdempotencyKey.objects.filter(pk=self.digest).first()
        if kept is None:
            return None
        if kept.request != self.request:
            raise IdempotencyKeyReused
        return replayed(kept)

    def lock(self) -> None:
        """Let nobody else work under this key; wait for whoever does, a second at most."""
        number = int.from_bytes(bytes.fromhex(self.digest)[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute(TRY, [number])
            if cursor.fetchone() == (True,):
                return
            try:
                cursor.execute(WAIT, [number])
            except OperationalError as error:
                if sqlstate(error) == LOCK_NOT_AVAILABLE:
                    raise IdempotencyInProgress from None
                raise
            cursor.execute(WAIT_AS_BEFORE, [cursor.fetchone()[0]])

    def keep(self, response: HttpResponse) -> HttpResponse:
        """Write the answer down within the transaction of the work, and return it."""
        response.headers.setdefault("Content-Language", get_language())
        IdempotencyKey.objects.create(
            digest=self.digest,
            request=self.request,
            status=response.status_code,
            headers=dict(response.headers),
            body=response.content,
        )
        return response


def replayed(kept: IdempotencyKey) -> HttpResponse:
    """Return a kept answer as it was, and say that it is one."""
    response = HttpResponse(bytes(kept.body), status=kept.status, headers=kept.headers | {REPLAYED: "true"})
    if "Content-Type" not in kept.headers:
        del response.headers["Content-Type"]
    return response


def canonical(value: Any) -> str:
    """Return a JSON value as text that is the same for equal ones: sorted keys, and numbers by their value."""
    match value:
        case dict():
            return f"{{{','.join(f'{json.dumps(key)}:{canonical(value[key])}' for key in sorted(value))}}}"
        case list():
            return f"[{','.join(map(canonical, value))}]"
        case None | bool() | str():
            return json.dumps(value)
        case _:
            return str(NUMBERS.normalize(Decimal(value))) if value else "0"
