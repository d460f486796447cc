"""The lives of customers in bulk, decided in SQL from nothing but their numbers: what each wants, asks for and pays."""

# What becomes of a customer: the name, of how many in a hundred, and how many payments they ask for, one to another.
KINDS = (
    ("active", 52, 5),
    ("renewing", 8, 5),
    ("leaving", 4, 5),
    ("past_due", 5, 5),
    ("expired", 10, 5),
    ("canceled", 7, 5),
    ("waiting", 5, 1),
    ("never", 3, 1),
    ("tries", 3, 1),
    ("gone", 3, 1),
)
# A number has its kind by the place that this step leads to, so that kinds do not come in rows.
STEP = 37
KIND_OF = [name for name, share, _weight in KINDS for _ in range(share)]
WEIGHT_OF = [weight for _name, share, weight in KINDS for _ in range(share)]
# What they buy, of how many in twenty: every interval there is.
BOUGHT = (("pro", 7), ("basic", 4), ("world", 2), ("try-first", 2), ("weekly", 2), ("ten-days", 1), ("quarter", 1))
PLANS = [name for name, share in (*BOUGHT, ("pro-year", 1)) for _ in range(share)]


def midnight(day: str) -> str:
    """Return the instant at which a day begins in the billing time zone."""
    return f"(({day})::timestamp AT TIME ZONE %(zone)s)"


# The rows of the chunk's customers: their number, kind and subscription. One who asks for nothing has none.
LIVES = f"""
    CREATE TEMPORARY TABLE bulk_life AS
    WITH people AS (
        SELECT n, kind, %(payments)s * upto / %(weight)s - %(payments)s * (upto - weight) / %(weight)s AS asked
        FROM (
            SELECT n, (%(kinds)s::text[])[1 + n * {STEP} %% 100] AS kind,
                (%(weights)s::int[])[1 + n * {STEP} %% 100] AS weight,
                %(weight_before)s
                    + sum((%(weights)s::int[])[1 + n * {STEP} %% 100]) OVER (ORDER BY n)::bigint AS upto
            FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
        ) AS weighed
    ), wishes AS (
        SELECT n, kind, asked, kind IN ('active', 'renewing', 'leaving', 'past_due', 'expired', 'canceled') AS pays,
            CASE WHEN kind = 'tries' THEN 'try-first' WHEN wish = 'pro-year' AND asked > 8 THEN 'pro'
                WHEN wish = 'quarter' AND asked > 32 THEN 'basic' ELSE wish END AS wish
        FROM (SELECT people.*, (%(plans)s::text[])[1 + (n + n / 100 * 7) %% 20] AS wish FROM people) AS wishing
    ), sold AS (
        SELECT n, kind, asked, pays, p.name AS plan_name, p.price, p.currency, p.interval, p.interval_count,
            p.trial_days, p.grace_days,
            asked - (pays AND kind IN ('renewing', 'past_due', 'expired') AND asked > 1)::int AS paid,
            ('1 ' || p.interval)::interval * p.interval_count AS term, p.interval IN ('day', 'week') AS shifts,
            CASE p.interval WHEN 'day' THEN 1 WHEN 'week' THEN 7 WHEN 'month' THEN 28 ELSE 365 END
                * p.interval_count AS days
        FROM wishes JOIN subscriptions_plan AS p ON p.name = wish
    ), begun AS (
        SELECT *, CASE
            WHEN pays THEN {midnight("first_paid")} + interval '9 hours' + n * 7919 %% 480 * interval '1 minute'
            WHEN kind = 'never' THEN %(now)s - interval '20 days' - n * 7919 %% 500000 * interval '1 minute'
            WHEN kind = 'gone' THEN %(now)s - interval '1 day' - n * 7919 %% 15000 * interval '1 minute'
            ELSE %(now)s - interval '3 hours' - n * 7919 %% 15000 * interval '1 minute'
        END AS created_at
        FROM (
            SELECT *, (%(today)s::date + CASE kind
                WHEN 'past_due' THEN -(n %% greatest(1, grace_days - 2))
                WHEN 'expired' THEN -(grace_days + 1 + n * 17 %% 300)
                WHEN 'canceled' THEN -(1 + n * 17 %% 300)
                ELSE 4 + n * 31 %% greatest(1, days - 6)
            END::int - paid * term)::date AS first_paid FROM sold
        ) AS counted
    ), dated AS (
        SELECT *, CASE WHEN pays THEN first_paid ELSE (created_at AT TIME ZONE %(zone)s)::date END AS first_day,
            CASE WHEN pays THEN (first_paid + paid * term)::date END AS covered_until
        FROM begun
    ), ended AS (
        SELECT *, CASE
            WHEN pays THEN {midnight("covered_until + CASE kind WHEN 'leaving' THEN 0 ELSE grace_days END")}
            WHEN kind = 'tries' THEN {midnight("first_day + trial_days")}
        END AS access_until,
            CASE WHEN pays THEN
                extract(day FROM CASE WHEN shifts THEN first_day + (paid - 1) * term ELSE first_day END)::int
            END AS anchor_day
        FROM dated
    )
    SELECT nextval(pg_get_serial_sequence('accounts_user', 'id')) AS user_id,
        CASE WHEN asked > 0 OR NOT pays THEN nextval(pg_get_serial_sequence('subscriptions_subscription', 'id')) END
            AS id,
        ended.*, CASE
            WHEN kind IN ('canceled', 'gone') THEN 'canceled'
            WHEN kind = 'waiting' THEN 'pending'
            WHEN kind = 'tries' THEN 'trialing'
            WHEN covered_until > %(today)s THEN 'active'
            WHEN access_until > %(now)s THEN 'past_due'
            ELSE 'expired'
        END AS status,
        created_at + interval '3 hours' AS given_up_at,
        created_at + %(waits)s + CASE WHEN kind IN ('waiting', 'never', 'gone') THEN greatest(asked - 1, 0) ELSE 0 END
            * interval '1 minute' AS pending_until
    FROM (SELECT * FROM ended ORDER BY created_at) AS ended
"""  # noqa: S608 - made of constants

