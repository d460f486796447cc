"""Rate limits, exact over any number of processes: one upsert in PostgreSQL per counted request."""

import hashlib
import math
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

# A window is not extended by refused tries, so that nobody can lock a victim out for longer than one window.
COUNT = """
    INSERT INTO api_ratewindow AS w (key, hits, ends_at) VALUES (%(key)s, 1, now() + make_interval(secs => %(seconds)s))
    ON CONFLICT (key) DO UPDATE SET
        hits = CASE WHEN w.ends_at <= now() THEN 1 ELSE LEAST(w.hits, %(count)s) + 1 END,
        ends_at = CASE WHEN w.ends_at <= now() THEN excluded.ends_at ELSE w.ends_at END
    RETURNING hits, ends_at
"""


def seconds_to_wait(scope: str, *who: str) -> int:
    """Count one request of `who` within `scope`; return 0 where it may pass, else the seconds until it may."""
    if not settings.RATE_LIMITS:
        return 0
    count, seconds = settings.RATES[scope]
    key = hashlib.sha256("\0".join((scope, *who)).encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "count": count, "seconds": seconds})
        hits, ends_at = cursor.fetchone()
    return 0 if hits <= count else max(1, math.ceil((ends_at - timezone.now()).total_seconds()))


def limit(scope: str, *who: str) -> None:
    """Count one request; raise 429 with `Retry-After` where it is one too many."""
    if wait := seconds_to_wait(scope, *who):
        raise Throttled(wait)


class PerAddress(BaseThrottle):
    """The limit named by the view's `rate`, per client address. TRUSTED_PROXIES says which header to believe."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request, before its transaction begins: what it counts stays counted where it is rolled back."""
        self.seconds = self.count(request, view)
        return not self.seconds

    def count(self, request: Request, view: Any) -> int:
        """Return the seconds to wait."""
        return seconds_to_wait(view.rate, self.get_ident(request))

    def wait(self) -> float:
        """Return the seconds until the window ends."""
        return self.seconds


def client_address(request: Request) -> str:
    """Return the address that limits count by."""
    return BaseThrottle().get_ident(request)
