from typing import Any

from api.models import IdempotencyKey
from billing_time.clock import Moment
from operations.commands import BatchCommand


class Command(BatchCommand):
    """Delete answers that were kept for repeats, once they are older than IDEMPOTENCY_KEY_HOURS."""

    help = "Delete the answers to idempotency keys that have been kept for IDEMPOTENCY_KEY_HOURS."
    unit = {"keys": ("idempotency key deleted", "idempotency keys deleted")}

    def due(self, moment: Moment) -> list[Any]:
        """Return the answers that nobody may rely on any more."""
        return [IdempotencyKey.objects.outlived(moment.now)]

    def change(self, rows: Any, moment: Moment) -> dict[str, int]:
        """Delete them; nothing hangs on them."""
        return {"keys": rows.delete()[0]}

    def foresee(self, rows: Any, moment: Moment) -> dict[str, int]:
        """Count them."""
        return {"keys": rows.count()}
