from django.db import migrations

FORWARD = """
    CREATE TRIGGER payment_birth BEFORE INSERT ON payments_payment FOR EACH ROW
    WHEN (NOT ((NEW.status = 'pending') OR (NEW.status = 'confirmed' AND NEW.provider = 'grant' AND NEW.amount = 0)))
    EXECUTE FUNCTION refuse('no payment is born in this state');
    CREATE TRIGGER payment_transition BEFORE UPDATE ON payments_payment FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('pending', 'confirmed'), ('pending', 'canceled'), ('pending', 'expired'), ('canceled', 'confirmed'), ('expired', 'confirmed'), ('reversed', 'confirmed'), ('confirmed', 'refunded'), ('confirmed', 'reversed')))
    EXECUTE FUNCTION refuse('the state of this payment does not know this step');
    CREATE TRIGGER payment_born_without_history BEFORE INSERT ON payments_payment FOR EACH ROW
    WHEN (NEW.refunded_amount <> 0 OR NEW.taken_back_on IS NOT NULL OR NEW.unapplied OR NEW.shortfall <> 0)
    EXECUTE FUNCTION refuse('nothing has happened yet to the money of a new payment');
    CREATE TRIGGER payment_identity_never_changes BEFORE UPDATE ON payments_payment FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.subscription_id, OLD.plan_name, OLD.amount, OLD.currency, OLD.unit_price, OLD.duration, OLD.interval, OLD.interval_count, OLD.provider, OLD.page_key, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.subscription_id, NEW.plan_name, NEW.amount, NEW.currency, NEW.unit_price, NEW.duration, NEW.interval, NEW.interval_count, NEW.provider, NEW.page_key, NEW.created_at))
    EXECUTE FUNCTION refuse('whose a payment is, for what, and how much never change');
    CREATE TRIGGER payment_confirmed_facts_stay BEFORE UPDATE ON payments_payment FOR EACH ROW
    WHEN ((OLD.receipt_id, OLD.confirmed_at, OLD.confirmed_by_id, OLD.shortfall) IS DISTINCT FROM (NEW.receipt_id, NEW.confirmed_at, NEW.confirmed_by_id, NEW.shortfall) AND NOT (NEW.status = 'confirmed' AND OLD.status <> 'confirmed') OR NEW.unapplied AND NOT OLD.unapplied AND NOT (NEW.status = 'confirmed' AND OLD.status <> 'confirmed') OR OLD.unapplied AND NOT NEW.unapplied AND NEW.status = OLD.status)
    EXECUTE FUNCTION refuse('what was confirmed, by whom and with which money stays');
    CREATE TRIGGER payment_coverage_never_moves BEFORE UPDATE ON payments_payment FOR EACH ROW
    WHEN ((OLD.covers_from, OLD.covers_to, OLD.taken_back_on) IS DISTINCT FROM (NEW.covers_from, NEW.covers_to, NEW.taken_back_on) AND ((NEW.status = 'confirmed' AND OLD.status <> 'confirmed') AND (OLD.covers_from IS NULL OR OLD.taken_back_on IS NOT NULL) AND NEW.taken_back_on IS NULL) IS NOT TRUE AND (OLD.status = 'confirmed' AND OLD.covers_from IS NOT NULL AND OLD.taken_back_on IS NULL AND ((NEW.covers_from, NEW.covers_to) IS NOT DISTINCT FROM (OLD.covers_from, NEW.taken_back_on) AND NEW.taken_back_on < OLD.covers_to OR NEW.covers_from IS NULL AND NEW.covers_to IS NULL AND NEW.taken_back_on = OLD.covers_from)) IS NOT TRUE)
    EXECUTE FUNCTION refuse('coverage is granted once and at most shortened once');
    CREATE TRIGGER payment_never_deleted BEFORE DELETE ON payments_payment FOR EACH ROW
    WHEN (true)
    EXECUTE FUNCTION refuse('no payment is ever deleted');
    CREATE TRIGGER receipt_birth BEFORE INSERT ON payments_receipt FOR EACH ROW
    WHEN (NEW.allocated_amount <> 0 OR NEW.reversed_amount <> 0 OR NEW.refunded_amount <> 0 OR NEW.voided_at IS NOT NULL)
    EXECUTE FUNCTION refuse('nothing has happened yet to money that comes in');
    CREATE TRIGGER receipt_identity_never_changes BEFORE UPDATE ON payments_receipt FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.source, OLD.source_key, OLD.amount, OLD.currency, OLD.recorded_by_id, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.source, NEW.source_key, NEW.amount, NEW.currency, NEW.recorded_by_id, NEW.created_at))
    EXECUTE FUNCTION refuse('whose money it is, how much and from where never change');
    CREATE TRIGGER receipt_facts_stay BEFORE UPDATE ON payments_receipt FOR EACH ROW
    WHEN (OLD.evidence IS NOT NULL AND (OLD.evidence, OLD.evidence_key) IS DISTINCT FROM (NEW.evidence, NEW.evidence_key) OR OLD.received_on IS NOT NULL AND OLD.received_on IS DISTINCT FROM NEW.received_on OR OLD.voided_at IS NOT NULL AND OLD.voided_at IS DISTINCT FROM NEW.voided_at OR NEW.reversed_amount < OLD.reversed_amount OR NEW.refunded_amount < OLD.refunded_amount AND NEW.reversed_amount = OLD.reversed_amount)
    EXECUTE FUNCTION refuse('what is known of money that came in stays');
    CREATE TRIGGER receipt_allocations_are_counted BEFORE UPDATE ON payments_receipt FOR EACH ROW
    WHEN (NEW.allocated_amount <> OLD.allocated_amount AND pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('what is allocated is counted from the allocations alone');
    CREATE TRIGGER receipt_never_deleted BEFORE DELETE ON payments_receipt FOR EACH ROW
    WHEN (true)
    EXECUTE FUNCTION refuse('no receipt is ever deleted');
    CREATE TRIGGER refund_birth BEFORE INSERT ON payments_refund FOR EACH ROW
    WHEN (NOT ((NEW.status = 'due') OR (NEW.status = 'paid')))
    EXECUTE FUNCTION refuse('no refund is born in this state');
    CREATE TRIGGER refund_transition BEFORE UPDATE ON payments_refund FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (('due', 'paid'), ('due', 'canceled')))
    EXECUTE FUNCTION refuse('the state of this refund does not know this step');
    CREATE TRIGGER refund_identity_never_changes BEFORE UPDATE ON payments_refund FOR EACH ROW
    WHEN ((OLD.id, OLD.payment_id, OLD.user_id, OLD.amount, OLD.currency, OLD.coverage, OLD.reason, OLD.recorded_by_id, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.payment_id, NEW.user_id, NEW.amount, NEW.currency, NEW.coverage, NEW.reason, NEW.recorded_by_id, NEW.created_at))
    EXECUTE FUNCTION refuse('what was given back, of which payment and why never change');
    CREATE TRIGGER refund_facts_stay BEFORE UPDATE ON payments_refund FOR EACH ROW
    WHEN (NEW.status = OLD.status AND (OLD.evidence, OLD.evidence_key, OLD.paid_at) IS DISTINCT FROM (NEW.evidence, NEW.evidence_key, NEW.paid_at))
    EXECUTE FUNCTION refuse('the evidence of a refund stays');
    CREATE TRIGGER refund_never_deleted BEFORE DELETE ON payments_refund FOR EACH ROW
    WHEN (true)
    EXECUTE FUNCTION refuse('no refund is ever deleted');
    CREATE TRIGGER reversal_never_changes BEFORE UPDATE ON payments_reversal FOR EACH ROW
    WHEN (true)
    EXECUTE FUNCTION refuse('a reversal never changes');
    CREATE TRIGGER reversal_never_deleted BEFORE DELETE ON payments_reversal FOR EACH ROW
    WHEN (true)
    EXECUTE FUNCTION refuse('no reversal is ever deleted');
    CREATE TRIGGER allocation_never_changes BEFORE UPDATE ON payments_allocation FOR EACH ROW
    WHEN (true)
    EXECUTE FUNCTION refuse('an allocation never changes');
    ALTER TABLE payments_payment ADD CONSTRAINT payment_of_receipt_owner
        FOREIGN KEY (receipt_id, user_id, currency) REFERENCES payments_receipt (id, user_id, currency);
    -- Days and weeks are exact; a month or year ends up to three days later than the calendar says, where the anchor day is.
    ALTER TABLE payments_payment ADD CONSTRAINT payment_coverage_follows_terms CHECK (
        covers_from IS NULL
        OR covers_to <= CASE "interval"
            WHEN 'day' THEN covers_from + interval_count * duration
            WHEN 'week' THEN covers_from + interval_count * duration * 7
            WHEN 'month' THEN (covers_from + make_interval(months => interval_count * duration))::date + 3
            ELSE (covers_from + make_interval(years => interval_count * duration))::date + 3 END
        AND (taken_back_on IS NOT NULL OR covers_to >= CASE "interval"
            WHEN 'day' THEN covers_from + interval_count * duration
            WHEN 'week' THEN covers_from + interval_count * duration * 7
            WHEN 'month' THEN (covers_from + make_interval(months => interval_count * duration))::date
            ELSE (covers_from + make_interval(years => interval_count * duration))::date END));
    ALTER TABLE payments_payment ADD CONSTRAINT payment_confirmed_by_somebody CHECK (
        status NOT IN ('confirmed', 'refunded') OR confirmed_by_id IS NOT NULL);
    ALTER TABLE payments_payment ADD CONSTRAINT payment_grant_is_days CHECK (
        provider <> 'grant' OR "interval" = 'day' AND duration = 1 AND interval_count <= 366);
    ALTER TABLE payments_receipt ADD CONSTRAINT receipt_recorded_by_another CHECK (recorded_by_id <> user_id);
    ALTER TABLE payments_refund ADD CONSTRAINT refund_recorded_by_another CHECK (recorded_by_id <> user_id);
    ALTER TABLE payments_reversal ADD CONSTRAINT reversal_recorded_by_another CHECK (recorded_by_id <> user_id);
    ALTER TABLE payments_payment ADD CONSTRAINT payment_coverage_within_ten_years CHECK (
        covers_to <= ((confirmed_at AT TIME ZONE 'UTC') + interval '10 years 2 days')::date);
    ALTER TABLE payments_refund ADD CONSTRAINT refund_of_payment_owner
        FOREIGN KEY (payment_id, user_id, currency) REFERENCES payments_payment (id, user_id, currency);
    ALTER TABLE payments_reversal ADD CONSTRAINT reversal_of_payment_owner
        FOREIGN KEY (payment_id, user_id, currency) REFERENCES payments_payment (id, user_id, currency);
    ALTER TABLE payments_reversal ADD CONSTRAINT reversal_of_receipt_owner
        FOREIGN KEY (receipt_id, user_id, currency) REFERENCES payments_receipt (id, user_id, currency);
    CREATE FUNCTION allocation_fits_its_payment() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        paid text;
    BEGIN
        SELECT status INTO paid FROM payments_payment WHERE id = coalesce(NEW.payment_id, OLD.payment_id);
        IF TG_OP = 'INSERT' AND paid IS DISTINCT FROM 'confirmed' OR TG_OP = 'DELETE' AND paid IS DISTINCT FROM 'reversed' THEN
            RAISE EXCEPTION 'only a confirmed payment is settled, and only a reversed one is not any more'
                USING ERRCODE = 'P0001', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
        RETURN coalesce(NEW, OLD);
    END $$;
    CREATE TRIGGER allocation_fits_its_payment BEFORE INSERT OR DELETE ON payments_allocation
    FOR EACH ROW EXECUTE FUNCTION allocation_fits_its_payment();
    CREATE FUNCTION payment_refunds_agree() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        paid bigint := CASE WHEN TG_TABLE_NAME = 'payments_payment' THEN (to_jsonb(NEW) ->> 'id')::bigint
                            ELSE (to_jsonb(NEW) ->> 'payment_id')::bigint END;
    BEGIN
        PERFORM FROM payments_payment p WHERE p.id = paid AND p.refunded_amount = (
            SELECT coalesce(sum(r.amount), 0) FROM payments_refund r WHERE r.payment_id = paid AND r.status <> 'canceled');
        IF NOT FOUND THEN
            RAISE EXCEPTION 'what was given back of a payment is the sum of its refunds'
                USING ERRCODE = 'P0001', CONSTRAINT = 'payment_refunds_agree', TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER payment_refunds_agree AFTER UPDATE OF refunded_amount ON payments_payment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payment_refunds_agree();
    CREATE CONSTRAINT TRIGGER payment_refunds_agree AFTER INSERT OR UPDATE ON payments_refund
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payment_refunds_agree();
    CREATE FUNCTION receipt_reversals_agree() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        received bigint := CASE WHEN TG_TABLE_NAME = 'payments_receipt' THEN (to_jsonb(NEW) ->> 'id')::bigint
                                ELSE (to_jsonb(NEW) ->> 'receipt_id')::bigint END;
    BEGIN
        PERFORM FROM payments_receipt p WHERE p.id = received AND p.reversed_amount = (
            SELECT coalesce(sum(r.amount), 0) FROM payments_reversal r WHERE r.receipt_id = received)
        -- Evidence is free again where all of it was a mistake; what the bank took back did come.
        AND (p.voided_at IS NULL OR NOT EXISTS (
            SELECT FROM payments_reversal r WHERE r.receipt_id = received AND r.kind = 'returned_by_bank'));
        IF NOT FOUND AND received IS NOT NULL THEN
            RAISE EXCEPTION 'what a receipt lost is the sum of the reversals'
                USING ERRCODE = 'P0001', CONSTRAINT = 'receipt_reversals_agree', TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER receipt_reversals_agree AFTER UPDATE OF reversed_amount, voided_at ON payments_receipt
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION receipt_reversals_agree();
    CREATE CONSTRAINT TRIGGER receipt_reversals_agree AFTER INSERT ON payments_reversal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION receipt_reversals_agree();
    CREATE FUNCTION receipt_refunds_agree() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM payments_receipt r WHERE r.id = NEW.id AND r.refunded_amount <= (
            SELECT coalesce(sum(f.amount), 0) FROM payments_refund f JOIN payments_payment p ON p.id = f.payment_id
            WHERE p.receipt_id = NEW.id AND f.status <> 'canceled');
        IF NOT FOUND THEN
            RAISE EXCEPTION 'what was given back of a receipt is what refunds of its payments gave back'
                USING ERRCODE = 'P0001', CONSTRAINT = 'receipt_refunds_agree', TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER receipt_refunds_agree AFTER UPDATE ON payments_receipt FOR EACH ROW
    WHEN (NEW.refunded_amount > OLD.refunded_amount)
    EXECUTE FUNCTION receipt_refunds_agree();
    CREATE FUNCTION payment_money_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        changed jsonb := to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END);
        paid payments_payment;
        settled numeric;
        by_its_receipt boolean;
        agrees boolean;
    BEGIN
        SELECT * INTO paid FROM payments_payment
        WHERE id = (changed ->> CASE TG_TABLE_NAME WHEN 'payments_payment' THEN 'id' ELSE 'payment_id' END)::bigint;
        SELECT coalesce(sum(amount) FILTER (WHERE receipt_id = paid.receipt_id), 0), bool_and(receipt_id = paid.receipt_id)
        INTO settled, by_its_receipt FROM payments_allocation WHERE payment_id = paid.id;
        agrees := by_its_receipt IS NOT FALSE AND CASE
            WHEN paid.status = 'confirmed' AND NOT paid.unapplied THEN settled = paid.amount - paid.shortfall
            WHEN paid.status = 'refunded' THEN settled = paid.amount - paid.shortfall
                OR settled = 0 AND paid.covers_from IS NULL AND paid.taken_back_on IS NULL
            WHEN paid.status = 'reversed' THEN settled = 0 AND EXISTS (
                SELECT FROM payments_reversal v WHERE v.payment_id = paid.id AND v.kind = paid.reversal_kind
                AND v.created_at >= paid.confirmed_at AND v.receipt_id IS NOT DISTINCT FROM paid.receipt_id
                AND (v.kind = 'moved' OR v.receipt_id IS NULL OR v.amount > 0))
            ELSE settled = 0 END;
        IF NOT agrees THEN
            RAISE EXCEPTION 'what settles a payment is its amount less the shortfall while it counts, and nothing otherwise'
                USING ERRCODE = 'P0001', CONSTRAINT = 'payment_money_agrees', TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER payment_money_agrees AFTER UPDATE ON payments_payment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.status, OLD.unapplied) IS DISTINCT FROM (NEW.status, NEW.unapplied))
    EXECUTE FUNCTION payment_money_agrees();
    CREATE CONSTRAINT TRIGGER payment_money_agrees AFTER INSERT OR DELETE ON payments_allocation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payment_money_agrees();
    CREATE FUNCTION subscription_coverage_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        runs bigint := (to_jsonb(NEW) ->> CASE TG_TABLE_NAME WHEN 'payments_payment' THEN 'subscription_id' ELSE 'id' END)::bigint;
    BEGIN
        PERFORM FROM subscriptions_subscription s WHERE s.id = runs AND (s.status = 'canceled' OR s.covered_until IS NULL
            OR s.covered_until = (SELECT max(covers_to) FROM payments_payment WHERE subscription_id = runs));
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a subscription is covered until its last payment says'
                USING ERRCODE = 'P0001', CONSTRAINT = 'subscription_coverage_agrees', TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER subscription_coverage_agrees AFTER UPDATE ON subscriptions_subscription
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.covered_until IS DISTINCT FROM OLD.covered_until
          OR NEW.status IN ('active', 'past_due') AND OLD.status NOT IN ('active', 'past_due'))
    EXECUTE FUNCTION subscription_coverage_agrees();
    CREATE CONSTRAINT TRIGGER subscription_coverage_agrees AFTER UPDATE ON payments_payment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.covers_to IS DISTINCT FROM NEW.covers_to)
    EXECUTE FUNCTION subscription_coverage_agrees();
    CREATE FUNCTION payment_terms_are_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM subscriptions_subscription s WHERE s.id = NEW.subscription_id
            AND (s.plan_name, s.currency, s."interval", s.interval_count, s.unit_price)
                = (NEW.plan_name, NEW.currency, NEW."interval", NEW.interval_count, NEW.unit_price);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'money is asked for on the terms that its subscription was sold with'
                USING ERRCODE = 'P0001', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER payment_terms_are_agreed BEFORE INSERT ON payments_payment FOR EACH ROW
    WHEN (NEW.provider <> 'grant') EXECUTE FUNCTION payment_terms_are_agreed();
    CREATE FUNCTION subscription_steps_back() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM payments_payment WHERE subscription_id = NEW.id
            AND (status IN ('refunded', 'reversed') OR taken_back_on IS NOT NULL);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'only a refund or a reversal makes a paid subscription wait again'
                USING ERRCODE = 'P0001', CONSTRAINT = 'subscription_transition', TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER subscription_steps_back BEFORE UPDATE ON subscriptions_subscription FOR EACH ROW
    WHEN (OLD.status IN ('active', 'past_due') AND NEW.status IN ('trialing', 'pending'))
    EXECUTE FUNCTION subscription_steps_back();
"""
BACKWARD = """
    DROP TRIGGER subscription_steps_back ON subscriptions_subscription;
    DROP FUNCTION subscription_steps_back();
    DROP TRIGGER payment_terms_are_agreed ON payments_payment;
    DROP FUNCTION payment_terms_are_agreed();
    DROP TRIGGER subscription_coverage_agrees ON payments_payment;
    DROP TRIGGER subscription_coverage_agrees ON subscriptions_subscription;
    DROP FUNCTION subscription_coverage_agrees();
    DROP TRIGGER payment_money_agrees ON payments_allocation;
    DROP TRIGGER payment_money_agrees ON payments_payment;
    DROP FUNCTION payment_money_agrees();
    DROP TRIGGER receipt_refunds_agree ON payments_receipt;
    DROP FUNCTION receipt_refunds_agree();
    DROP TRIGGER receipt_reversals_agree ON payments_reversal;
    DROP TRIGGER receipt_reversals_agree ON payments_receipt;
    DROP FUNCTION receipt_reversals_agree();
    DROP TRIGGER payment_refunds_agree ON payments_refund;
    DROP TRIGGER payment_refunds_agree ON payments_payment;
    DROP FUNCTION payment_refunds_agree();
    DROP TRIGGER allocation_fits_its_payment ON payments_allocation;
    DROP FUNCTION allocation_fits_its_payment();
    ALTER TABLE payments_reversal DROP CONSTRAINT reversal_of_receipt_owner;
    ALTER TABLE payments_reversal DROP CONSTRAINT reversal_of_payment_owner;
    ALTER TABLE payments_refund DROP CONSTRAINT refund_of_payment_owner;
    ALTER TABLE payments_payment DROP CONSTRAINT payment_coverage_within_ten_years;
    ALTER TABLE payments_reversal DROP CONSTRAINT reversal_recorded_by_another;
    ALTER TABLE payments_refund DROP CONSTRAINT refund_recorded_by_another;
    ALTER TABLE payments_receipt DROP CONSTRAINT receipt_recorded_by_another;
    ALTER TABLE payments_payment DROP CONSTRAINT payment_grant_is_days;
    ALTER TABLE payments_payment DROP CONSTRAINT payment_confirmed_by_somebody;
    ALTER TABLE payments_payment DROP CONSTRAINT payment_coverage_follows_terms;
    ALTER TABLE payments_payment DROP CONSTRAINT payment_of_receipt_owner;

    DROP TRIGGER allocation_never_changes ON payments_allocation;
    DROP TRIGGER reversal_never_deleted ON payments_reversal;
    DROP TRIGGER reversal_never_changes ON payments_reversal;
    DROP TRIGGER refund_never_deleted ON payments_refund;
    DROP TRIGGER refund_facts_stay ON payments_refund;
    DROP TRIGGER refund_identity_never_changes ON payments_refund;
    DROP TRIGGER refund_transition ON payments_refund;
    DROP TRIGGER refund_birth ON payments_refund;
    DROP TRIGGER receipt_never_deleted ON payments_receipt;
    DROP TRIGGER receipt_allocations_are_counted ON payments_receipt;
    DROP TRIGGER receipt_facts_stay ON payments_receipt;
    DROP TRIGGER receipt_identity_never_changes ON payments_receipt;
    DROP TRIGGER receipt_birth ON payments_receipt;
    DROP TRIGGER payment_never_deleted ON payments_payment;
    DROP TRIGGER payment_coverage_never_moves ON payments_payment;
    DROP TRIGGER payment_confirmed_facts_stay ON payments_payment;
    DROP TRIGGER payment_identity_never_changes ON payments_payment;
    DROP TRIGGER payment_born_without_history ON payments_payment;
    DROP TRIGGER payment_transition ON payments_payment;
    DROP TRIGGER payment_birth ON payments_payment;
"""


class Migration(migrations.Migration):
    """Money steps as its tables say; what is known of it stays."""

    dependencies = [
        ("payments", "0005_refunds_and_reversals"),
        ("subscriptions", "0003_guards"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
