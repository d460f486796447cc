"""What must hold of money that came in, and of what it settles."""

from django.utils.translation import gettext_lazy as _

from doctor.check import error, found, listed, warning
from payments.reversals import Kind

from .payments import PAYMENTS, SETTLED

RECEIPTS = "payments_receipt AS r"
ALLOCATED = "(SELECT {0}, sum(amount) AS amount FROM payments_allocation GROUP BY {0})"
BY_PAYMENT, BY_RECEIPT = ALLOCATED.format("payment_id"), ALLOCATED.format("receipt_id")
REVERSED = "(SELECT receipt_id, sum(amount) AS amount FROM payments_reversal GROUP BY receipt_id)"
# A payment that gives back all of what it never applied is not marked as unapplied any more: it has no days.
APPLIED = "(NOT p.unapplied AND (p.covers_from IS NOT NULL OR p.taken_back_on IS NOT NULL))"
# Trimmed, runs of white space as one space, case folded as far as every locale folds it: never coarser than the key.
FOLDED = r"lower(btrim(regexp_replace(normalize(r.evidence, NFKC), '[ \t\n\r\f\v]+', ' ', 'g')) COLLATE " + '"C")'
# What was given back of a receipt is what its payments gave back while they were unapplied. A refund belongs to the
# money by which its payment was confirmed at that time: the reversals of the payment are the bounds between them.
GIVEN_BACK = f"""(
    SELECT receipt_id, sum(amount) AS amount FROM (
        SELECT v.receipt_id, f.amount FROM (
            SELECT payment_id, receipt_id, kind, created_at,
                lag(created_at, 1, '-infinity') OVER (PARTITION BY payment_id ORDER BY id) AS after
            FROM payments_reversal
        ) AS v
        JOIN payments_refund AS f ON f.payment_id = v.payment_id AND f.created_at > v.after
            AND f.created_at <= v.created_at
        WHERE v.kind = '{Kind.MOVED}'
        UNION ALL
        SELECT p.receipt_id, f.amount FROM {PAYMENTS}
        LEFT JOIN (SELECT payment_id, max(created_at) AS at FROM payments_reversal GROUP BY payment_id) AS v
            ON v.payment_id = p.id
        JOIN payments_refund AS f ON f.payment_id = p.id AND f.created_at > coalesce(v.at, '-infinity')
        WHERE p.status IN {listed(SETTLED)} AND NOT {APPLIED} AND f.status <> 'canceled'
    ) AS given GROUP BY receipt_id
)"""
LEFT = "(r.amount - r.allocated_amount - r.reversed_amount - r.refunded_amount)"
# In the words of the index over the few receipts of which it is so.
HAS_LEFT = "r.amount > r.allocated_amount + r.reversed_amount + r.refunded_amount"

