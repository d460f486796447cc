from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def keep(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write down in which time zone the days of the books begin."""
    apps.get_model("doctor", "Setting").objects.get_or_create(pk=1, defaults={"time_zone": settings.BILLING_TIME_ZONE})


class Migration(migrations.Migration):
    """The books say in which time zone they are kept."""

    dependencies = [("doctor", "0001_initial")]
    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
