from django.db import migrations

from journal.triggers import attach

SUBSCRIPTIONS = attach("subscriptions_subscription", "subscription", user="user_id")
PLANS = attach("subscriptions_plan", "plan", key="name")


class Migration(migrations.Migration):
    """Subscriptions and plans are recorded."""

    dependencies = [("subscriptions", "0003_guards"), ("journal", "0002_record")]
    operations = [migrations.RunSQL(*SUBSCRIPTIONS), migrations.RunSQL(*PLANS)]
