from django.db import migrations


class Migration(migrations.Migration):
    """Nobody looks for a part of a digest: an index less to write at every login."""

    atomic = False
    dependencies = [("accounts", "0003_search")]
    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS accounts_token_digest_0eb24d7b_like",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS accounts_token_digest_0eb24d7b_like ON accounts_token (digest varchar_pattern_ops)",
        )
    ]
