from django.contrib.postgres.indexes import BrinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    """Staff find events by kind, way, request and actor without reading the journal through."""

    atomic = False
    dependencies = [
        ("journal", "0004_append_only"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "payment.created",
                            "payment.confirmed",
                            "receipt.created",
                            "allocation.created",
                            "subscription.changed",
                        ],
                    ),
                    _negated=True,
                ),
                fields=["kind", "seq"],
                name="event_rare_kind",
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=BrinIndex(
                OpClass(models.F("channel"), name="text_bloom_ops"), name="event_channel", autosummarize=True
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=BrinIndex(
                OpClass(models.F("request_id"), name="text_bloom_ops"), name="event_request", autosummarize=True
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=BrinIndex(
                OpClass(Upper("actor_name"), name="text_bloom_ops"), name="event_actor_name", autosummarize=True
            ),
        ),
    ]
