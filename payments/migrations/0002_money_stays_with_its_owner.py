from django.db import migrations

FORWARD = """
    ALTER TABLE payments_payment ADD CONSTRAINT payment_of_subscription_owner
        FOREIGN KEY (subscription_id, user_id) REFERENCES subscriptions_subscription (id, user_id);
    ALTER TABLE payments_allocation ADD CONSTRAINT allocation_of_payment_owner
        FOREIGN KEY (payment_id, user_id, currency) REFERENCES payments_payment (id, user_id, currency);
    ALTER TABLE payments_allocation ADD CONSTRAINT allocation_of_receipt_owner
        FOREIGN KEY (receipt_id, user_id, currency) REFERENCES payments_receipt (id, user_id, currency);
"""
BACKWARD = """
    ALTER TABLE payments_allocation DROP CONSTRAINT allocation_of_receipt_owner;
    ALTER TABLE payments_allocation DROP CONSTRAINT allocation_of_payment_owner;
    ALTER TABLE payments_payment DROP CONSTRAINT payment_of_subscription_owner;
"""


class Migration(migrations.Migration):
    """No payment on another user's subscription; no allocation across users or currencies."""

    dependencies = [("payments", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
