"""Counters of the rate limits, and the answers kept for repeats: both in PostgreSQL, for any number of processes."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.utils import timezone


class RateWindow(models.Model):
    """How often somebody did something since the window opened. The key is a digest: no address is stored."""

    key = models.CharField(max_length=64, primary_key=True)
    hits = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.hits}"


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    """Kept answers by their age."""

    def outlived(self, now: dt.datetime) -> "IdempotencyKeyQuerySet":
        """Return those that have been kept for as long as was promised."""
        return self.filter(created_at__lte=now - dt.timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS))


class IdempotencyKey(models.Model):
    """The first answer to a request that may be repeated. The key is a digest of caller, method, path and their key."""

    digest = models.CharField(max_length=64, primary_key=True)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = IdempotencyKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.digest[:8]} {self.status}"
