from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    """Users are found by a part of their name or address, and the few who are not customers by an index of their own."""

    atomic = False
    dependencies = [
        ("accounts", "0002_journal"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        TrigramExtension(),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(fields=["created_at", "id"], name="user_created"),
        ),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(condition=models.Q(("is_staff", True)), fields=["id"], name="user_staff"),
        ),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(condition=models.Q(("is_service", True)), fields=["id"], name="user_service"),
        ),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(condition=models.Q(("is_active", False)), fields=["id"], name="user_inactive"),
        ),
        AddIndexConcurrently(
            model_name="user",
            index=GinIndex(
                OpClass(models.F("username_key"), name="gin_trgm_ops"),
                OpClass(models.F("email_key"), name="gin_trgm_ops"),
                OpClass(Upper("email"), name="gin_trgm_ops"),
                name="user_search",
            ),
        ),
    ]
