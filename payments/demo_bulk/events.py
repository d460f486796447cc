"""The journal of customers in bulk: the events that triggers would have written, in the order of their instants."""

NOTHING = "'{}'::jsonb"


def event(kind: str, rank: int, rows: str, **told: str) -> str:
    """Return the events of one kind; `rank` orders those of one instant. What is not told is as of a payment."""
    columns = {
        "at": "asked_at",
        "object_id": "payment_id",
        "user_id": "user_id",
        "reason": "''",
        "before": NOTHING,
        "after": NOTHING,
    } | told
    name = kind.partition(".")[0]
    return f"""
        SELECT {columns["at"]} AS moment, {rank} AS rank, '{kind}' AS kind, '{name}' AS object_type,
            ({columns["object_id"]})::text AS object_id, {columns["user_id"]} AS user_id, {columns["reason"]} AS reason,
            {columns["before"]} AS before, {columns["after"]} AS after FROM {rows}
    """  # noqa: S608 - made of constants


def facts(columns: str = "", **values: str) -> str:
    """Return an object as JSON: columns by their own names, values by the names given; what is absent left out."""
    pairs = {name: name for name in columns.split()} | values
    return f"jsonb_strip_nulls({whole(**pairs)})"


def whole(**values: str) -> str:
    """Return the same with what is absent as null."""
    return "jsonb_build_object(" + ", ".join(f"'{name}', {value}" for name, value in values.items()) + ")"


TERMS = "currency plan_name user_id interval_count"
USER = event(
    "user.created",
    0,
    "bulk_life JOIN accounts_user AS u ON u.id = bulk_life.user_id",
    at="u.created_at",
    object_id="u.id",
    user_id="u.id",
    after=facts(
        id="u.id", username="u.username", email="'(secret)'::text", password_hash="'(secret)'::text",  # noqa: S106
        is_active="true", is_staff="false", is_service="false", is_superuser="false", created_at="u.created_at",
    ),
)  # fmt: skip
SUBSCRIPTION = event(
    "subscription.created",
    1,
    "bulk_life WHERE id IS NOT NULL",
    at="created_at",
    object_id="id",
    after=facts(
        TERMS + " id trial_days grace_days created_at",
        interval='"interval"',
        status="CASE kind WHEN 'tries' THEN 'trialing' ELSE 'pending' END",
        duration="1",
        unit_price="price::text",
        start_date="first_day",
        end_date="CASE kind WHEN 'tries' THEN first_day + trial_days ELSE (first_day + term)::date END",
        trial_end="CASE kind WHEN 'tries' THEN first_day + trial_days END",
        access_until="CASE kind WHEN 'tries' THEN access_until END",
        cancel_reason="''",
        pending_until="created_at + %(waits)s",
    ),
)
PAYMENT = event(
    "payment.created",
    2,
    "bulk_ask JOIN payments_payment AS p ON p.id = payment_id",
    user_id="p.user_id",
    after=facts(
        id="p.id", user_id="p.user_id", subscription_id="p.subscription_id", plan_name="p.plan_name",
        status="'pending'::text", amount="p.amount::text", currency="p.currency", unit_price="p.unit_price::text",
        duration="p.duration", interval="p.interval", interval_count="p.interval_count", provider="p.provider",
        reference="p.reference", expires_at="p.expires_at", unapplied="false", shortfall="'0.00'::text",
        refunded_amount="'0.00'::text", created_at="p.created_at",
    ),
)  # fmt: skip
WAITS_LONGER = event(
    "subscription.changed",
    3,
    "bulk_ask WHERE i > 0 AND kind IN ('waiting', 'never', 'gone')",
    object_id="subscription_id",
    before=whole(pending_until="expires_at - interval '1 minute'"),
    after=whole(pending_until="expires_at"),
)
REPLACED = event(
    "payment.canceled",
    1,
    "bulk_ask WHERE status = 'canceled' AND i < asked - 1",
    at="asked_at + interval '1 minute'",
    before=whole(status="'pending'::text"),
    after=whole(status="'canceled'::text"),
)
GIVEN_UP = event(
    "payment.canceled",
    2,
    "bulk_ask WHERE kind = 'gone' AND i = asked - 1",
    at="sold_at + interval '3 hours'",
    before=whole(status="'pending'::text"),
    after=whole(status="'canceled'::text"),
)
EXPIRED = event(
    "payment.expired",
    1,
    "bulk_ask WHERE status = 'expired'",
    at="expires_at",
    before=whole(status="'pending'::text"),
    after=whole(status="'expired'::text"),
)
RECEIPT = event(
    "receipt.created",
    3,
    "bulk_ask JOIN payments_receipt AS r ON r.id = receipt_id",
    at="confirmed_at",
    object_id="r.id",
    user_id="r.user_id",
    after=facts(
        id="r.id", user_id="r.user_id", source="r.source", evidence="r.evidence", amount="r.amount::text",
        currency="r.currency", reversed_amount="'0.00'::text", refunded_amount="'0.00'::text",
        received_on="r.received_on", note="r.note", recorded_by_id="r.recorded_by_id", created_at="r.created_at",
    ),
)  # fmt: skip
CONFIRMED = event(
    "payment.confirmed",
    4,
    "bulk_ask WHERE receipt_id IS NOT NULL",
    at="confirmed_at",
    before=f"""CASE turn WHEN 'unapplied' THEN {
        whole(status="'canceled'::text", receipt_id="null", confirmed_at="null", confirmed_by_id="null",
              unapplied="false")
    } ELSE {
        whole(status="'pending'::text", covers_from="null", covers_to="null", receipt_id="null", confirmed_at="null",
              confirmed_by_id="null")
    } END""",
    after=facts(
        "covers_from covers_to receipt_id confirmed_at",
        status="'confirmed'::text",
        confirmed_by_id="%(operator)s::bigint",
        unapplied="CASE turn WHEN 'unapplied' THEN true END",
    ),
)  # fmt: skip
ALLOCATED = facts(
    "receipt_id payment_id user_id currency", id="allocation_id", amount="price::text", created_at="confirmed_at"
)
ALLOCATION = event(
    "allocation.created",
    5,
    "bulk_ask WHERE allocation_id IS NOT NULL",
    at="confirmed_at",
    object_id="allocation_id",
    after=ALLOCATED,
)
GRACE = "((COVERED + grace_days)::timestamp AT TIME ZONE %(zone)s)"
UNTIL, BEFORE_THAT = GRACE.replace("COVERED", "covers_to"), GRACE.replace("COVERED", "covers_from")
PAID = event(
    "subscription.active",
    6,
    "bulk_ask WHERE pays AND i = 0 AND i < paid",
    at="confirmed_at",
    object_id="subscription_id",
    before=whole(status="'pending'::text", anchor_day="null", access_until="null", covered_until="null"),
    after=whole(
        status="'active'::text",
        anchor_day="extract(day FROM covers_from)::int",
        access_until=UNTIL,
        covered_until="covers_to",
    ),
)


