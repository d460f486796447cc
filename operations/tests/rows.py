"""Thousands of rows at a time, for commands that change many; and the commands as programs of their own."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]

USERS = """
    INSERT INTO accounts_user (username, username_key, email, email_key, password_hash, is_superuser, is_active,
                               is_staff, is_service, created_at)
    SELECT name, name, name || '@example.com', name || '@example.com', '!', false, true, false, false, now()
    FROM (SELECT 'crowd' || n AS name FROM generate_series(1, %s) n) names
    RETURNING id
"""
SUBSCRIPTIONS = """
    INSERT INTO subscriptions_subscription (user_id, plan_name, status, duration, unit_price, currency, interval,
        interval_count, trial_days, grace_days, pending_until, cancel_reason, created_at)
    SELECT id, %s, 'pending', 1, 990, 'RUB', 'month', 1, 0, 3, now() - interval '1 hour', '', now() - interval '20 days'
    FROM accounts_user WHERE username LIKE 'crowd%%'
"""
PAYMENTS = """
    INSERT INTO payments_payment (user_id, subscription_id, plan_name, status, amount, currency, unit_price, duration,
        interval, interval_count, provider, page_key, expires_at, unapplied, shortfall, refunded_amount, created_at)
    SELECT user_id, id, plan_name, 'pending', 990, 'RUB', 990, 1, 'month', 1, 'manual', 'page' || id,
        now() - interval '1 hour', false, 0, 0, created_at
    FROM subscriptions_subscription
"""


def crowd(plan, size):
    """Make so many users, each with a pending subscription and a pending payment, both past their time."""
    with connection.cursor() as cursor:
        cursor.execute(USERS, [size])
        cursor.execute(SUBSCRIPTIONS, [plan.pk])
        cursor.execute(PAYMENTS)


def start(*arguments):
    """Start `manage.py` with the arguments, against the database of this test."""
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    env = os.environ | {"DATABASE_URL": f"{url}/{database['NAME']}", "DEBUG": "off", "ENV_FILES": ""}
    env |= {"SECRET_KEY": "a-key-that-is-only-ever-used-by-the-tests-of-this-program-0123456789"}
    return subprocess.Popen(
        [sys.executable, ROOT / "manage.py", *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """Wait for the program; return its exit code, and what it said on each stream."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def run(*arguments):
    """Start and wait."""
    return finish(start(*arguments))