# The payments that they ask for, with what becomes of each: `turn` is how its money went another way than usual.
ASKS = f"""
    CREATE TEMPORARY TABLE bulk_ask AS
    WITH asks AS (
        SELECT l.*, i, l.id AS subscription_id, (first_day + i * term)::date AS covers_from,
            (first_day + (i + 1) * term)::date AS covers_to, CASE
                WHEN NOT pays THEN created_at + i * interval '1 minute'
                WHEN i = 0 THEN created_at
                WHEN i < paid THEN {midnight("(first_day + i * term)::date")}
                    - interval '40 hours' + n %% 20 * interval '1 hour'
                WHEN kind = 'expired' THEN {midnight("covered_until")} - interval '1 day'
                ELSE %(now)s - (n * 31 %% 600 + 1) * interval '1 minute'
            END AS asked_at
        FROM bulk_life AS l CROSS JOIN LATERAL generate_series(0, asked - 1) AS i WHERE asked > 0
    ), paying AS (
        SELECT *, greatest(asked_at + %(waits)s, CASE
                WHEN pays AND i > 0 THEN {midnight("covers_from + grace_days")}
                WHEN kind = 'tries' THEN access_until
            END) AS expires_at,
            CASE
                WHEN pays AND i = 0 THEN asked_at + (1 + n %% 2) * interval '1 hour'
                WHEN pays AND i < paid THEN asked_at + (3 + (n + i) %% 12) * interval '1 hour'
                WHEN kind = 'gone' AND i = asked - 1 AND n %% 2 = 0 THEN given_up_at + interval '6 hours'
            END AS confirmed_at
        FROM asks
    ), turning AS (
        SELECT *, CASE
                WHEN confirmed_at IS NULL THEN ''
                WHEN kind = 'gone' THEN 'unapplied'
                WHEN i < paid - 1 AND (n + i) %% 97 = 5 THEN 'bounced'
                WHEN (n + i) %% 89 = 7 THEN 'whole'
                WHEN (n + i) %% 61 = 3 OR i = paid - 1 AND n %% 25 = 7 THEN 'part'
                WHEN confirmed_at > %(now)s - interval '12 days' AND n %% 40 = 11 THEN 'over'
                ELSE ''
            END AS turn
        FROM paying
    )
    SELECT nextval(pg_get_serial_sequence('payments_payment', 'id')) AS payment_id,
        CASE WHEN confirmed_at IS NOT NULL THEN nextval(pg_get_serial_sequence('payments_receipt', 'id')) END
            AS receipt_id,
        CASE WHEN confirmed_at IS NOT NULL AND turn <> 'unapplied'
            THEN nextval(pg_get_serial_sequence('payments_allocation', 'id')) END AS allocation_id,
        n, i, kind, pays, paid, asked, user_id, subscription_id, plan_name, price, currency, "interval", interval_count,
        grace_days, shifts, term, created_at AS sold_at, asked_at, expires_at, confirmed_at, turn,
        CASE WHEN confirmed_at IS NOT NULL AND turn <> 'unapplied' THEN covers_from END AS covers_from,
        CASE WHEN confirmed_at IS NOT NULL AND turn <> 'unapplied' THEN covers_to END AS covers_to,
        CASE
            WHEN turn = 'bounced' THEN 'reversed'
            WHEN turn = 'whole' THEN 'refunded'
            WHEN confirmed_at IS NOT NULL THEN 'confirmed'
            WHEN kind = 'gone' OR i < asked - 1 THEN 'canceled'
            WHEN expires_at > %(now)s THEN 'pending'
            ELSE 'expired'
        END AS status,
        CASE turn WHEN 'whole' THEN price WHEN 'part' THEN round(price * 0.3, 2) ELSE 0.00 END AS given_back,
        price + CASE turn WHEN 'over' THEN 10 ELSE 0 END AS received,
        CASE turn WHEN 'bounced' THEN {midnight("covers_to")} + interval '1 hour'
            WHEN '' THEN NULL ELSE confirmed_at + interval '1 day' END AS turned_at
    FROM (SELECT * FROM turning ORDER BY asked_at) AS turning
"""  # noqa: S608 - made of constants
STAGES = (LIVES, "ANALYZE bulk_life", ASKS, "ANALYZE bulk_ask")
DONE = "DROP TABLE bulk_life, bulk_ask"
