from django.db import migrations

FORWARD = """
    CREATE FUNCTION plan_identity_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'name, interval, interval_count and currency of a plan never change'
            USING ERRCODE = 'P0001', CONSTRAINT = 'plan_identity_never_changes';
    END $$;
    CREATE TRIGGER plan_identity_never_changes BEFORE UPDATE ON subscriptions_plan FOR EACH ROW
    WHEN ((OLD.name, OLD.interval, OLD.interval_count, OLD.currency)
          IS DISTINCT FROM (NEW.name, NEW.interval, NEW.interval_count, NEW.currency))
    EXECUTE FUNCTION plan_identity_never_changes();
"""
BACKWARD = """
    DROP TRIGGER plan_identity_never_changes ON subscriptions_plan;
    DROP FUNCTION plan_identity_never_changes();
"""


class Migration(migrations.Migration):
    """Subscriptions are sold on these terms; another term is another plan."""

    dependencies = [("subscriptions", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
