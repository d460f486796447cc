from typing import Any

from billing_time.clock import Moment
from operations.commands import BatchCommand
from subscriptions.models import Subscription


class Command(BatchCommand):
    """Write down what time has made of subscriptions: paid days or grace over, trial over, waited in vain, canceled."""

    help = (
        "Write down what dates alone have made of subscriptions: past due, expired, or canceled where they were to "
        "end; what is canceled gives up its pending payment."
    )
    unit = {
        "past_due": ("subscription past due", "subscriptions past due"),
        "expired": ("expired", "expired"),
        "canceled": ("canceled", "canceled"),
        "active": ("active", "active"),
        "payments_canceled": ("payment canceled", "payments canceled"),
        "payments_expired": ("payment expired", "payments expired"),
    }

    def due(self, moment: Moment) -> list[Any]:
        """Return the subscriptions whose written state is not the one that their dates say."""
        return [Subscription.objects.outdated(moment)]

    def change(self, rows: Any, moment: Moment) -> dict[str, int]:
        """Write it down; the lock order is subscription, then payment, each by id."""
        return rows.write_down(moment) | rows.withdraw_payments_of_canceled(moment)

    def foresee(self, rows: Any, moment: Moment) -> dict[str, int]:
        """Count them by the state that they would take, and the payments that would go with them."""
        return rows.foreseen(moment)
