-- Plans, people and the rows that are only read, in this program's tables: set-based, as the owner, constraints on.
BEGIN;
ALTER TABLE accounts_user DISABLE TRIGGER USER;
ALTER TABLE accounts_user_groups DISABLE TRIGGER USER;
ALTER TABLE subscriptions_plan DISABLE TRIGGER USER;
ALTER TABLE subscriptions_subscription DISABLE TRIGGER USER;
ALTER TABLE payments_payment DISABLE TRIGGER USER;
ALTER TABLE payments_receipt DISABLE TRIGGER USER;
ALTER TABLE payments_allocation DISABLE TRIGGER USER;

INSERT INTO subscriptions_plan (name, title, description, price, currency, "interval", interval_count, trial_days,
    grace_days, is_active, created_at)
SELECT name, '', '', :price, 'RUB', 'month', 1, 0, 3, true, now()
FROM (SELECT :'plan' AS name UNION ALL SELECT n::text FROM generate_series(:first_plan, :last_plan) n) names
ON CONFLICT (name) DO NOTHING;  -- the demo sells one of them, on these terms

INSERT INTO accounts_user (id, is_superuser, username, username_key, email, email_key, password_hash, is_active,
    is_staff, is_service, created_at)
SELECT n, false, name, name, name || '@example.com', name || '@example.com', :'password_hash', true, n = :staff, false,
    now()
FROM (SELECT n, n::text AS name FROM (
    SELECT :staff AS n UNION ALL SELECT generate_series(:first_reader, :last_reader)
    UNION ALL SELECT generate_series(:first_login, :last_login)) numbers) named;
INSERT INTO accounts_user_groups (user_id, group_id) SELECT :staff, id FROM auth_group WHERE name = 'Billing operators';
INSERT INTO accounts_token (digest, user_id, created_at, expires_at)
SELECT digest, id, now(), now() + interval '14 days' FROM accounts_user
CROSS JOIN LATERAL (VALUES (encode(sha256(convert_to('bench-' || id, 'UTF8')), 'hex')), (id::text)) of_token (digest)
WHERE id BETWEEN :staff AND :last_reader;

CREATE TEMPORARY TABLE paid ON COMMIT DROP AS
SELECT :first_paid + (row_number() OVER () - 1)::int AS n, reader, plan::text AS plan
FROM generate_series(:first_reader, :last_reader) reader, generate_series(:first_plan, :last_plan) plan;
INSERT INTO subscriptions_subscription (id, user_id, plan_name, status, duration, unit_price, currency, "interval",
    interval_count, trial_days, grace_days, start_date, end_date, covered_until, access_until, anchor_day,
    pending_until, cancel_reason, created_at)
SELECT n, reader, plan, 'active', 1, :price, 'RUB', 'month', 1, 0, 3, current_date, until, until, until + 3,
    extract(day FROM current_date), now() + interval '14 days', '', now()
FROM paid, LATERAL (SELECT (current_date + interval '1 month')::date AS until) days;
INSERT INTO payments_receipt (id, user_id, source, source_key, amount, currency, allocated_amount, reversed_amount,
    refunded_amount, note, recorded_by_id, created_at)
SELECT n, reader, 'manual', 'manual', :price, 'RUB', :price, 0, 0, '', :staff, now() FROM paid;
INSERT INTO payments_payment (id, user_id, subscription_id, plan_name, status, amount, currency, unit_price, duration,
    "interval", interval_count, provider, page_key, expires_at, covers_from, covers_to, receipt_id, confirmed_at,
    confirmed_by_id, unapplied, shortfall, refunded_amount, created_at)
SELECT n, reader, n, plan, 'confirmed', :price, 'RUB', :price, 1, 'month', 1, 'manual', lpad(n::text, 22, '-'),
    now() + interval '14 days', current_date, (current_date + interval '1 month')::date, n, now(), :staff, false, 0, 0,
    now()
FROM paid;
INSERT INTO payments_allocation (id, receipt_id, payment_id, user_id, currency, amount, created_at)
SELECT n, n, n, reader, 'RUB', :price, now() FROM paid;

SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE accounts_user ENABLE TRIGGER USER;
ALTER TABLE accounts_user_groups ENABLE TRIGGER USER;
ALTER TABLE subscriptions_plan ENABLE TRIGGER USER;
ALTER TABLE subscriptions_subscription ENABLE TRIGGER USER;
ALTER TABLE payments_payment ENABLE TRIGGER USER;
ALTER TABLE payments_receipt ENABLE TRIGGER USER;
ALTER TABLE payments_allocation ENABLE TRIGGER USER;
COMMIT;
