from django.db import migrations

# A transaction locks a lower bound of the numbers that it is going to draw, before it draws the first: who reads the
# journal sees by it what is not settled yet. The lock is shared, so nobody ever waits. It is taken anew for every
# event, which costs nothing where the transaction holds it already; that way the setting that remembers the bound
# need not be trusted, and a savepoint that is rolled back takes both with it. 0011-a-feed-without-gaps.md has more.
FORWARD = """
    CREATE FUNCTION journal_drawn() RETURNS bigint LANGUAGE sql VOLATILE AS $$
        SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM journal_event_seq_seq
    $$;

    CREATE FUNCTION journal_lock_floor() RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        told text := current_setting('journal.floor', true);
        drawn bigint := journal_drawn();
        floor bigint := drawn;
    BEGIN
        IF told ~ '^[0-9]{1,18}$' AND told::bigint BETWEEN drawn - 1073741824 AND drawn THEN
            floor := told::bigint;
        END IF;
        PERFORM pg_advisory_xact_lock_shared(1785689458, (floor % 2147483648)::integer);
        PERFORM set_config('journal.floor', floor::text, true);
    END $$;

    CREATE FUNCTION journal_settled() RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
    DECLARE
        drawn bigint;
        floor bigint;
    BEGIN
        IF pg_is_in_recovery() THEN
            RAISE EXCEPTION 'A standby does not know what is settled.' USING ERRCODE = 'read_only_sql_transaction';
        END IF;
        drawn := journal_drawn();
        SELECT min(drawn + mod(objid::bigint - mod(drawn, 2147483648) + 3221225472, 2147483648) - 1073741824)
        INTO floor FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 1785689458 AND objsubid = 2 AND mode = 'ShareLock' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
        RETURN LEAST(drawn, floor);
    END $$;

    CREATE FUNCTION journal_context() RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE
        told text := current_setting('journal.context', true);
    BEGIN
        IF told <> '' THEN
            BEGIN
                IF told::jsonb ->> 'type' <> '' THEN
                    RETURN told::jsonb;
                END IF;
            EXCEPTION WHEN OTHERS THEN
                NULL; -- It is no JSON. What was told wrongly was not told, and is no reason to refuse a change.
            END;
        END IF;
        RETURN jsonb_build_object('type', 'database', 'name', session_user, 'channel', 'sql');
    END $$;

    CREATE FUNCTION journal_write(
        kind text, object_type text, object_id text, user_id bigint, before jsonb, after jsonb
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        actor jsonb := journal_context();
    BEGIN
        PERFORM journal_lock_floor();
        INSERT INTO journal_event (
            at, kind, object_type, object_id, user_id, before, after,
            actor_type, actor_id, actor_name, channel, request_id, reason
        ) VALUES (
            clock_timestamp(), kind, object_type, object_id, user_id, before, after,
            actor ->> 'type',
            CASE WHEN actor ->> 'id' ~ '^[0-9]{1,18}$' THEN (actor ->> 'id')::bigint END,
            coalesce(actor ->> 'name', ''),
            coalesce(actor ->> 'channel', 'sql'),
            coalesce(actor ->> 'request_id', ''),
            coalesce(current_setting('journal.reason', true), '')
        );
    END $$;

    CREATE FUNCTION journal_shown(value jsonb, is_secret boolean) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE
            WHEN value = 'null' THEN value
            WHEN is_secret AND value IS NOT NULL THEN '"(secret)"'
            WHEN jsonb_typeof(value) = 'number' AND value::text LIKE '%.%' THEN to_jsonb(value::text)
            ELSE value
        END
    $$;

    CREATE FUNCTION journal_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
        old_row jsonb := coalesce(to_jsonb(OLD), '{}');
        new_row jsonb := coalesce(to_jsonb(NEW), '{}');
        whole jsonb := old_row || new_row;
        hidden text[] := string_to_array(TG_ARGV[3], ',');
        secret text[] := string_to_array(TG_ARGV[4], ',');
        before jsonb;
        after jsonb;
        verb text := CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END;
    BEGIN
        IF old_row = new_row THEN
            RETURN NULL;
        END IF;
        SELECT
            coalesce(jsonb_object_agg(name, journal_shown(old_row -> name, name = ANY (secret)))
                FILTER (WHERE old_row ? name), '{}'),
            coalesce(jsonb_object_agg(name, journal_shown(new_row -> name, name = ANY (secret)))
                FILTER (WHERE new_row ? name), '{}')
        INTO before, after FROM jsonb_object_keys(whole - hidden) AS name
        WHERE coalesce(old_row -> name, 'null') <> coalesce(new_row -> name, 'null');
        IF TG_OP = 'UPDATE' AND after = '{}' THEN
            RETURN NULL;
        END IF;
        IF TG_OP = 'UPDATE' AND after ? 'status' THEN
            verb := after ->> 'status';
        END IF;
        PERFORM journal_write(
            TG_ARGV[0] || '.' || verb, TG_ARGV[0], whole ->> TG_ARGV[1], (whole ->> NULLIF(TG_ARGV[2], ''))::bigint,
            before, after
        );
        RETURN NULL;
    END $$;

    CREATE FUNCTION journal_right_name(kind text, of_id bigint) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        found_name text;
    BEGIN
        IF kind = 'group' THEN
            SELECT name INTO found_name FROM auth_group WHERE id = of_id;
        ELSE
            SELECT app_label || '.' || codename INTO found_name FROM auth_permission AS permission
            JOIN django_content_type AS content_type ON content_type.id = permission.content_type_id
            WHERE permission.id = of_id;
        END IF;
        RETURN coalesce(found_name, '#' || of_id);
    END $$;

    CREATE FUNCTION journal_record_right() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
        old_row jsonb := to_jsonb(OLD);
        new_row jsonb := to_jsonb(NEW);
        holder text;
        whose bigint;
    BEGIN
        IF old_row = new_row THEN
            RETURN NULL;
        END IF;
        IF old_row IS NOT NULL THEN
            holder := old_row ->> TG_ARGV[1];
            whose := CASE WHEN TG_ARGV[0] = 'user' THEN holder::bigint END;
            PERFORM journal_write('right.revoked', TG_ARGV[0], holder, whose, jsonb_build_object(
                TG_ARGV[2], journal_right_name(TG_ARGV[2], (old_row ->> TG_ARGV[3])::bigint)), '{}');
        END IF;
        IF new_row IS NOT NULL THEN
            holder := new_row ->> TG_ARGV[1];
            whose := CASE WHEN TG_ARGV[0] = 'user' THEN holder::bigint END;
            PERFORM journal_write('right.granted', TG_ARGV[0], holder, whose, '{}', jsonb_build_object(
                TG_ARGV[2], journal_right_name(TG_ARGV[2], (new_row ->> TG_ARGV[3])::bigint)));
        END IF;
        RETURN NULL;
    END $$;

    DO $$
    BEGIN
        -- The definer's functions find their tables in this schema, and no temporary one that is called the same.
        EXECUTE format('ALTER FUNCTION journal_settled() SET search_path TO %I, pg_temp', current_schema());
        EXECUTE format('ALTER FUNCTION journal_record() SET search_path TO %I, pg_temp', current_schema());
        EXECUTE format('ALTER FUNCTION journal_record_right() SET search_path TO %I, pg_temp', current_schema());
    END $$;
    ALTER FUNCTION journal_record() SET timezone TO 'UTC';

    -- Whoever could attach them to a table of their own could write what they like.
    REVOKE EXECUTE ON FUNCTION journal_record(), journal_record_right(), journal_lock_floor(),
        journal_write(text, text, text, bigint, jsonb, jsonb) FROM PUBLIC;
"""
BACKWARD = """
    DROP FUNCTION journal_record_right();
    DROP FUNCTION journal_right_name(text, bigint);
    DROP FUNCTION journal_record();
    DROP FUNCTION journal_shown(jsonb, boolean);
    DROP FUNCTION journal_write(text, text, text, bigint, jsonb, jsonb);
    DROP FUNCTION journal_context();
    DROP FUNCTION journal_settled();
    DROP FUNCTION journal_lock_floor();
    DROP FUNCTION journal_drawn();
"""


class Migration(migrations.Migration):
    """Trigger functions that write down every change of a table which they are attached to."""

    dependencies = [("journal", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
