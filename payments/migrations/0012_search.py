from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    """Money is found by a part of its evidence, by its source, and where its evidence is free again."""

    atomic = False
    dependencies = [
        ("payments", "0011_free_time_is_free"),
        ("accounts", "0003_search"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="receipt",
            index=models.Index(fields=["source_key", "id"], name="receipt_source"),
        ),
        AddIndexConcurrently(
            model_name="receipt",
            index=models.Index(
                condition=models.Q(("evidence__isnull", True)), fields=["id"], name="receipt_without_evidence"
            ),
        ),
        AddIndexConcurrently(
            model_name="receipt",
            index=models.Index(
                condition=models.Q(("voided_at__isnull", False)), fields=["evidence_key"], name="receipt_void_evidence"
            ),
        ),
        AddIndexConcurrently(
            model_name="receipt",
            index=GinIndex(
                OpClass(models.F("evidence_key"), name="gin_trgm_ops"),
                gin_pending_list_limit=256,
                name="receipt_search",
            ),
        ),
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(condition=models.Q(("status", "canceled")), fields=["id"], name="refund_canceled"),
        ),
        AddIndexConcurrently(
            model_name="refund",
            index=GinIndex(OpClass(models.F("evidence_key"), name="gin_trgm_ops"), name="refund_search"),
        ),
        AddIndexConcurrently(
            model_name="reversal",
            index=GinIndex(OpClass(Upper("evidence"), name="gin_trgm_ops"), name="reversal_search"),
        ),
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(fields=["coverage", "id"], name="refund_coverage"),
        ),
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(fields=["currency", "id"], name="refund_currency"),
        ),
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(fields=["created_at", "id"], name="refund_created"),
        ),
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(fields=["paid_at", "id"], name="refund_paid_at"),
        ),
        AddIndexConcurrently(
            model_name="reversal",
            index=models.Index(fields=["kind", "id"], name="reversal_kind"),
        ),
        AddIndexConcurrently(
            model_name="reversal",
            index=models.Index(fields=["currency", "id"], name="reversal_currency"),
        ),
        AddIndexConcurrently(
            model_name="reversal",
            index=models.Index(fields=["user", "id"], name="reversal_user_id"),
        ),
    ]
