import re
from importlib import import_module

from django.db import migrations

# PostgreSQL reads the condition of a trigger anew for every statement, which costs more than what it compares. Where no
# column that a guard is about is set, the condition is not read at all; and the steps are one list, not one comparison
# for each end of each.
FORWARD = """
    CREATE OR REPLACE TRIGGER subscription_transition BEFORE UPDATE OF status ON subscriptions_subscription FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status <> ALL ('{pending active,pending expired,pending canceled,trialing active,trialing expired,trialing canceled,active past_due,active expired,active canceled,active trialing,active pending,past_due active,past_due expired,past_due canceled,past_due trialing,past_due pending,expired active}'))
    EXECUTE FUNCTION refuse('the state of this subscription does not know this step');
    CREATE OR REPLACE TRIGGER subscription_identity_never_changes BEFORE UPDATE OF id, user_id, plan_name, duration, currency, unit_price, interval, interval_count, trial_days, grace_days, trial_end, created_at ON subscriptions_subscription FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.plan_name, OLD.duration, OLD.currency, OLD.unit_price, OLD.interval, OLD.interval_count, OLD.trial_days, OLD.grace_days, OLD.trial_end, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.plan_name, NEW.duration, NEW.currency, NEW.unit_price, NEW.interval, NEW.interval_count, NEW.trial_days, NEW.grace_days, NEW.trial_end, NEW.created_at))
    EXECUTE FUNCTION refuse('whose a subscription is, for what, and the terms it was sold with never change');
"""
LANDED = import_module("subscriptions.migrations.0003_guards").FORWARD
BACKWARD = "".join(
    re.search(rf"CREATE TRIGGER {name} .*?;\n", LANDED, re.DOTALL)[0].replace("CREATE", "CREATE OR REPLACE")
    for name in re.findall("TRIGGER ([a-z_]+)", FORWARD)
)


class Migration(migrations.Migration):
    """Guards of subscriptions look only where something is set that they guard."""

    dependencies = [("subscriptions", "0006_one_trial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
