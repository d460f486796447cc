from typing import Any

from accounts.models import Token
from api.models import RateWindow
from billing_time.clock import Moment
from operations.commands import BatchCommand


class Command(BatchCommand):
    """Delete tokens that stopped working, and counts of requests whose time is over."""

    help = "Delete expired tokens, and the windows of rate limits that have ended."
    unit = {
        "tokens": ("token deleted", "tokens deleted"),
        "rate_windows": ("window of a rate limit", "windows of rate limits"),
    }

    def due(self, moment: Moment) -> list[Any]:
        """Return the expired tokens, and the windows that ended."""
        return [Token.objects.expired(moment.now), RateWindow.objects.filter(ends_at__lte=moment.now)]

    def change(self, rows: Any, moment: Moment) -> dict[str, int]:
        """Delete them; nothing hangs on them."""
        return {self.name_of(rows): rows.delete()[0]}

    def foresee(self, rows: Any, moment: Moment) -> dict[str, int]:
        """Count them."""
        return {self.name_of(rows): rows.count()}

    @staticmethod
    def name_of(rows: Any) -> str:
        """Return what the rows are counted as."""
        return "tokens" if rows.model is Token else "rate_windows"
