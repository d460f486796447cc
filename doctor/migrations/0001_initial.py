from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [("subscriptions", "0004_journal"), ("payments", "0008_rights_to_look")]

    operations = [
        migrations.CreateModel(
            name="Setting",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("time_zone", models.CharField(max_length=64, verbose_name="time zone")),
            ],
            options={
                "verbose_name": "setting of the books",
                "verbose_name_plural": "settings of the books",
                "default_permissions": (),
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="setting_only_one")],
            },
        ),
    ]
