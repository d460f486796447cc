import re
from importlib import import_module

from django.db import migrations

# PostgreSQL reads the condition of a trigger anew for every statement, which costs more than what it compares. Where no
# column that a guard is about is set, the condition is not read at all; and the steps are one list, not one comparison
# for each end of each. What compares rows at the end of a transaction takes the one column that it needs from the row,
# and looks for a reversal only where there must be one.
FORWARD = """
    CREATE OR REPLACE TRIGGER payment_transition BEFORE UPDATE OF status ON payments_payment FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status <> ALL ('{pending confirmed,pending canceled,pending expired,canceled confirmed,expired confirmed,reversed confirmed,confirmed refunded,confirmed reversed}'))
    EXECUTE FUNCTION refuse('the state of this payment does not know this step');
    CREATE OR REPLACE TRIGGER payment_identity_never_changes BEFORE UPDATE OF id, user_id, subscription_id, plan_name, amount, currency, unit_price, duration, interval, interval_count, provider, page_key, created_at ON payments_payment FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.subscription_id, OLD.plan_name, OLD.amount, OLD.currency, OLD.unit_price, OLD.duration, OLD.interval, OLD.interval_count, OLD.provider, OLD.page_key, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.subscription_id, NEW.plan_name, NEW.amount, NEW.currency, NEW.unit_price, NEW.duration, NEW.interval, NEW.interval_count, NEW.provider, NEW.page_key, NEW.created_at))
    EXECUTE FUNCTION refuse('whose a payment is, for what, and how much never change');
    CREATE OR REPLACE TRIGGER payment_confirmed_facts_stay BEFORE UPDATE OF receipt_id, confirmed_at, confirmed_by_id, shortfall, unapplied ON payments_payment FOR EACH ROW
    WHEN ((OLD.receipt_id, OLD.confirmed_at, OLD.confirmed_by_id, OLD.shortfall) IS DISTINCT FROM (NEW.receipt_id, NEW.confirmed_at, NEW.confirmed_by_id, NEW.shortfall) AND NOT (NEW.status = 'confirmed' AND OLD.status <> 'confirmed') OR NEW.unapplied AND NOT OLD.unapplied AND NOT (NEW.status = 'confirmed' AND OLD.status <> 'confirmed') OR OLD.unapplied AND NOT NEW.unapplied AND NEW.status = OLD.status)
    EXECUTE FUNCTION refuse('what was confirmed, by whom and with which money stays');
    CREATE OR REPLACE TRIGGER payment_coverage_never_moves BEFORE UPDATE OF covers_from, covers_to, taken_back_on ON payments_payment FOR EACH ROW
    WHEN ((OLD.covers_from, OLD.covers_to, OLD.taken_back_on) IS DISTINCT FROM (NEW.covers_from, NEW.covers_to, NEW.taken_back_on) AND ((NEW.status = 'confirmed' AND OLD.status <> 'confirmed') AND (OLD.covers_from IS NULL OR OLD.taken_back_on IS NOT NULL) AND NEW.taken_back_on IS NULL) IS NOT TRUE AND (OLD.status = 'confirmed' AND OLD.covers_from IS NOT NULL AND OLD.taken_back_on IS NULL AND ((NEW.covers_from, NEW.covers_to) IS NOT DISTINCT FROM (OLD.covers_from, NEW.taken_back_on) AND NEW.taken_back_on < OLD.covers_to OR NEW.covers_from IS NULL AND NEW.covers_to IS NULL AND NEW.taken_back_on = OLD.covers_from)) IS NOT TRUE)
    EXECUTE FUNCTION refuse('coverage is granted once and at most shortened once');
    CREATE OR REPLACE TRIGGER receipt_identity_never_changes BEFORE UPDATE OF id, user_id, source, source_key, amount, currency, recorded_by_id, created_at ON payments_receipt FOR EACH ROW
    WHEN ((OLD.id, OLD.user_id, OLD.source, OLD.source_key, OLD.amount, OLD.currency, OLD.recorded_by_id, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.source, NEW.source_key, NEW.amount, NEW.currency, NEW.recorded_by_id, NEW.created_at))
    EXECUTE FUNCTION refuse('whose money it is, how much and from where never change');
    CREATE OR REPLACE TRIGGER receipt_facts_stay BEFORE UPDATE OF evidence, evidence_key, received_on, voided_at, reversed_amount, refunded_amount ON payments_receipt FOR EACH ROW
    WHEN (OLD.evidence IS NOT NULL AND (OLD.evidence, OLD.evidence_key) IS DISTINCT FROM (NEW.evidence, NEW.evidence_key) OR OLD.received_on IS NOT NULL AND OLD.received_on IS DISTINCT FROM NEW.received_on OR OLD.voided_at IS NOT NULL AND OLD.voided_at IS DISTINCT FROM NEW.voided_at OR NEW.reversed_amount < OLD.reversed_amount OR NEW.refunded_amount < OLD.refunded_amount AND NEW.reversed_amount = OLD.reversed_amount)
    EXECUTE FUNCTION refuse('what is known of money that came in stays');
    CREATE OR REPLACE TRIGGER receipt_allocations_are_counted BEFORE UPDATE OF allocated_amount ON payments_receipt FOR EACH ROW
    WHEN (NEW.allocated_amount <> OLD.allocated_amount AND pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('what is allocated is counted from the allocations alone');
    CREATE OR REPLACE TRIGGER refund_transition BEFORE UPDATE OF status ON payments_refund FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status <> ALL ('{due paid,due canceled}'))
    EXECUTE FUNCTION refuse('the state of this refund does not know this step');
    CREATE OR REPLACE TRIGGER refund_identity_never_changes BEFORE UPDATE OF id, payment_id, user_id, amount, currency, coverage, reason, recorded_by_id, created_at ON payments_refund FOR EACH ROW
    WHEN ((OLD.id, OLD.payment_id, OLD.user_id, OLD.amount, OLD.currency, OLD.coverage, OLD.reason, OLD.recorded_by_id, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.payment_id, NEW.user_id, NEW.amount, NEW.currency, NEW.coverage, NEW.reason, NEW.recorded_by_id, NEW.created_at))
    EXECUTE FUNCTION refuse('what was given back, of which payment and why never change');
    CREATE OR REPLACE TRIGGER refund_facts_stay BEFORE UPDATE OF evidence, evidence_key, paid_at ON payments_refund FOR EACH ROW
    WHEN (NEW.status = OLD.status AND (OLD.evidence, OLD.evidence_key, OLD.paid_at) IS DISTINCT FROM (NEW.evidence, NEW.evidence_key, NEW.paid_at))
    EXECUTE FUNCTION refuse('the evidence of a refund stays');
    CREATE OR REPLACE TRIGGER subscription_steps_back BEFORE UPDATE OF status ON subscriptions_subscription FOR EACH ROW
    WHEN (OLD.status IN ('active', 'past_due') AND NEW.status IN ('trialing', 'pending'))
    EXECUTE FUNCTION subscription_steps_back();
    CREATE OR REPLACE FUNCTION payment_money_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        changed bigint;
        paid payments_payment;
        settled numeric;
        by_its_receipt boolean;
        agrees boolean;
    BEGIN
        IF TG_TABLE_NAME = 'payments_payment' THEN
            changed := NEW.id;
        ELSIF TG_OP = 'DELETE' THEN
            changed := OLD.payment_id;
        ELSE
            changed := NEW.payment_id;
        END IF;
        SELECT * INTO paid FROM payments_payment WHERE id = changed;
        SELECT coalesce(sum(amount) FILTER (WHERE receipt_id = paid.receipt_id), 0), bool_and(receipt_id = paid.receipt_id)
        INTO settled, by_its_receipt FROM payments_allocation WHERE payment_id = paid.id;
        agrees := by_its_receipt IS NOT FALSE AND CASE
            WHEN paid.status = 'confirmed' AND NOT paid.unapplied THEN settled = paid.amount - paid.shortfall
            WHEN paid.status = 'refunded' THEN settled = paid.amount - paid.shortfall
                OR settled = 0 AND paid.covers_from IS NULL AND paid.taken_back_on IS NULL
            ELSE settled = 0 END;
        IF agrees AND paid.status = 'reversed' THEN
            agrees := EXISTS (
                SELECT FROM payments_reversal v WHERE v.payment_id = paid.id AND v.kind = paid.reversal_kind
                AND v.created_at >= paid.confirmed_at AND v.receipt_id IS NOT DISTINCT FROM paid.receipt_id
                AND (v.kind = 'moved' OR v.receipt_id IS NULL OR v.amount > 0));
        END IF;
        IF NOT agrees THEN
            RAISE EXCEPTION 'what settles a payment is its amount less the shortfall while it counts, and nothing otherwise'
                USING ERRCODE = 'P0001', CONSTRAINT = 'payment_money_agrees', TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NULL;
    END $$;
    CREATE OR REPLACE FUNCTION subscription_coverage_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        runs bigint;
    BEGIN
        IF TG_TABLE_NAME = 'payments_payment' THEN
            runs := NEW.subscription_id;
        ELSE
            runs := NEW.id;
        END IF;
        PERFORM FROM subscriptions_subscription s WHERE s.id = runs AND (s.status = 'canceled' OR s.covered_until IS NULL
            OR s.covered_until = (SELECT max(covers_to) FROM payments_payment WHERE subscription_id = runs));
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a subscription is covered until its last payment says'
                USING ERRCODE = 'P0001', CONSTRAINT = 'subscription_coverage_agrees', TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NULL;
    END $$;
"""
LANDED = import_module("payments.migrations.0006_guards").FORWARD
BACKWARD = "".join(
    re.search(rf"CREATE {kind} {name}\b.*?{end}\n", LANDED, re.DOTALL)[0].replace("CREATE", "CREATE OR REPLACE", 1)
    for kind, end in (("TRIGGER", ";"), ("FUNCTION", r"END \$\$;"))
    for name in re.findall(rf"REPLACE {kind} ([a-z_]+)", FORWARD)
)


class Migration(migrations.Migration):
    """Guards of money look only where something is set that they guard, and at no more than they need."""

    dependencies = [("payments", "0013_no_patterns"), ("subscriptions", "0007_lean_guards")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
