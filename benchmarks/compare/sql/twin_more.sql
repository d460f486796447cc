-- As many further rows as this program's tables hold, so that both sides look for theirs among equally many.
BEGIN;
INSERT INTO users (id, username, email, password_hash, is_staff)
SELECT 10000000 + n, 'more-' || n, 'more-' || n || '@example.com', '!', false FROM generate_series(1, :users) n;
INSERT INTO subscriptions (id, user_id, plan_name, duration, start_date, end_date, status)
SELECT 10000000 + n, 10000001 + n % :users, :'plan', 1, current_date - 30, current_date, 'expired'
FROM generate_series(1, :subscriptions) n;
INSERT INTO payments (id, user_id, plan_name, amount, status, subscription_id)
SELECT 10000000 + n, 10000001 + n % :users, :'plan', :price, 'confirmed', 10000001 + n % :subscriptions
FROM generate_series(1, :payments) n;
COMMIT;
