"""What must hold of money that was given back, or that was not received after all."""

from django.utils.translation import gettext_lazy as _

from doctor.check import error, found, listed, warning
from payments.refunds import Refund
from payments.states import REFUND, Status

from .payments import PAYMENTS

REFUNDS = "payments_refund AS f"
GIVEN = f"""(
    SELECT payment_id, sum(amount) AS amount FROM payments_refund
    WHERE status <> '{Refund.Status.CANCELED}' GROUP BY payment_id
)"""
LAST_REVERSAL = """(
    SELECT DISTINCT ON (payment_id) payment_id, kind FROM payments_reversal ORDER BY payment_id, id DESC
)"""

CHECKS = (
    error(
        "refund_status_unknown",
        _("A refund in a state that there is not"),
        _("A refund is due, paid out, or not owed any more."),
        f"""SELECT {found("refund", "f.id", status="f.status")} FROM {REFUNDS}
            WHERE f.status NOT IN {listed(REFUND.states)}""",
    ),
    error(
        "refund_without_evidence",
        _("Paid out without evidence"),
        _("A refund counts as paid out with the evidence and the time of it, and has neither before."),
        f"""SELECT {found("refund", "f.id", status="f.status", evidence="f.evidence", paid_at="f.paid_at")}
            FROM {REFUNDS} WHERE (f.status = '{Refund.Status.PAID}') <> (f.evidence IS NOT NULL)
            OR (f.status = '{Refund.Status.PAID}') <> (f.paid_at IS NOT NULL)""",
    ),
    error(
        "refund_elsewhere",
        _("A refund to another user, or in another currency"),
        _("Money goes back to the user of the payment, in its currency."),
        f"""SELECT {
            found(
                "refund",
                "f.id",
                refund="concat_ws(' ', f.user_id, f.currency)",
                payment="concat_ws(' ', p.id, p.user_id, p.currency)",
            )
        }
            FROM {REFUNDS} JOIN {PAYMENTS} ON p.id = f.payment_id
            WHERE (f.user_id, f.currency) <> (p.user_id, p.currency)""",
    ),
    error(
        "reversal_elsewhere",
        _("A reversal of another user's, or in another currency"),
        _("A reversal is of the payment's user, in its currency."),
        f"""SELECT {
            found(
                "reversal",
                "v.id",
                reversal="concat_ws(' ', v.user_id, v.currency)",
                payment="concat_ws(' ', p.id, p.user_id, p.currency)",
            )
        }
            FROM payments_reversal AS v JOIN {PAYMENTS} ON p.id = v.payment_id
            WHERE (v.user_id, v.currency) <> (p.user_id, p.currency)""",
    ),
    error(
        "refunds_over_payment",
        _("More given back than was paid"),
        _("The refunds of a payment never add up to more than its amount less the shortfall."),
        f"""SELECT {found("payment", "p.id", amount="p.amount", shortfall="p.shortfall", refunds="g.amount")}
            FROM {PAYMENTS} JOIN {GIVEN} AS g ON g.payment_id = p.id WHERE g.amount > p.amount - p.shortfall""",
    ),
    error(
        "refunded_amount_differs",
        _("A payment that counts its refunds wrongly"),
        _("What a payment says was given back is the sum of its refunds that are due or paid out."),
        f"""SELECT {found("payment", "p.id", refunded_amount="p.refunded_amount", sum="g.amount")}
            FROM {PAYMENTS} LEFT JOIN {GIVEN} AS g ON g.payment_id = p.id
            WHERE p.refunded_amount <> coalesce(g.amount, 0)""",
    ),
    error(
        "refunded_with_rest",
        _("Refunded, and something left"),
        _("A payment is refunded once nothing of it is left to give back."),
        f"""SELECT {
            found("payment", "p.id", amount="p.amount", shortfall="p.shortfall", refunded_amount="p.refunded_amount")
        }
            FROM {PAYMENTS} WHERE p.status = '{Status.REFUNDED}'
            AND (p.amount <> p.refunded_amount + p.shortfall OR p.amount <= 0)""",
    ),
    error(
        "nothing_left_not_refunded",
        _("Nothing left, and not refunded"),
        _("A payment of which everything was given back is refunded, except where other money had been reversed."),
        f"""SELECT {
            found("payment", "p.id", amount="p.amount", shortfall="p.shortfall", refunded_amount="p.refunded_amount")
        }
            FROM {PAYMENTS} LEFT JOIN {LAST_REVERSAL} AS v ON v.payment_id = p.id
            WHERE p.status = '{Status.CONFIRMED}' AND p.amount > 0 AND p.amount = p.refunded_amount + p.shortfall
            AND v.payment_id IS NULL""",
    ),
    error(
        "reversed_without_reversal",
        _("Reversed without a reversal"),
        _("A reversal on record says why a payment does not count any more, and what its receipt lost."),
        f"""SELECT {found("payment", "p.id", reversed_because="p.reversal_kind")}
            FROM {PAYMENTS} LEFT JOIN {LAST_REVERSAL} AS v ON v.payment_id = p.id
            WHERE p.status = '{Status.REVERSED}' AND v.payment_id IS NULL""",
    ),
    error(
        "reversal_kind_differs",
        _("Reversed for another reason than the last reversal says"),
        _("A reversed payment has the kind of its last reversal, and no other payment has one."),
        f"""SELECT {found("payment", "p.id", status="p.status", reversed_because="p.reversal_kind", last="v.kind")}
            FROM {PAYMENTS} LEFT JOIN {LAST_REVERSAL} AS v ON v.payment_id = p.id
            WHERE (p.status = '{Status.REVERSED}') <> (p.reversal_kind IS NOT NULL)
            OR (p.reversal_kind IS NOT NULL AND v.kind IS NOT NULL AND p.reversal_kind <> v.kind)""",
    ),
    warning(
        "refund_due_for_long",
        _("A refund that is due for two weeks"),
        _("A customer is owed money."),
        f"""SELECT {
            found(
                "refund",
                "f.id",
                payment="f.payment_id",
                amount="f.amount",
                currency="f.currency",
                created_at="f.created_at",
            )
        }
            FROM {REFUNDS} WHERE f.status = '{Refund.Status.DUE}' AND f.created_at < %(now)s - interval '14 days'""",
        remedy=_("Pay it out, and record the evidence of it."),
    ),
)
