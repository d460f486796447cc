from importlib import import_module

from django.db import migrations

# What the functions do and write is as before; they do it with fewer look-ups, and each only once:
#
# - The last number drawn is read from the sequence itself. Where none was ever drawn that says nothing, and the query
#   before answers. The lock is taken for every event as before; what remembers the bound is written only when it
#   changes.
# - The context is read once. `{}` and the rest of what is no context end where they did: in the role of the database.
# - The difference of an update is one pass over the new row; of a row that comes or goes there is nothing to compare.
# - `journal_shown` was IMMUTABLE and called what is STABLE, so that it was never made a part of the query.
FORWARD = """
    CREATE OR REPLACE FUNCTION journal_lock_floor() RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        told text := current_setting('journal.floor', true);
        drawn bigint := coalesce(pg_sequence_last_value('journal_event_seq_seq'), journal_drawn());
        floor bigint := drawn;
    BEGIN
        IF told ~ '^[0-9]{1,18}$' AND told::bigint BETWEEN drawn - 1073741824 AND drawn THEN
            floor := told::bigint;
        END IF;
        PERFORM pg_advisory_xact_lock_shared(1785689458, (floor % 2147483648)::integer);
        IF told IS DISTINCT FROM floor::text THEN
            PERFORM set_config('journal.floor', floor::text, true);
        END IF;
    END $$;

    CREATE OR REPLACE FUNCTION journal_context() RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE
        told jsonb;
    BEGIN
        BEGIN
            told := NULLIF(current_setting('journal.context', true), '');
        EXCEPTION WHEN OTHERS THEN
            NULL; -- It is no JSON. What was told wrongly was not told, and is no reason to refuse a change.
        END;
        IF told ->> 'type' <> '' THEN
            RETURN told;
        END IF;
        RETURN jsonb_build_object('type', 'database', 'name', session_user, 'channel', 'sql');
    END $$;

    CREATE OR REPLACE FUNCTION journal_shown(value jsonb, is_secret boolean) RETURNS jsonb LANGUAGE sql STABLE AS $$
        SELECT CASE
            WHEN is_secret AND value <> 'null' THEN '"(secret)"'
            WHEN jsonb_typeof(value) = 'number' AND value::text LIKE '%.%' THEN to_jsonb(value::text)
            ELSE value
        END
    $$;

    CREATE OR REPLACE FUNCTION journal_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
        row_now jsonb := to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END);
        hidden text[] := string_to_array(TG_ARGV[3], ',');
        secret text[] := string_to_array(TG_ARGV[4], ',');
        seen_now jsonb := row_now - hidden;
        seen_before jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) - hidden END;
        before jsonb := '{}';
        after jsonb := '{}';
        verb text := CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END;
    BEGIN
        IF seen_before = seen_now THEN
            RETURN NULL;
        END IF;
        IF TG_OP = 'UPDATE' THEN
            SELECT
                jsonb_object_agg(key, journal_shown(seen_before -> key, key = ANY (secret))),
                jsonb_object_agg(key, journal_shown(value, key = ANY (secret)))
            INTO before, after FROM jsonb_each(seen_now) WHERE value <> seen_before -> key;
            IF after ? 'status' THEN
                verb := after ->> 'status';
            END IF;
        ELSE
            SELECT coalesce(jsonb_object_agg(key, journal_shown(value, key = ANY (secret))), '{}')
            INTO after FROM jsonb_each(seen_now) WHERE value <> 'null';
            IF TG_OP = 'DELETE' THEN
                before := after;
                after := '{}';
            END IF;
        END IF;
        PERFORM journal_write(
            TG_ARGV[0] || '.' || verb, TG_ARGV[0], row_now ->> TG_ARGV[1], (row_now ->> NULLIF(TG_ARGV[2], ''))::bigint,
            before, after
        );
        RETURN NULL;
    END $$;

    DO $$
    BEGIN
        EXECUTE format('ALTER FUNCTION journal_record() SET search_path TO %I, pg_temp', current_schema());
    END $$;
    ALTER FUNCTION journal_record() SET timezone TO 'UTC';
"""
BACKWARD = import_module("journal.migrations.0002_record").FORWARD.replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)


class Migration(migrations.Migration):
    """The journal is written with fewer look-ups; what it says is the same."""

    dependencies = [("journal", "0005_search")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
