from django.db import migrations

# The update of the receipt takes its row lock, so two allocations at once are counted one after the other, and the
# CHECK receipt_never_overdrawn decides.
FORWARD = """
    CREATE FUNCTION allocation_counts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            UPDATE payments_receipt SET allocated_amount = allocated_amount - OLD.amount WHERE id = OLD.receipt_id;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            UPDATE payments_receipt SET allocated_amount = allocated_amount + NEW.amount WHERE id = NEW.receipt_id;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER allocation_counts AFTER INSERT OR UPDATE OR DELETE ON payments_allocation
    FOR EACH ROW EXECUTE FUNCTION allocation_counts();
"""
BACKWARD = """
    DROP TRIGGER allocation_counts ON payments_allocation;
    DROP FUNCTION allocation_counts();
"""


class Migration(migrations.Migration):
    """The database itself keeps what of each receipt is allocated."""

    dependencies = [("payments", "0002_money_stays_with_its_owner")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
