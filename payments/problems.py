"""What the state of a payment, or of the money behind it, can refuse."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import status

from api.problems import Conflict, Problem, answers_constraint


class AmountMismatch(Conflict):
    """Another amount than the one that is due."""

    code = "amount_mismatch"
    title = gettext_lazy("The amount is not the one that is due")

    @classmethod
    def between(cls, due: Decimal, given: Decimal, currency: str) -> "AmountMismatch":
        """Return the refusal that says what is due."""
        detail = _("This payment is for %(due)s %(currency)s; %(given)s %(currency)s was given.")
        return cls(detail % {"due": due, "given": given, "currency": currency}, amount=str(due), currency=currency)


class CurrencyMismatch(Conflict):
    """Another currency than the one that was agreed."""

    code = "currency_mismatch"
    title = gettext_lazy("The currency is not the one that was agreed")


class PaymentNotPending(Conflict):
    """The payment does not wait for money any more."""

    code = "payment_not_pending"
    title = gettext_lazy("The payment is not waiting for money")


class ConfirmedDifferently(Conflict):
    """The payment was confirmed with other facts."""

    code = "confirmed_differently"
    title = gettext_lazy("The payment was confirmed with other facts")


@answers_constraint("receipt_evidence_unique")
class EvidenceAlreadyUsed(Conflict):
    """The bank's entry has settled another payment."""

    code = "evidence_already_used"
    title = gettext_lazy("This evidence has settled another payment")


class OwnPayment(Problem):
    """Nobody confirms, refunds, reverses or grants for themselves, superusers included."""

    status_code = status.HTTP_403_FORBIDDEN
    code = "own_payment"
    title = gettext_lazy("Nobody does this for themselves")


class RefundExceedsPayment(Conflict):
    """More would be given back than is left of the payment."""

    code = "refund_exceeds_payment"
    title = gettext_lazy("More than is left of the payment")

    @classmethod
    def over(cls, left: Decimal, currency: str) -> "RefundExceedsPayment":
        """Return the refusal that says what is left."""
        detail = _("Of this payment %(left)s %(currency)s are left to give back.")
        return cls(detail % {"left": left, "currency": currency}, left=str(left), currency=currency)


class LaterCoverage(Conflict):
    """Other paid days follow on those of the payment, so they cannot be taken back."""

    code = "later_coverage"
    title = gettext_lazy("Later coverage stands on it")
