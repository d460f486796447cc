"""Counters of the rate limits: in PostgreSQL, for a cache in each process would multiply every limit."""

from django.db import models


class RateWindow(models.Model):
    """How often somebody did something since the window opened. The key is a digest: no address is stored."""

    key = models.CharField(max_length=64, primary_key=True)
    hits = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.hits}"
