"""The rows of customers in bulk, from what `lives` decided, each table by one statement."""

USERS = """
    INSERT INTO accounts_user (
        id, username, username_key, email, email_key, password_hash, is_superuser, is_staff, is_active, is_service,
        created_at)
    SELECT user_id, name, name, name || '@example.com', name || '@example.com', %(password)s, false, false, true, false,
        created_at - interval '10 minutes'
    FROM (SELECT user_id, %(prefix)s || n AS name, created_at FROM bulk_life) AS named
"""
SUBSCRIPTIONS = """
    INSERT INTO subscriptions_subscription (
        id, user_id, plan_name, status, duration, unit_price, currency, "interval", interval_count, trial_days,
        grace_days, start_date, end_date, trial_end, covered_until, access_until, anchor_day, pending_until, cancel_at,
        cancel_reason, created_at)
    SELECT id, user_id, plan_name, status, 1, price, currency, "interval", interval_count, trial_days, grace_days,
        first_day,
        CASE kind WHEN 'gone' THEN (given_up_at AT TIME ZONE %(zone)s)::date WHEN 'tries' THEN first_day + trial_days
            ELSE coalesce(covered_until, (first_day + term)::date) END,
        CASE kind WHEN 'tries' THEN first_day + trial_days END,
        covered_until, CASE WHEN status <> 'canceled' THEN access_until END,
        anchor_day, pending_until,
        CASE WHEN kind IN ('leaving', 'canceled') THEN covered_until END,
        CASE WHEN kind IN ('leaving', 'canceled', 'gone') THEN %(leaves)s ELSE '' END, created_at
    FROM bulk_life WHERE id IS NOT NULL ORDER BY id
"""
RECEIPTS = """
    INSERT INTO payments_receipt (
        id, user_id, source, source_key, evidence, evidence_key, amount, currency, allocated_amount, reversed_amount,
        refunded_amount, received_on, note, recorded_by_id, created_at)
    SELECT receipt_id, user_id, 'manual', 'manual', 'BULK-' || entry, 'bulk-' || entry, received, currency,
        CASE WHEN turn IN ('unapplied', 'bounced') THEN 0 ELSE price END,
        CASE turn WHEN 'bounced' THEN received ELSE 0 END,
        0, (confirmed_at AT TIME ZONE %(zone)s)::date, '', %(operator)s, confirmed_at
    FROM (SELECT *, CASE WHEN turn <> 'bounced' OR n %% 2 = 0 THEN receipt_id END AS entry FROM bulk_ask) AS a
    WHERE receipt_id IS NOT NULL ORDER BY receipt_id
"""
PAYMENTS = """
    INSERT INTO payments_payment (
        id, user_id, subscription_id, plan_name, status, amount, currency, unit_price, duration, "interval",
        interval_count, provider, page_key, expires_at, covers_from, covers_to, receipt_id, confirmed_at,
        confirmed_by_id, reversal_kind, unapplied, shortfall, refunded_amount, created_at)
    SELECT payment_id, user_id, subscription_id, plan_name, status, price, currency, price, 1, "interval",
        interval_count, 'manual', left(translate(gen_random_uuid()::text, '-', ''), 22), expires_at, covers_from,
        covers_to, receipt_id, confirmed_at, CASE WHEN confirmed_at IS NOT NULL THEN %(operator)s END,
        CASE turn WHEN 'bounced' THEN 'returned_by_bank' END, turn = 'unapplied', 0, given_back, asked_at
    FROM bulk_ask ORDER BY payment_id
"""
ALLOCATIONS = """
    INSERT INTO payments_allocation (id, receipt_id, payment_id, user_id, currency, amount, created_at)
    SELECT allocation_id, receipt_id, payment_id, user_id, currency, price, confirmed_at
    FROM bulk_ask WHERE allocation_id IS NOT NULL AND turn <> 'bounced' ORDER BY allocation_id
"""
# Money given back lately is still to be paid out.
REFUNDS = """
    INSERT INTO payments_refund (
        payment_id, user_id, amount, currency, status, coverage, reason, evidence, evidence_key, paid_at,
        recorded_by_id, created_at)
    SELECT payment_id, user_id, given_back, currency, CASE WHEN owed THEN 'due' ELSE 'paid' END, 'keep', %(sorry)s,
        CASE WHEN NOT owed THEN 'BULK-OUT-' || payment_id END, CASE WHEN NOT owed THEN 'bulk-out-' || payment_id END,
        CASE WHEN NOT owed THEN turned_at END, %(operator)s, turned_at
    FROM (SELECT *, turn = 'part' AND turned_at > %(now)s - interval '12 days' AS owed FROM bulk_ask) AS a
    WHERE given_back > 0 ORDER BY payment_id
"""
REVERSALS = """
    INSERT INTO payments_reversal (
        payment_id, receipt_id, user_id, kind, amount, currency, reason, evidence, recorded_by_id, created_at)
    SELECT payment_id, receipt_id, user_id, 'returned_by_bank', received, currency, %(closed)s, '', %(operator)s,
        turned_at
    FROM bulk_ask WHERE turn = 'bounced' ORDER BY payment_id
"""
ROWS = (USERS, SUBSCRIPTIONS, RECEIPTS, PAYMENTS, ALLOCATIONS, REFUNDS, REVERSALS)