def shifted(day: str) -> str:
    """Return the anchor day that goes along with days and weeks, to be added to an object."""
    return f" || CASE WHEN shifts THEN {whole(anchor_day=f'extract(day FROM {day})::int')} ELSE {NOTHING} END"


PAID_AGAIN = event(
    "subscription.changed",
    6,
    "bulk_ask WHERE pays AND i > 0 AND i < paid",
    at="confirmed_at",
    object_id="subscription_id",
    before=whole(end_date="covers_from", covered_until="covers_from", access_until=BEFORE_THAT)
    + shifted("covers_from - term"),
    after=whole(end_date="covers_to", covered_until="covers_to", access_until=UNTIL) + shifted("covers_from"),
)
GIVEN_BACK = event(
    "payment.changed",
    7,
    "bulk_ask WHERE turn = 'part'",
    at="turned_at",
    reason="%(sorry)s",
    before=whole(refunded_amount="'0.00'::text"),
    after=whole(refunded_amount="given_back::text"),
)
GIVEN_BACK_WHOLE = event(
    "payment.refunded",
    7,
    "bulk_ask WHERE turn = 'whole'",
    at="turned_at",
    reason="%(sorry)s",
    before=whole(status="'confirmed'::text", refunded_amount="'0.00'::text"),
    after=whole(status="'refunded'::text", refunded_amount="given_back::text"),
)
REFUND = event(
    "refund.created",
    8,
    "bulk_ask JOIN payments_refund AS f USING (payment_id)",
    at="turned_at",
    object_id="f.id",
    user_id="f.user_id",
    reason="f.reason",
    after=facts(
        id="f.id", payment_id="payment_id", user_id="f.user_id", amount="f.amount::text", currency="f.currency",
        status="f.status", coverage="f.coverage", reason="f.reason", evidence="f.evidence", paid_at="f.paid_at",
        recorded_by_id="f.recorded_by_id", created_at="f.created_at",
    ),
)  # fmt: skip
BOUNCED = event(
    "payment.reversed",
    7,
    "bulk_ask WHERE turn = 'bounced'",
    at="turned_at",
    reason="%(closed)s",
    before=whole(status="'confirmed'::text", reversal_kind="null"),
    after=whole(status="'reversed'::text", reversal_kind="'returned_by_bank'::text"),
)
UNALLOCATED = event(
    "allocation.deleted",
    8,
    "bulk_ask WHERE turn = 'bounced'",
    at="turned_at",
    object_id="allocation_id",
    reason="%(closed)s",
    before=ALLOCATED,
)
LOST = event(
    "receipt.changed",
    9,
    "bulk_ask WHERE turn = 'bounced'",
    at="turned_at",
    object_id="receipt_id",
    reason="%(closed)s",
    before=whole(reversed_amount="'0.00'::text"),
    after=whole(reversed_amount="received::text"),
)
REVERSAL = event(
    "reversal.created",
    10,
    "bulk_ask JOIN payments_reversal AS v USING (payment_id)",
    at="turned_at",
    object_id="v.id",
    user_id="v.user_id",
    reason="v.reason",
    after=facts(
        id="v.id", payment_id="payment_id", receipt_id="v.receipt_id", user_id="v.user_id", kind="v.kind",
        amount="v.amount::text", currency="v.currency", reason="v.reason", evidence="v.evidence",
        recorded_by_id="v.recorded_by_id", created_at="v.created_at",
    ),
)  # fmt: skip
LEAVES = event(
    "subscription.changed",
    11,
    "bulk_life WHERE id IS NOT NULL AND kind IN ('leaving', 'canceled')",
    at="least(%(now)s, (covered_until::timestamp AT TIME ZONE %(zone)s)) - interval '2 hours'",
    object_id="id",
    reason="%(leaves)s",
    before=whole(
        cancel_at="null",
        access_until=GRACE.replace("COVERED", "covered_until"),
        cancel_reason="''::text",
    ),
    after=whole(
        cancel_at="covered_until",
        access_until="(covered_until::timestamp AT TIME ZONE %(zone)s)",
        cancel_reason="%(leaves)s::text",
    ),
)
LEFT = event(
    "subscription.canceled",
    12,
    "bulk_life WHERE id IS NOT NULL AND kind = 'canceled'",
    at="(covered_until::timestamp AT TIME ZONE %(zone)s)",
    object_id="id",
    before=whole(status="'active'::text", access_until="(covered_until::timestamp AT TIME ZONE %(zone)s)"),
    after=whole(status="'canceled'::text", access_until="null"),
)
GONE = event(
    "subscription.canceled",
    1,
    "bulk_life WHERE kind = 'gone'",
    at="given_up_at",
    object_id="id",
    reason="%(leaves)s",
    before=whole(status="'pending'::text", end_date="(first_day + term)::date", cancel_reason="''::text"),
    after=whole(
        status="'canceled'::text",
        end_date="(given_up_at AT TIME ZONE %(zone)s)::date",
        cancel_reason="%(leaves)s::text",
    ),
)
RAN_OUT = [
    event(
        f"subscription.{status}",
        13,
        f"bulk_life WHERE id IS NOT NULL AND status = '{status}'",
        at=f"CASE WHEN pays THEN {at} ELSE pending_until END",
        object_id="id",
        before=whole(status="CASE WHEN pays THEN 'active' ELSE 'pending' END"),
        after=whole(status="status"),
    )
    for status, at in (("past_due", "(covered_until::timestamp AT TIME ZONE %(zone)s)"), ("expired", "access_until"))
]
ALL = (
    USER, SUBSCRIPTION, PAYMENT, WAITS_LONGER, REPLACED, GIVEN_UP, EXPIRED, RECEIPT, CONFIRMED, ALLOCATION, PAID,
    PAID_AGAIN, GIVEN_BACK, GIVEN_BACK_WHOLE, REFUND, BOUNCED, UNALLOCATED, LOST, REVERSAL, LEAVES, LEFT, GONE,
    *RAN_OUT,
)  # fmt: skip
EVENTS = f"""
    INSERT INTO journal_event (
        kind, object_type, object_id, user_id, actor_type, actor_id, actor_name, channel, request_id, reason, before,
        after)
    SELECT kind, object_type, object_id, user_id, actor ->> 'type', NULL, coalesce(actor ->> 'name', ''),
        coalesce(actor ->> 'channel', ''), '', reason, before, after
    FROM ({" UNION ALL ".join(ALL)}) AS told, (SELECT journal_context() AS actor OFFSET 0) AS acting
    ORDER BY moment, rank
"""  # noqa: S608 - made of constants
