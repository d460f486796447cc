from django.db import migrations

from journal.triggers import attach

# The key of the page to pay on is a secret, folded keys say nothing new, and an allocation tells what it counts.
PAYMENTS = attach("payments_payment", "payment", user="user_id", hidden=["page_key"])
RECEIPTS = attach(
    "payments_receipt", "receipt", user="user_id", hidden=["source_key", "evidence_key", "allocated_amount"]
)
REFUNDS = attach("payments_refund", "refund", user="user_id", hidden=["evidence_key"])
REVERSALS = attach("payments_reversal", "reversal", user="user_id")
ALLOCATIONS = attach("payments_allocation", "allocation", user="user_id")


class Migration(migrations.Migration):
    """Money is recorded: what was asked for, what came, what settles which, and what went back."""

    dependencies = [("payments", "0006_guards"), ("journal", "0002_record")]
    operations = [
        migrations.RunSQL(*PAYMENTS),
        migrations.RunSQL(*RECEIPTS),
        migrations.RunSQL(*REFUNDS),
        migrations.RunSQL(*REVERSALS),
        migrations.RunSQL(*ALLOCATIONS),
    ]
