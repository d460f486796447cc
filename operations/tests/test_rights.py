"""The application's role as PostgreSQL sees it: each right is tried, not read."""

from contextlib import contextmanager
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from operations import rights
from operations.management.commands.grant_rights import INSUFFICIENT_PRIVILEGE
from payments.models import Payment
from subscriptions.models import Subscription
from transactions.retrying import sqlstate

TABLES = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} | {"django_migrations"})


def execute(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def is_refused(statement):
    """Tell whether it is refused for the want of a right, not by a guard, say; whatever was done is undone."""
    try:
        with transaction.atomic():
            execute(statement)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return sqlstate(error) == INSUFFICIENT_PRIVILEGE
    return False


def create_role(suffix, options=""):
    """Make a role that goes away with the transaction; parallel tests have their own, for roles are the server's."""
    name = f"{connection.settings_dict['NAME']}_{suffix}"
    execute(f'CREATE ROLE "{name}" {options}')
    execute(f'GRANT "{name}" TO CURRENT_USER')
    return name


def grant_rights(role, *options):
    out = StringIO()
    call_command("grant_rights", role, *options, stdout=out)
    return out.getvalue().strip()


@contextmanager
def acting_as(role):
    execute(f'SET ROLE "{role}"')
    yield
    execute("RESET ROLE")


@pytest.fixture
def plain(db):
    """A role that nothing was granted to."""
    return create_role("plain")


@pytest.fixture
def application(db):
    """The role that the application serves with."""
    role = create_role("app")
    grant_rights(role)
    return role


def first_column(table):
    """Return a column that can be written to."""
    return execute(
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attidentity = '' AND attgenerated = '' ORDER BY attnum LIMIT 1",
        table,
    )[0][0]


def uses(table):
    """Return, for each right, a statement that needs it and changes no row."""
    column = first_column(table)
    return {
        "SELECT": f"SELECT {column} FROM {table} WHERE false",
        "INSERT": f"INSERT INTO {table} ({column}) SELECT {column} FROM {table} WHERE false",
        "UPDATE": f"UPDATE {table} SET {column} = {column} WHERE false",
        "DELETE": f"DELETE FROM {table} WHERE false",
    }


def misuses(table):
    return [
        f"TRUNCATE {table} CASCADE",
        f"DROP TABLE {table} CASCADE",
        f"ALTER TABLE {table} DISABLE TRIGGER USER",
        f"ALTER TABLE {table} ADD COLUMN extra int",
        f"ALTER TABLE {table} OWNER TO CURRENT_USER",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE RULE nothing AS ON INSERT TO {table} DO INSTEAD NOTHING",
        f"CREATE INDEX ON {table} ({first_column(table)})",
    ]


@pytest.mark.parametrize("table", TABLES)
def test_the_application_can_use_a_table_as_its_list_says_and_in_no_other_way(application, table):
    due = rights.LIMITED.get(table, rights.ORDINARY)
    with acting_as(application):
        allowed = {right for right, statement in uses(table).items() if not is_refused(statement)}
    assert allowed == due


@pytest.mark.parametrize("table", TABLES)
def test_the_application_cannot_empty_change_or_drop_a_table(application, table):
    statements = misuses(table)
    with acting_as(application):
        assert [statement for statement in statements if not is_refused(statement)] == []


@pytest.mark.parametrize("table", TABLES)
def test_a_role_without_grants_can_do_nothing(plain, table):
    statements = uses(table).values()
    with acting_as(plain):
        assert [statement for statement in statements if not is_refused(statement)] == []


@pytest.mark.parametrize("table", [name for name in TABLES if name not in rights.LIMITED])
def test_the_owner_can_do_all_of_it_to_an_ordinary_table(db, table):
    """The control: it is the role that is refused, not the statement."""
    statements = [*uses(table).values(), *misuses(table)]
    assert [statement for statement in statements if is_refused(statement)] == []


def test_no_trigger_can_be_dropped_or_switched_off(application):
    triggers = execute("SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
    assert triggers
    with acting_as(application):
        for name, table in triggers:
            assert is_refused(f"DROP TRIGGER {name} ON {table}"), name
            assert is_refused(f"ALTER TABLE {table} DISABLE TRIGGER {name}"), name
            assert is_refused(f"ALTER TRIGGER {name} ON {table} RENAME TO other"), name


def test_no_function_can_be_replaced_changed_or_put_to_another_use(application):
    functions = execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype"
    )
    assert functions
    body = "RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    with acting_as(application):
        for (name,) in functions:
            assert is_refused(f"CREATE OR REPLACE FUNCTION {name}() {body}"), name
            assert is_refused(f"ALTER FUNCTION {name}() RENAME TO other"), name
            assert is_refused(f"ALTER FUNCTION {name}() SECURITY INVOKER"), name
            assert is_refused(f"DROP FUNCTION {name}() CASCADE"), name
            assert execute("SELECT has_function_privilege(%s, 'EXECUTE')", f"{name}()") == [(False,)], name


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "SET LOCAL session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE payments_payment (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "ALTER SCHEMA public RENAME TO other",
        "SELECT setval('payments_payment_id_seq', 1)",
        "CREATE ROLE mine",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('payments', '9999_forged', now())",
    ],
)
def test_the_application_cannot_get_around(application, statement):
    with acting_as(application):
        assert is_refused(statement)


