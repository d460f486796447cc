"""The admin of payments and receipts."""

from .payments import PaymentAdmin
from .receipts import ReceiptAdmin

__all__ = ["PaymentAdmin", "ReceiptAdmin"]
