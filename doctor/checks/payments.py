"""What must hold of payments by themselves, and between them and the subscriptions they are for."""

from functools import partial

from django.utils.translation import gettext_lazy as _

from doctor.check import error, found, listed, warning
from doctor.fixes import run
from payments.models import Provider
from payments.states import PAYMENT, Status
from subscriptions.states import Status as SubscriptionStatus

PAYMENTS = "payments_payment AS p"
SETTLED = (Status.CONFIRMED, Status.REFUNDED)
ONCE_CONFIRMED = (*SETTLED, Status.REVERSED)


CHECKS = (
    error(
        "payment_status_unknown",
        _("A payment in a state that there is not"),
        _("Every state of a payment stands in the table of its steps."),
        f"""SELECT {found("payment", "p.id", status="p.status")} FROM {PAYMENTS}
            WHERE p.status NOT IN {listed(PAYMENT.states)}""",
    ),
    error(
        "payment_amount_differs",
        _("An amount that is not price times duration"),
        _("What is asked for is the price agreed times the duration, and nothing only for free time."),
        f"""SELECT {found("payment", "p.id", amount="p.amount", unit_price="p.unit_price", duration="p.duration")}
            FROM {PAYMENTS} WHERE p.amount <> p.unit_price * p.duration
            OR (p.amount <= 0) <> (p.provider = '{Provider.GRANT}')""",
    ),
    error(
        "payment_of_another_subscription",
        _("A payment for somebody else's subscription, or in another plan or currency"),
        _("A payment is its subscription's: of the same user, for the same plan, in the same currency."),
        f"""SELECT {
            found(
                "payment",
                "p.id",
                user="p.user_id",
                plan="p.plan_name",
                currency="p.currency",
                subscription="concat_ws(' ', s.id, s.user_id, s.plan_name, s.currency)",
            )
        }
            FROM {PAYMENTS} JOIN subscriptions_subscription AS s ON s.id = p.subscription_id
            WHERE (p.user_id, p.plan_name, p.currency) <> (s.user_id, s.plan_name, s.currency)""",
    ),
    error(
        "confirmed_without_receipt",
        _("Confirmed without a receipt"),
        _("Only free time is confirmed without money on record, and then there is none."),
        f"""SELECT {found("payment", "p.id", status="p.status", provider="p.provider", receipt="p.receipt_id")}
            FROM {PAYMENTS} WHERE p.status IN {listed(ONCE_CONFIRMED)}
            AND ((p.receipt_id IS NULL) <> (p.provider = '{Provider.GRANT}') OR p.confirmed_at IS NULL)""",
    ),
    error(
        "unconfirmed_with_facts",
        _("Not confirmed, and yet with coverage, receipt or time of confirmation"),
        _("What waits, expired or was canceled covers nothing and has no money."),
        f"""SELECT {
            found(
                "payment",
                "p.id",
                status="p.status",
                covers_from="p.covers_from",
                receipt="p.receipt_id",
                confirmed_at="p.confirmed_at",
            )
        }
            FROM {PAYMENTS} WHERE p.status NOT IN {listed(ONCE_CONFIRMED)}
            AND (p.covers_from IS NOT NULL OR p.covers_to IS NOT NULL OR p.taken_back_on IS NOT NULL
                 OR p.receipt_id IS NOT NULL OR p.confirmed_at IS NOT NULL OR p.unapplied OR p.shortfall <> 0)""",
    ),
    error(
        "confirmed_by_its_owner",
        _("Confirmed by the one who owes it"),
        _("Nobody confirms a payment of their own, nor gives themselves free time, superusers included."),
        f"""SELECT {found("payment", "p.id", user="p.user_id", confirmed_by="p.confirmed_by_id")}
            FROM {PAYMENTS} WHERE p.confirmed_by_id = p.user_id""",
    ),
    error(
        "two_pending_payments",
        _("Two payments waiting for one subscription"),
        _("A subscription has at most one pending payment: another one takes its place."),
        f"""SELECT {
            found(
                "payment",
                "max(p.id)",
                subscription="p.subscription_id",
                payments="string_agg(p.id::text, ' and ' ORDER BY p.id)",
            )
        }
            FROM {PAYMENTS} WHERE p.status = '{Status.PENDING}' GROUP BY p.subscription_id HAVING count(*) > 1""",
    ),
    error(
        "pending_payment_of_canceled",
        _("A payment waiting for what is canceled"),
        _("Canceling a subscription for good cancels the payment that waits for it."),
        f"""SELECT {found("payment", "p.id", subscription="s.id", canceled_on="s.end_date")}
            FROM {PAYMENTS} JOIN subscriptions_subscription AS s ON s.id = p.subscription_id
            WHERE p.status = '{Status.PENDING}' AND s.status = '{SubscriptionStatus.CANCELED}'""",
    ),
    warning(
        "payment_not_written_down",
        _("A payment past its expiry, not written down for a day"),
        _("It is shown as expired in any case, but the journal and reports over the table do not know yet."),
        f"""SELECT {found("payment", "p.id", expires_at="p.expires_at")} FROM {PAYMENTS}
            WHERE p.status = '{Status.PENDING}' AND p.expires_at < %(now)s - interval '1 day'""",
        remedy=_("Let cron run expire_payments daily; --fix runs it now."),
        fix=partial(run, "expire_payments"),
    ),
)