CHECKS = (
    error(
        "allocations_differ",
        _("Settled by another amount than was due"),
        _("What receipts settle of a payment is its amount less the shortfall that was accepted."),
        f"""SELECT {found("payment", "p.id", amount="p.amount", shortfall="p.shortfall", allocated="a.amount")}
            FROM {PAYMENTS} LEFT JOIN {BY_PAYMENT} AS a ON a.payment_id = p.id
            WHERE p.status IN {listed(SETTLED)} AND {APPLIED}
            AND coalesce(a.amount, 0) <> p.amount - p.shortfall""",
    ),
    error(
        "allocation_of_unsettled",
        _("Money that settles what is not confirmed, or not applied"),
        _("Only confirmed payments that were applied are settled; a reversal undoes it."),
        f"""SELECT {found("payment", "p.id", status="p.status", unapplied="p.unapplied", allocated="a.amount")}
            FROM {PAYMENTS} JOIN {BY_PAYMENT} AS a ON a.payment_id = p.id
            WHERE p.status NOT IN {listed(SETTLED)} OR NOT {APPLIED}""",
    ),
    error(
        "allocation_elsewhere",
        _("Money of another user, currency or receipt"),
        _("A payment is settled by the receipt that confirmed it, within one user and currency."),
        f"""SELECT {
            found(
                "allocation",
                "a.id",
                payment="concat_ws(' ', p.id, p.user_id, p.currency, p.receipt_id)",
                receipt="concat_ws(' ', r.id, r.user_id, r.currency)",
                allocation="concat_ws(' ', a.user_id, a.currency)",
            )
        }
            FROM payments_allocation AS a JOIN {PAYMENTS} ON p.id = a.payment_id JOIN {RECEIPTS} ON r.id = a.receipt_id
            WHERE (a.user_id, a.currency) <> (p.user_id, p.currency)
            OR (a.user_id, a.currency) <> (r.user_id, r.currency)
            OR p.receipt_id IS DISTINCT FROM a.receipt_id""",
    ),
    error(
        "receipt_elsewhere",
        _("Confirmed by money of another user or currency"),
        _("The receipt of a payment is of the payment's user and in its currency."),
        f"""SELECT {
            found(
                "payment",
                "p.id",
                payment="concat_ws(' ', p.user_id, p.currency)",
                receipt="concat_ws(' ', r.id, r.user_id, r.currency)",
            )
        }
            FROM {PAYMENTS} JOIN {RECEIPTS} ON r.id = p.receipt_id
            WHERE (p.user_id, p.currency) <> (r.user_id, r.currency)""",
    ),
    error(
        "receipt_overdrawn",
        _("A receipt that gave more than it holds"),
        _("What settles payments, was lost and was given back of a receipt is never more than came in."),
        f"""SELECT {
            found(
                "receipt",
                "r.id",
                amount="r.amount",
                allocated="a.amount",
                reversed="r.reversed_amount",
                given_back="r.refunded_amount",
            )
        }
            FROM {RECEIPTS} LEFT JOIN {BY_RECEIPT} AS a ON a.receipt_id = r.id
            WHERE coalesce(a.amount, 0) + r.reversed_amount + r.refunded_amount > r.amount
            OR least(r.reversed_amount, r.refunded_amount, r.allocated_amount) < 0 OR r.amount <= 0""",
    ),
    error(
        "receipt_allocated_differs",
        _("A receipt that counts its allocations wrongly"),
        _("What a receipt says is allocated of it is the sum of its allocations."),
        f"""SELECT {found("receipt", "r.id", allocated_amount="r.allocated_amount", sum="a.amount")}
            FROM {RECEIPTS} LEFT JOIN {BY_RECEIPT} AS a ON a.receipt_id = r.id
            WHERE r.allocated_amount <> coalesce(a.amount, 0)""",
    ),
    error(
        "receipt_reversed_differs",
        _("A receipt that counts its reversals wrongly"),
        _("What a receipt says it lost is the sum of the reversals that took it."),
        f"""SELECT {found("receipt", "r.id", reversed_amount="r.reversed_amount", sum="v.amount")}
            FROM {RECEIPTS} LEFT JOIN {REVERSED} AS v ON v.receipt_id = r.id
            WHERE r.reversed_amount <> coalesce(v.amount, 0)""",
    ),
    error(
        "receipt_refunded_differs",
        _("A receipt that counts its refunds wrongly"),
        _("What a receipt says was given back of it is what its payments gave back while it settled nothing of them."),
        f"""SELECT {found("receipt", "r.id", refunded_amount="r.refunded_amount", sum="f.amount")}
            FROM {RECEIPTS} LEFT JOIN {GIVEN_BACK} AS f ON f.receipt_id = r.id
            WHERE r.refunded_amount <> coalesce(f.amount, 0)""",
    ),
    error(
        "evidence_twice",
        _("One entry of the bank recorded twice"),
        _("Evidence is unique within its source, whatever its case and spaces, except where a mistake was undone."),
        f"""SELECT {
            found(
                "receipt",
                "max(r.id)",
                source="r.source_key",
                evidence="max(r.evidence)",
                receipts="string_agg(r.id::text, ' and ' ORDER BY r.id)",
            )
        }
            FROM {RECEIPTS} WHERE r.evidence IS NOT NULL AND r.voided_at IS NULL
            GROUP BY r.source_key, {FOLDED} HAVING count(*) > 1""",
    ),
    error(
        "void_receipt_with_money",
        _("A void receipt that holds money"),
        _("A receipt is void once a mistake undid all of it, and its evidence is free again."),
        f"""SELECT {
            found("receipt", "r.id", amount="r.amount", reversed_amount="r.reversed_amount", voided_at="r.voided_at")
        }
            FROM {RECEIPTS} WHERE r.voided_at IS NOT NULL AND r.reversed_amount <> r.amount""",
    ),
    warning(
        "receipt_without_evidence",
        _("Money without evidence"),
        _("Nothing tells by which entry of the bank's the money came, so the same could be recorded again."),
        f"""SELECT {found("receipt", "r.id", source="r.source", amount="r.amount", received_on="r.received_on")}
            FROM {RECEIPTS} WHERE r.evidence IS NULL AND r.reversed_amount < r.amount""",
        remedy=_("Confirm the payment again with the evidence: what was absent is added."),
    ),
    warning(
        "money_unapplied_for_long",
        _("Money that settles nothing for two weeks"),
        _("It came, and neither pays for anything nor was given back."),
        f"""SELECT {
            found("receipt", "r.id", user="r.user_id", unapplied=LEFT, currency="r.currency", created_at="r.created_at")
        }
            FROM {RECEIPTS} WHERE {HAS_LEFT} AND r.created_at < %(now)s - interval '14 days'""",
        remedy=_("Confirm another payment of the user's by this receipt, or refund the unapplied one."),
    ),
)
