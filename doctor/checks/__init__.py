"""All that must hold of the books, by subject."""

from doctor.check import Check

from . import coverage, house, journal, payments, receipts, refunds, subscriptions

CHECKS: tuple[Check, ...] = (
    *subscriptions.CHECKS,
    *payments.CHECKS,
    *coverage.CHECKS,
    *receipts.CHECKS,
    *refunds.CHECKS,
    *journal.CHECKS,
    *house.CHECKS,
)
BY_NAME = {check.name: check for check in CHECKS}
