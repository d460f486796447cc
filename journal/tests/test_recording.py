"""What a change leaves in the journal: what, by whom, by which way, why; and what leaves nothing."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.utils import timezone

from accounts.models import User
from journal.tests.sessions import count, events, execute, newest
from journal.triggers import attach
from transactions.acting import Actor, Channel, acting, because

pytestmark = pytest.mark.django_db

# Every column that the journal shows, secrets by name only. A new column is a decision: hide it, keep its value a
# secret, or write it here.
VISIBLE = {
    "accounts_user": (
        "created_at email(secret) id is_active is_service is_staff is_superuser password_hash(secret) username"
    ),
    "auth_group": "id name",
    "payments_allocation": "amount created_at currency id payment_id receipt_id user_id",
    "payments_payment": (
        "amount confirmed_at confirmed_by_id covers_from covers_to created_at currency duration expires_at id interval "
        "interval_count plan_name provider receipt_id reference refunded_amount reversal_kind shortfall status "
        "subscription_id taken_back_on unapplied unit_price user_id"
    ),
    "payments_receipt": (
        "amount created_at currency evidence id note received_on recorded_by_id refunded_amount reversed_amount source "
        "user_id voided_at"
    ),
    "payments_refund": (
        "amount coverage created_at currency evidence id paid_at payment_id reason recorded_by_id status user_id"
    ),
    "payments_reversal": (
        "amount created_at currency evidence id kind payment_id reason receipt_id recorded_by_id user_id"
    ),
    "subscriptions_plan": (
        "created_at currency description grace_days interval interval_count is_active name price title trial_days"
    ),
    "subscriptions_subscription": (
        "access_until anchor_day cancel_at cancel_reason covered_until created_at currency duration end_date grace_days "
        "id interval interval_count pending_until plan_name start_date status trial_days trial_end unit_price user_id"
    ),
}
RIGHTS = {"accounts_user_groups", "accounts_user_user_permissions", "auth_group_permissions"}
# Tables of which nothing is recorded: what only programs keep, and the journal itself. A new table is a decision too.
NOT_RECORDED = {
    "accounts_token", "api_idempotencykey", "api_ratewindow", "auth_permission", "django_admin_log",
    "django_content_type", "django_migrations", "django_session", "doctor_setting", "journal_event", "journal_seal",
}  # fmt: skip
RECORDED = """
    SELECT tgrelid::regclass::text, tgargs, array(
        SELECT attname::text FROM pg_attribute WHERE attrelid = tgrelid AND attnum > 0 AND NOT attisdropped
    ) FROM pg_trigger WHERE tgfoid = 'journal_record'::regproc
