from django.db import migrations

# TRUNCATE is refused by rights, not by a trigger: tests empty their tables with it. An owner that gave INSERT away
# could not write in the trigger functions either, which act as the owner; so that is left to a trigger.
FORWARD = """
    CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION 'The journal is written by triggers, and nothing in it ever changes.'
            USING ERRCODE = 'P0001', CONSTRAINT = 'journal_is_append_only', TABLE = TG_TABLE_NAME;
    END $$;
    CREATE TRIGGER journal_is_append_only BEFORE INSERT OR UPDATE OR DELETE ON journal_event
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();
    CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE ON journal_seal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();
    REVOKE UPDATE, DELETE, TRUNCATE ON journal_event, journal_seal FROM CURRENT_USER;
"""
BACKWARD = """
    GRANT UPDATE, DELETE, TRUNCATE ON journal_event, journal_seal TO CURRENT_USER;
    DROP TRIGGER journal_is_append_only ON journal_seal;
    DROP TRIGGER journal_is_append_only ON journal_event;
    DROP FUNCTION journal_is_append_only();
"""


class Migration(migrations.Migration):
    """The journal only grows, whoever asks."""

    dependencies = [("journal", "0003_seals")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
