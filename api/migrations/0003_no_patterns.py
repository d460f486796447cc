from django.db import migrations


class Migration(migrations.Migration):
    """Nobody looks for a part of a digest: an index less to write with every key."""

    atomic = False
    dependencies = [("api", "0002_idempotency_keys")]
    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS api_idempotencykey_digest_be408f7c_like",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS api_idempotencykey_digest_be408f7c_like ON api_idempotencykey (digest varchar_pattern_ops)",
        )
    ]