"""


@pytest.fixture
def things():
    """A table like those of other apps, recorded."""
    execute(
        connection,
        "CREATE TEMPORARY TABLE thing (id bigint, user_id bigint, status text, amount numeric(14,2), pieces integer, "
        "paid_on date, paid_at timestamptz, note text, digest text, code text)",
    )
    made, _dropped = attach("thing", "thing", user="user_id", hidden=["note"], secret=["digest", "code"])
    execute(connection, made)


def add_thing(**columns):
    names = ", ".join(columns)
    execute(connection, f"INSERT INTO thing ({names}) VALUES ({', '.join(['%s'] * len(columns))})", *columns.values())


# --- What


def test_a_new_row_leaves_all_its_visible_columns_that_are_not_null(things):
    add_thing(id=1, user_id=7, status="pending", amount="990.00", pieces=3, note="hidden")
    event = newest()
    assert (event.kind, event.object_type, event.object_id, event.user_id) == ("thing.created", "thing", "1", 7)
    assert event.before == {}
    assert event.after == {"id": 1, "user_id": 7, "status": "pending", "amount": "990.00", "pieces": 3}
    assert abs(timezone.now() - event.at) < dt.timedelta(minutes=1)


def test_a_change_leaves_only_the_columns_that_changed(things):
    add_thing(id=1, amount="990.00", pieces=3)
    execute(connection, "UPDATE thing SET amount = 1000, paid_on = '2026-01-31', note = 'hidden'")
    event = newest()
    assert event.kind == "thing.changed"
    assert event.before == {"amount": "990.00", "paid_on": None}
    assert event.after == {"amount": "1000.00", "paid_on": "2026-01-31"}


def test_a_change_of_status_is_called_by_the_new_one(things):
    add_thing(id=1, status="pending")
    execute(connection, "UPDATE thing SET status = 'confirmed', pieces = 1")
    event = newest()
    assert event.kind == "thing.confirmed"
    assert (event.before, event.after) == (
        {"status": "pending", "pieces": None},
        {"status": "confirmed", "pieces": 1},
    )


def test_a_row_that_is_gone_leaves_what_it_was(things):
    add_thing(id=1, amount="0.10", pieces=3)
    execute(connection, "DELETE FROM thing")
    event = newest()
    assert event.kind == "thing.deleted"
    assert (event.before, event.after) == ({"id": 1, "amount": "0.10", "pieces": 3}, {})


def test_an_instant_is_in_utc_whatever_zone_the_session_is_in(things):
    execute(connection, "SET LOCAL timezone TO 'Asia/Tokyo'")
    add_thing(id=1, paid_at=dt.datetime(2026, 1, 31, 9, 12, 44, tzinfo=dt.UTC))
    assert newest().after["paid_at"] == "2026-01-31T09:12:44+00:00"
    assert execute(connection, "SHOW timezone") == [("Asia/Tokyo",)]


def test_what_changes_nothing_or_only_what_is_hidden_leaves_nothing(things):
    add_thing(id=1, amount="990.00", note="a")
    before = count()
    execute(connection, "UPDATE thing SET amount = 990, note = 'b'")
    execute(connection, "UPDATE thing SET id = 1")
    assert count() == before


def test_of_a_secret_it_says_only_that_it_changed(things):
    add_thing(id=1, digest="sesame", code=None)
    execute(connection, "UPDATE thing SET digest = 'melon', code = 'lemon'")
    created, changed = events("thing.created", "thing.changed")
    assert created.after == {"id": 1, "digest": "(secret)"}
    assert changed.before == {"digest": "(secret)", "code": None}
    assert changed.after == {"digest": "(secret)", "code": "(secret)"}


def test_every_visible_column_of_every_recorded_table_was_decided_upon():
    found = {}
    for table, arguments, columns in execute(connection, RECORDED):
        *_, hidden, secret = (part.decode().split(",") for part in bytes(arguments).split(b"\0")[:-1])
        shown = (f"{name}(secret)" if name in secret else name for name in columns if name not in hidden)
        found[table] = " ".join(sorted(shown))
    assert found == VISIBLE


def test_every_other_table_was_decided_upon_too():
    tables = {name for (name,) in execute(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    rights = execute(
        connection, "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'journal_record_right'::regproc"
    )
    assert {name for (name,) in rights} == RIGHTS
    assert tables == {*VISIBLE, *RIGHTS, *NOT_RECORDED}


def test_a_confirmation_leaves_an_event_for_each_object_it_changes(as_staff, staff, payment):
    before = newest().seq
    answer = as_staff.post("/api/payments/confirm-payment", {"payment_id": payment.pk, "evidence": "0117-22"})
    assert answer.status_code == 200
    found = {event.kind: event for event in events() if event.seq > before}
    assert set(found) == {"receipt.created", "allocation.created", "payment.confirmed", "subscription.active"}
    assert {(event.actor_id, event.channel, event.user_id) for event in found.values()} == {
        (staff.pk, "api", payment.user_id)
    }
    assert {event.request_id for event in found.values()} == {answer["X-Request-Id"]}
    confirmed, receipt = found["payment.confirmed"], found["receipt.created"]
    assert (confirmed.before["status"], confirmed.after["status"]) == ("pending", "confirmed")
    assert (receipt.after["amount"], receipt.after["evidence"]) == ("990.00", "0117-22")


def test_confirming_again_leaves_nothing(as_staff, payment):
    as_staff.post("/api/payments/confirm-payment", {"payment_id": payment.pk})
    before = count()
    assert as_staff.post("/api/payments/confirm-payment", {"payment_id": payment.pk}).json()["already_confirmed"]
    assert count() == before


def test_a_plan_is_named_by_its_name(plan):
    plan.price = "1000.00"
    plan.save()
    event = newest()
    assert (event.kind, event.object_id, event.user_id) == ("plan.changed", "pro", None)
    assert (event.before, event.after) == ({"price": "990.00"}, {"price": "1000.00"})


def test_a_temporary_table_of_the_same_name_does_not_catch_what_is_written(things):
    execute(connection, "CREATE TEMPORARY TABLE journal_event (LIKE public.journal_event)")
    add_thing(id=1)
    assert execute(connection, "SELECT count(*) FROM pg_temp.journal_event") == [(0,)]
    assert execute(connection, "SELECT count(*) FROM public.journal_event WHERE object_type = 'thing'") == [(1,)]


# --- By whom, by which way, why


def test_it_says_who_acted_by_which_way_in_which_request_and_why(alice, staff):
    with acting(Actor.of(staff), Channel.ADMIN, "5f1c2d"):
        because("She moved house.")
        alice.change_email("alice@example.org")
    event = newest()
    assert (event.kind, event.object_type, event.object_id, event.user_id) == (
        "user.changed", "user", str(alice.pk), alice.pk,
    )  # fmt: skip
    assert (event.actor_type, event.actor_id, event.actor_name) == ("user", staff.pk, "olga")
    assert (event.channel, event.request_id, event.reason) == ("admin", "5f1c2d", "She moved house.")


def test_a_command_is_named(alice):
    with acting(Actor.command("prune_tokens"), Channel.COMMAND):
        alice.change_email("alice@example.org")
    event = newest()
    assert (event.actor_type, event.actor_id, event.actor_name, event.channel) == (
        "command", None, "prune_tokens", "command",
    )  # fmt: skip


@pytest.mark.parametrize(
    "told", ["", "{", "[1]", "7", "null", "{}", '{"type": ""}', '{"type": null}', '{"id": "\\u0000"}', "[" * 9000]
)
def test_whoever_tells_nothing_or_nonsense_is_the_role_of_the_database(alice, told):
    execute(connection, "SELECT set_config('journal.context', %s, true)", told)
    execute(connection, "UPDATE accounts_user SET is_active = false WHERE id = %s", alice.pk)
    event = newest()
    role = execute(connection, "SELECT session_user::text")[0][0]
    assert (event.actor_type, event.actor_id, event.actor_name, event.channel) == ("database", None, role, "sql")
    assert (event.before, event.after) == ({"is_active": True}, {"is_active": False})


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "true", "9" * 30])
def test_an_actor_without_a_proper_id_is_written_down_without(alice, given):
    execute(connection, "SELECT set_config('journal.context', %s, true)", f'{{"type": "user", "id": "{given}"}}')
    execute(connection, "UPDATE accounts_user SET is_active = false WHERE id = %s", alice.pk)
    event = newest()
    assert (event.actor_type, event.actor_id, event.actor_name, event.channel) == ("user", None, "", "sql")


# --- People and their rights


def test_a_new_user_shows_neither_password_nor_address(alice):
    (event,) = events("user.created")
    assert event.after["username"] == "alice"
    assert (event.after["password_hash"], event.after["email"]) == ("(secret)", "(secret)")
    assert "example.com" not in str(event.after)
    assert alice.password not in str(event.after)


def test_a_password_changed_is_written_down_without_it(alice):
    alice.change_password("another correct horse")
    event = newest()
    assert (event.kind, event.before, event.after) == (
        "user.changed", {"password_hash": "(secret)"}, {"password_hash": "(secret)"},
    )  # fmt: skip


def test_a_login_is_no_change(alice):
    before = count()
    alice.last_login = timezone.now()
    alice.save()
    assert count() == before


def test_rights_given_and_taken_are_named(alice):
    permission = Permission.objects.get(codename="confirm_payment")
    group = Group.objects.get(name="Billing operators")
    before = newest().seq
    alice.groups.add(group)
    alice.groups.remove(group)
    alice.user_permissions.add(permission)
    alice.user_permissions.clear()
    found = [event for event in events("right.granted", "right.revoked") if event.seq > before]
    assert {(event.object_type, event.object_id, event.user_id) for event in found} == {
        ("user", str(alice.pk), alice.pk)
    }
    right = {"permission": "payments.confirm_payment"}
    assert [(event.kind, event.before, event.after) for event in found] == [
        ("right.granted", {}, {"group": "Billing operators"}),
        ("right.revoked", {"group": "Billing operators"}, {}),
        ("right.granted", {}, right),
        ("right.revoked", right, {}),
    ]


def test_what_a_group_may_do_is_written_down_with_the_group():
    group = Group.objects.create(name="Night shift")
    group.permissions.add(Permission.objects.get(codename="view_payment"))
    created, granted = events()[-2:]
    assert (created.kind, created.object_id, created.user_id) == ("group.created", str(group.pk), None)
    assert created.after == {"id": group.pk, "name": "Night shift"}
    assert (granted.kind, granted.object_type, granted.object_id) == ("right.granted", "group", str(group.pk))
    assert (granted.user_id, granted.after) == (None, {"permission": "payments.view_payment"})


def test_one_right_exchanged_for_another_by_sql_is_one_taken_and_one_given(staff):
    managers = Group.objects.get(name="Billing managers")
    execute(connection, "UPDATE accounts_user_groups SET group_id = %s WHERE user_id = %s", managers.pk, staff.pk)
    execute(connection, "UPDATE accounts_user_groups SET group_id = %s WHERE user_id = %s", managers.pk, staff.pk)
    revoked, granted = events()[-2:]
    assert (revoked.kind, revoked.before) == ("right.revoked", {"group": "Billing operators"})
    assert (granted.kind, granted.after) == ("right.granted", {"group": "Billing managers"})


def test_a_permission_that_is_gone_already_does_not_stand_in_the_way(alice):
    permission = Permission.objects.get(codename="view_receipt")
    alice.user_permissions.add(permission)
    execute(connection, "SET CONSTRAINTS ALL DEFERRED")
    execute(connection, "DELETE FROM auth_permission WHERE id = %s", permission.pk)
    execute(connection, "DELETE FROM accounts_user_user_permissions WHERE permission_id = %s", permission.pk)
    assert newest().before == {"permission": f"#{permission.pk}"}
    User.objects.filter(pk=alice.pk).delete()
    execute(connection, "DELETE FROM auth_group_permissions WHERE permission_id = %s", permission.pk)


# --- For ever


@pytest.mark.parametrize("table", ["journal_event", "journal_seal"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = 1", "DELETE FROM {} WHERE {} = 0"])
def test_nothing_in_it_changes_or_goes_even_for_the_owner_with_all_rights(staff, table, change):
    execute(connection, f"GRANT ALL ON {table} TO CURRENT_USER")
    with pytest.raises(connection.Database.DatabaseError) as refused:
        execute_raw(change.format(table, "seq" if table == "journal_event" else "id"))
    assert (refused.value.sqlstate, refused.value.diag.constraint_name) == ("P0001", "journal_is_append_only")


def test_nobody_writes_into_it_but_by_changing_something(staff):
    with pytest.raises(connection.Database.DatabaseError) as refused:
        execute_raw("INSERT INTO journal_event SELECT * FROM journal_event LIMIT 0")
    assert (refused.value.sqlstate, refused.value.diag.constraint_name) == ("P0001", "journal_is_append_only")


@pytest.mark.parametrize("right", ["UPDATE", "DELETE"])
def test_its_owner_has_given_away_the_rights_to_change_it(right):
    [(is_superuser,)] = execute(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    for table in ("journal_event", "journal_seal"):
        assert execute(connection, "SELECT has_table_privilege(%s, %s)", table, right) == [(is_superuser,)]


@pytest.fixture
def clerk():
    """Become a role that may write groups, as the application's role may, and that owns nothing."""
    execute(connection, "CREATE ROLE journal_clerk")
    execute(connection, "GRANT journal_clerk TO CURRENT_USER")
    execute(connection, "GRANT USAGE ON SCHEMA public TO journal_clerk")
    execute(connection, "GRANT SELECT, INSERT ON auth_group TO journal_clerk")
    execute(connection, "GRANT USAGE ON SEQUENCE auth_group_id_seq TO journal_clerk")
    execute(connection, "SET LOCAL ROLE journal_clerk")
    yield
    execute(connection, "RESET ROLE")


