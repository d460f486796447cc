-- The same in the twin's tables.
BEGIN;
INSERT INTO users (id, username, email, password_hash, is_staff)
SELECT n, n::text, n || '@example.com', '!', false FROM generate_series(:first, :last) n;
INSERT INTO tokens (digest, user_id, expires_at)
SELECT digest, n, now() + interval '14 days' FROM generate_series(:first, :last) n
CROSS JOIN LATERAL (VALUES (encode(sha256(convert_to('bench-' || n, 'UTF8')), 'hex')), (n::text)) of_token (digest);
INSERT INTO subscriptions (id, user_id, plan_name, duration, status)
SELECT n, n, :'plan', 1, 'pending' FROM generate_series(:first, :last) n WHERE :'work' IN ('checkout', 'confirm');
INSERT INTO payments (id, user_id, plan_name, amount, status, subscription_id)
SELECT n, n, :'plan', :price, 'pending', n FROM generate_series(:first, :last) n WHERE :'work' = 'confirm';
COMMIT;
