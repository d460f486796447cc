-- The same in the twin's tables.
BEGIN;
INSERT INTO plans (name, price, days)
SELECT name, :price, 30
FROM (SELECT :'plan' AS name UNION ALL SELECT n::text FROM generate_series(:first_plan, :last_plan) n) names;

INSERT INTO users (id, username, email, password_hash, is_staff)
SELECT n, name, name || '@example.com', :'password_hash', n = :staff
FROM (SELECT n, n::text AS name FROM (
    SELECT :staff AS n UNION ALL SELECT generate_series(:first_reader, :last_reader)
    UNION ALL SELECT generate_series(:first_login, :last_login)) numbers) named;
INSERT INTO tokens (digest, user_id, expires_at)
SELECT digest, id, now() + interval '14 days' FROM users
CROSS JOIN LATERAL (VALUES (encode(sha256(convert_to('bench-' || id, 'UTF8')), 'hex')), (id::text)) of_token (digest)
WHERE id BETWEEN :staff AND :last_reader;

CREATE TEMPORARY TABLE paid ON COMMIT DROP AS
SELECT :first_paid + (row_number() OVER () - 1)::int AS n, reader, plan::text AS plan
FROM generate_series(:first_reader, :last_reader) reader, generate_series(:first_plan, :last_plan) plan;
INSERT INTO subscriptions (id, user_id, plan_name, duration, start_date, end_date, status)
SELECT n, reader, plan, 1, current_date, current_date + 30, 'active' FROM paid;
INSERT INTO payments (id, user_id, plan_name, amount, status, subscription_id)
SELECT n, reader, plan, :price, 'confirmed', n FROM paid;
COMMIT;