def test_whoever_holds_no_right_on_the_journal_still_leaves_an_event(clerk):
    execute(connection, "INSERT INTO auth_group (name) VALUES ('Night shift')")
    assert execute(connection, "SELECT journal_settled()")[0][0] >= 0
    execute(connection, "RESET ROLE")
    assert newest().after["name"] == "Night shift"
    assert newest().actor_name == execute(connection, "SELECT session_user::text")[0][0]


@pytest.mark.parametrize(
    "forgery",
    [
        "INSERT INTO journal_event (kind) VALUES ('payment.confirmed')",
        "DELETE FROM journal_event",
        "TRUNCATE journal_event",
        "SELECT setval('journal_event_seq_seq', 1)",
        "SELECT journal_write('payment.confirmed', 'payment', '1', 1, '{}', '{}')",
        (
            "CREATE TEMPORARY TABLE mine (id bigint, status text); CREATE TRIGGER t AFTER INSERT ON mine "
            "FOR EACH ROW EXECUTE FUNCTION journal_record('payment', 'id', '', '', '')"
        ),
    ],
)
def test_nor_can_they_write_into_it_what_never_happened(clerk, forgery):
    with pytest.raises(connection.Database.errors.InsufficientPrivilege):
        execute_raw(forgery)


def execute_raw(sql):
    """Run it without Django's wrapping, so that what the database said is whole."""
    with connection.connection.transaction():
        connection.connection.execute(sql)
