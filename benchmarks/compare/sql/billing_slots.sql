-- A customer for each number, with what the work will use up: a subscription that waits, a payment that waits.
BEGIN;
ALTER TABLE accounts_user DISABLE TRIGGER USER;
ALTER TABLE subscriptions_subscription DISABLE TRIGGER USER;
ALTER TABLE payments_payment DISABLE TRIGGER USER;

INSERT INTO accounts_user (id, is_superuser, username, username_key, email, email_key, password_hash, is_active,
    is_staff, is_service, created_at)
SELECT n, false, n::text, n::text, n || '@example.com', n || '@example.com', '!', true, false, false, now()
FROM generate_series(:first, :last) n;
INSERT INTO accounts_token (digest, user_id, created_at, expires_at)
SELECT digest, n, now(), now() + interval '14 days' FROM generate_series(:first, :last) n
CROSS JOIN LATERAL (VALUES (encode(sha256(convert_to('bench-' || n, 'UTF8')), 'hex')), (n::text)) of_token (digest);
INSERT INTO subscriptions_subscription (id, user_id, plan_name, status, duration, unit_price, currency, "interval",
    interval_count, trial_days, grace_days, start_date, end_date, pending_until, cancel_reason, created_at)
SELECT n, n, :'plan', 'pending', 1, :price, 'RUB', 'month', 1, 0, 3, current_date,
    (current_date + interval '1 month')::date, now() + interval '14 days', '', now()
FROM generate_series(:first, :last) n WHERE :'work' IN ('checkout', 'confirm');
INSERT INTO payments_payment (id, user_id, subscription_id, plan_name, status, amount, currency, unit_price, duration,
    "interval", interval_count, provider, page_key, expires_at, unapplied, shortfall, refunded_amount, created_at)
SELECT n, n, n, :'plan', 'pending', :price, 'RUB', :price, 1, 'month', 1, 'manual', lpad(n::text, 22, '-'),
    now() + interval '14 days', false, 0, 0, now()
FROM generate_series(:first, :last) n WHERE :'work' = 'confirm';

SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE accounts_user ENABLE TRIGGER USER;
ALTER TABLE subscriptions_subscription ENABLE TRIGGER USER;
ALTER TABLE payments_payment ENABLE TRIGGER USER;
COMMIT;
