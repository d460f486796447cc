"""The admin of payments, receipts, refunds and reversals, and what money adds to that of subscriptions."""

from .payments import PaymentAdmin
from .receipts import ReceiptAdmin
from .refunds import RefundAdmin, ReversalAdmin
from .subscriptions import PaidSubscriptionAdmin

__all__ = ["PaidSubscriptionAdmin", "PaymentAdmin", "ReceiptAdmin", "RefundAdmin", "ReversalAdmin"]
