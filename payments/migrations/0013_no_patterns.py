from django.db import migrations


class Migration(migrations.Migration):
    """Nobody looks for a part of the key of a page: an index less to write with every step of a payment."""

    atomic = False
    dependencies = [("payments", "0012_search")]
    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS payments_payment_page_key_8aee7cc3_like",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS payments_payment_page_key_8aee7cc3_like ON payments_payment (page_key varchar_pattern_ops)",
        )
    ]
