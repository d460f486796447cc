from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OPERATORS = [
    "accounts.view_user",
    "subscriptions.view_plan",
    "subscriptions.view_subscription",
    "subscriptions.manage_all_subscriptions",
    "payments.view_payment",
    "payments.view_receipt",
    "payments.confirm_payment",
]
MANAGERS = [
    *OPERATORS,
    "accounts.change_user",
    "subscriptions.add_plan",
    "subscriptions.change_plan",
    "subscriptions.grant_time",
    "payments.refund_payment",
    "payments.reverse_payment",
    "payments.accept_difference",
]
GROUPS = {"Billing operators": OPERATORS, "Billing managers": MANAGERS}


def create_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the groups. Django makes permissions after all migrations, so these make them first."""
    for label in ("accounts", "subscriptions", "payments"):
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    Permission = apps.get_model("auth", "Permission")
    for name, rights in GROUPS.items():
        group, _created = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        for right in rights:
            label, codename = right.split(".")
            group.permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))


def delete_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Take the groups away."""
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    """Two groups of staff: those who confirm, and those who may also give money back."""

    dependencies = [
        ("payments", "0003_receipts_are_never_overdrawn"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(create_groups, delete_groups)]
