from typing import Any

from billing_time.clock import Moment
from operations.commands import BatchCommand
from payments.models import Payment


class Command(BatchCommand):
    """Write down that time has run out for payments that nobody confirmed."""

    help = "Expire the pending payments that are past their expiry."
    unit = {"expired": ("payment expired", "payments expired")}

    def due(self, moment: Moment) -> list[Any]:
        """Return the pending payments past their expiry."""
        return [Payment.objects.outdated(moment)]

    def change(self, rows: Any, moment: Moment) -> dict[str, int]:
        """Expire them. Their subscriptions need no lock: nothing of them changes, and nothing is waited for."""
        return {"expired": rows.write_down(moment)}

    def foresee(self, rows: Any, moment: Moment) -> dict[str, int]:
        """Count them."""
        return {"expired": rows.count()}
