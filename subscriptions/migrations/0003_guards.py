from django.db import migrations

FORWARD = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'P0001', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END $$;
    CREATE TRIGGER subscription_birth BEFORE INSERT ON subscriptions_subscription FOR EACH ROW
    WHEN (NOT ((NEW.status = 'pending') OR (NEW.status = 'trialing')))
    EXECUTE FUNCTION refuse('no subscription is born in this state');
    CREATE TRIGGER subscription_transition BEFORE UPDATE ON subscriptions_subscription FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('pending', 'active'), ('pending', 'expired'), ('pending', 'canceled'), ('trialing', 'active'), ('trialing', 'expired'), ('trialing', 'canceled'), ('active', 'past_due'), ('active', 'expired'), ('active', 'canceled'), ('active', 'trialing'), ('active', 'pending'), ('past_due', 'active'), ('past_due', 'expired'), ('past_due', 'canceled'), ('past_due', 'trialing'), ('past_due', 'pending'), ('expired', 'active')))
    EXECUTE FUNCTION refuse('the state of this subscription does not know this step');
    CREATE TRIGGER subscription_identity_never_changes BEFORE UPDATE ON subscriptions_subscription FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.plan_name, OLD.duration, OLD.currency, OLD.unit_price, OLD.interval, OLD.interval_count, OLD.trial_days, OLD.grace_days, OLD.trial_end, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.plan_name, NEW.duration, NEW.currency, NEW.unit_price, NEW.interval, NEW.interval_count, NEW.trial_days, NEW.grace_days, NEW.trial_end, NEW.created_at))
    EXECUTE FUNCTION refuse('whose a subscription is, for what, and the terms it was sold with never change');
    CREATE TRIGGER subscription_never_deleted BEFORE DELETE ON subscriptions_subscription FOR EACH ROW
    WHEN (true)
    EXECUTE FUNCTION refuse('no subscription is ever deleted');
    -- Nothing gives access beyond what is covered, or tried, and its grace; midnights of all time zones are within two days.
    ALTER TABLE subscriptions_subscription ADD CONSTRAINT subscription_access_follows_term CHECK (
        access_until IS NULL OR coalesce(covered_until, trial_end) IS NOT NULL
        AND access_until <= ((coalesce(covered_until, trial_end) + grace_days + 2)::timestamp AT TIME ZONE 'UTC'));
    ALTER TABLE subscriptions_subscription ADD CONSTRAINT subscription_trial_follows_start CHECK (
        trial_end <= start_date + trial_days);
    CREATE FUNCTION subscription_terms_are_the_plans() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM subscriptions_plan p WHERE p.name = NEW.plan_name
            AND (p.price, p.currency, p."interval", p.interval_count, p.trial_days, p.grace_days)
                = (NEW.unit_price, NEW.currency, NEW."interval", NEW.interval_count, NEW.trial_days, NEW.grace_days);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a subscription is sold on the terms that its plan has at the time'
                USING ERRCODE = 'P0001', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER subscription_terms_are_the_plans BEFORE INSERT ON subscriptions_subscription
    FOR EACH ROW EXECUTE FUNCTION subscription_terms_are_the_plans();
"""
BACKWARD = """
    DROP TRIGGER subscription_terms_are_the_plans ON subscriptions_subscription;
    DROP FUNCTION subscription_terms_are_the_plans();
    ALTER TABLE subscriptions_subscription DROP CONSTRAINT subscription_trial_follows_start;
    ALTER TABLE subscriptions_subscription DROP CONSTRAINT subscription_access_follows_term;
    DROP TRIGGER subscription_never_deleted ON subscriptions_subscription;
    DROP TRIGGER subscription_identity_never_changes ON subscriptions_subscription;
    DROP TRIGGER subscription_transition ON subscriptions_subscription;
    DROP TRIGGER subscription_birth ON subscriptions_subscription;
    DROP FUNCTION refuse();
"""


class Migration(migrations.Migration):
    """Subscriptions step as their table says, and stay whose and what they were."""

    dependencies = [("subscriptions", "0002_plan_identity_never_changes")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
