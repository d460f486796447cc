from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GROUPS = ("Billing operators", "Billing managers")
RIGHTS = ("journal.view_event", "payments.view_refund", "payments.view_reversal")


def give(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let both groups look at the journal, at refunds and at reversals; permissions are made first."""
    for label in ("journal", "payments"):
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(*rights(apps))


def take(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Take the rights away again."""
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.remove(*rights(apps))


def rights(apps: Apps) -> list[object]:
    """Return the permissions."""
    named = (right.split(".") for right in RIGHTS)
    found = apps.get_model("auth", "Permission").objects
    return [found.get(content_type__app_label=label, codename=codename) for label, codename in named]


class Migration(migrations.Migration):
    """Whoever works with payments sees what happened to them, and who did it."""

    dependencies = [
        ("payments", "0007_journal"),
        ("journal", "0004_append_only"),
        ("accounts", "0002_journal"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(give, take)]