def test_what_trigger_functions_call_is_called_by_nobody_else(application):
    """The list names functions of the journal; one here stands for them."""
    name = rights.INNER_FUNCTIONS[0]
    execute(f"CREATE FUNCTION {name}(kind text) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    execute(f"CREATE FUNCTION {name}(kind text, more text) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    with pytest.raises(CommandError, match=rf"has EXECUTE on function {name}\(text\); has"):
        grant_rights(application, "--check")
    assert grant_rights(application)
    assert rights.differences(application) == []


def test_with_its_rights_the_application_does_its_work(application, as_alice, as_staff, plan):
    with acting_as(application):
        assert as_alice.post("/api/subscriptions/", {"plan_name": "pro"}).status_code == 201
        asked = as_alice.post("/api/payments/create-checkout-session", {"plan_name": "pro", "amount": "990.00"})
        paid = as_staff.post("/api/payments/confirm-payment", {"payment_id": asked.json()["id"], "evidence": "17-4"})
        assert paid.status_code == 200
        assert as_alice.post("/api/auth/logout").status_code == 204
        call_command("prune_tokens", stdout=StringIO())
        call_command("migrate", "--check", stdout=StringIO())
    assert Payment.objects.get().status == Payment.Status.CONFIRMED
    assert Subscription.objects.get().covered_until


def test_a_table_of_the_next_release_is_an_ordinary_one_until_rights_are_granted_again(application):
    execute("CREATE TABLE brand_new (id bigint GENERATED BY DEFAULT AS IDENTITY, fact text)")
    with acting_as(application):
        execute("INSERT INTO brand_new (fact) VALUES ('one')")
        execute("UPDATE brand_new SET fact = 'two'")
        execute("DELETE FROM brand_new")
        assert is_refused("TRUNCATE brand_new")
    assert rights.differences(application) == []


def test_granting_twice_changes_nothing_the_second_time(plain):
    assert grant_rights(plain).startswith(f"{plain} has the rights that it should have; ")
    assert grant_rights(plain) == f"{plain} has the rights that it should have; 0 of them changed."
    assert grant_rights(plain, "--check") == f"{plain} has the rights that it should have."


def test_check_refuses_and_changes_nothing(plain):
    for _ in range(2):
        with pytest.raises(CommandError, match=f"^{plain} .*more\\.$") as refused:
            grant_rights(plain, "--check")
        assert refused.value.returncode == 1


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ('GRANT TRUNCATE ON payments_receipt TO "{}"', "has TRUNCATE on table payments_receipt"),
        ('GRANT DELETE ON payments_payment TO "{}"', "has DELETE on table payments_payment"),
        ("GRANT DELETE ON payments_payment TO PUBLIC", "has DELETE on table payments_payment"),
        ('GRANT UPDATE (name) ON django_migrations TO "{}"', "has UPDATE on table django_migrations"),
        ('REVOKE INSERT ON accounts_user FROM "{}"', "lacks INSERT on table accounts_user"),
        ('REVOKE USAGE ON SEQUENCE accounts_user_id_seq FROM "{}"', "lacks USAGE on sequence accounts_user_id_seq"),
        ('GRANT UPDATE ON SEQUENCE accounts_user_id_seq TO "{}"', "has UPDATE on sequence accounts_user_id_seq"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "has CREATE on schema public"),
        (
            "GRANT EXECUTE ON FUNCTION plan_identity_never_changes() TO PUBLIC",
            "has EXECUTE on function plan_identity_never_changes()",
        ),
        (
            'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT TRUNCATE ON TABLES TO "{}"',
            "has TRUNCATE on new tables public",
        ),
        (
            'ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE DELETE ON TABLES FROM "{}"',
            "lacks DELETE on new tables public",
        ),
    ],
)
def test_what_differs_is_told_and_mended(application, statement, told):
    execute(statement.format(application))
    with pytest.raises(CommandError) as refused:
        grant_rights(application, "--check")
    assert str(refused.value) == f"{application} {told}."
    assert grant_rights(application) == f"{application} has the rights that it should have; 1 of them changed."
    assert grant_rights(application, "--check")


def test_a_right_held_through_another_role_is_told_for_it_cannot_be_mended(application):
    other = create_role("other")
    execute(f'GRANT DELETE ON payments_payment TO "{other}"')
    execute(f'GRANT "{other}" TO "{application}"')
    with pytest.raises(CommandError, match="still has DELETE on table payments_payment: only whoever granted that"):
        grant_rights(application)


def test_a_role_that_is_none_is_refused_in_words(db):
    with pytest.raises(CommandError, match="There is no role 'nobody-here'"):
        grant_rights("nobody-here")


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_the_owner_itself_is_refused(db, options):
    with pytest.raises(CommandError, match="owns the tables: rights would not hold it back"):
        grant_rights(connection.settings_dict["USER"], *options)


def test_a_superuser_is_refused(db):
    ((superuser,),) = execute("SELECT rolname FROM pg_roles WHERE rolsuper LIMIT 1")
    with pytest.raises(CommandError, match=f"{superuser} is a superuser"):
        grant_rights(superuser)


def test_a_role_that_can_make_roles_is_refused(db):
    with pytest.raises(CommandError, match="can make roles"):
        grant_rights(create_role("maker", "CREATEROLE"))


def test_a_role_that_owns_a_table_or_can_become_who_does_is_refused(plain):
    keeper = create_role("keeper")
    execute(f'GRANT "{keeper}" TO "{plain}"')
    execute(f'GRANT CREATE ON SCHEMA public TO "{keeper}"')
    with acting_as(keeper):
        execute("CREATE TABLE kept (id int)")
    with pytest.raises(CommandError, match=f"^{keeper} owns a table"):
        grant_rights(keeper)
    with pytest.raises(CommandError, match=f"^{plain} can become {keeper}, which owns a table"):
        grant_rights(plain)


def test_only_the_owner_grants_and_anybody_checks(application):
    other = create_role("other")
    with acting_as(application):
        assert grant_rights(application, "--check")
        with pytest.raises(CommandError, match=f"must run as {connection.settings_dict['USER']}, the role that owns"):
            grant_rights(other)
