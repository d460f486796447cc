"""Users and groups in the admin: above all, nobody gives themselves rights."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.messages import get_messages
from django.db import connections
from django.test import Client

from accounts.models import Token, User
from accounts.tests.browsing import boss, browser, log_of, manager, page, said, version_on
from accounts.tests.factories import PASSWORD, UserFactory

LIST = "accounts_user_changelist"
NEW = "a quite new password"


def change(user):
    return page("accounts_user_change", user.pk)


def password(user):
    return page("auth_user_password_change", user.pk)


def rows(client, **parameters):
    return list(client.get(page(LIST), parameters or None).context["cl"].result_list)


def rights(user):
    user = User.objects.get(pk=user.pk)
    return user.is_staff, user.is_superuser, set(user.groups.all()), set(user.user_permissions.all())


def everything():
    group = Group.objects.get(name="Billing managers")
    right = Permission.objects.get(codename="confirm_payment")
    return {"is_staff": "on", "is_superuser": "on", "groups": [group.pk], "user_permissions": [right.pk]}


# --- Looking


def test_a_search_finds_by_name_address_and_id(staff, alice, bob):
    olga = browser(staff)
    for text in ("alice", "ALICE", "alice@example.com", "Alice@", str(alice.pk)):
        assert alice in rows(olga, q=text), text
    assert rows(olga, q="alice bob") == []


@pytest.mark.parametrize(
    "query",
    [
        "?password__startswith=a",
        "?is_superuser__exact=1",
        "?tokens__digest__startswith=a",
        "?is_staff__exact=x",
        "?email=a",
    ],
)
def test_users_cannot_be_filtered_by_secrets(staff, alice, query):
    answer = browser(staff).get(page(LIST) + query)
    assert answer.status_code == 400
    assert "alice" not in answer.content.decode()


def test_the_page_of_a_user_leads_to_what_is_theirs_and_shows_no_hash(staff):
    user = UserFactory(with_password=True)
    shown = browser(staff).get(change(user)).content.decode()
    for model in ("subscriptions/subscription", "payments/payment", "payments/receipt"):
        assert f"/admin/{model}/?user__id__exact={user.pk}" in shown
    assert user.password not in shown
    assert "argon2" not in shown


# --- Changing


def test_a_manager_changes_a_customer_and_it_is_logged(alice):
    manager_ = manager()
    browser(manager_).post(change(alice), {"email": "New@EXAMPLE.com"})
    alice.refresh_from_db()
    assert (alice.email, alice.email_key, alice.is_active) == ("New@example.com", "new@example.com", False)
    assert log_of(alice)[0][0] == "maria"


def test_a_manager_cannot_give_anybody_rights(alice):
    maria = manager()
    before = rights(alice)
    browser(maria).post(change(alice), {"email": "alice@example.com", "is_active": "on"} | everything())
    assert rights(alice) == before


def test_a_manager_cannot_make_themselves_superuser(db):
    maria = manager()
    before = rights(maria)
    answer = browser(maria).post(change(maria), {"email": "m@example.com", "is_active": "on"} | everything())
    assert answer.status_code == 403
    assert rights(maria) == before


@pytest.mark.parametrize("kind", ["superuser", "staff", "service", "group", "permission"])
def test_a_manager_touches_nobody_who_holds_rights(staff, kind):
    holder = {
        "superuser": lambda: UserFactory(is_superuser=True, with_password=True),
        "staff": lambda: UserFactory(is_staff=True, with_password=True),
        "service": lambda: User.objects.create_service_account("shop"),
        "group": lambda: in_group(UserFactory(with_password=True)),
        "permission": lambda: with_permission(UserFactory(with_password=True)),
    }[kind]()
    maria = browser(manager())
    before = User.objects.filter(pk=holder.pk).values().get()
    assert maria.get(change(holder)).status_code == 200
    assert maria.post(change(holder), {"email": "taken.over@example.com", "is_active": "on"}).status_code == 403
    assert maria.get(password(holder)).status_code == 403
    assert maria.post(password(holder), {"password1": NEW, "password2": NEW}).status_code == 403
    assert maria.post(page("accounts_user_delete", holder.pk), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=holder.pk).values().get() == before
    assert log_of(holder) == []


def in_group(user):
    user.groups.add(Group.objects.get(name="Billing operators"))
    return user


def with_permission(user):
    user.user_permissions.add(Permission.objects.get(codename="confirm_payment"))
    return user


def test_a_superuser_gives_rights(alice):
    root = browser(boss())
    assert "Payments: Can confirm payments" in root.get(change(alice)).content.decode()
    root.post(change(alice), {"email": alice.email, "is_active": "on"} | everything())
    assert rights(alice)[:2] == (True, True)
    assert [group.name for group in rights(alice)[2]] == ["Billing managers"]
    assert [right.codename for right in rights(alice)[3]] == ["confirm_payment"]


def test_a_superuser_does_not_lock_themselves_out(db):
    root = boss()
    browser(root).post(change(root), {"email": "root@example.org"})
    root.refresh_from_db()
    assert (root.is_active, root.is_staff, root.is_superuser, root.email) == (True, True, True, "root@example.org")


@pytest.mark.parametrize(
    "email", ["BOB@example.com", "no address", "a b@example.com", "x" * 250 + "@example.com", "а@example.com"]
)
def test_an_address_that_cannot_be_is_said_beside_the_form(alice, bob, email):
    answer = browser(manager()).post(change(alice), {"email": email, "is_active": "on"})
    assert answer.context["adminform"].form.errors["email"]
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"


def test_a_race_for_an_address_is_lost_in_words(alice, bob, monkeypatch):
    monkeypatch.setattr("accounts.models.UserManager.find_email", lambda self, email: None)
    given = {"email": "bob@example.com", "is_active": "on"}
    assert "taken" in said(browser(manager()).post(change(alice), given, follow=True))
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"


def test_the_username_stays(alice):
    browser(boss()).post(change(alice), {"username": "mallory", "email": "alice@example.com", "is_active": "on"})
    alice.refresh_from_db()
    assert alice.username == "alice"


def test_an_old_page_saves_nothing_and_says_so(alice):
    maria = browser(manager())
    version = version_on(maria, change(alice))
    alice.change_email("alice@example.org")
    answer = maria.post(change(alice), {"email": "a@example.com", "version": version}, follow=True)
    assert "nothing was saved" in said(answer)
    assert "alice@example.org" in answer.content.decode()
    alice.refresh_from_db()
    assert (alice.email, alice.is_active) == ("alice@example.org", True)
    assert log_of(alice) == []


def test_rights_given_meanwhile_make_a_page_old_and_logging_in_does_not(alice):
    root = browser(boss())
    version = version_on(root, change(alice))
    browser(alice)
    given = {"email": "a@example.com", "is_active": "on"}
    assert "changed successfully" in said(root.post(change(alice), given | {"version": version}, follow=True))
    version = version_on(root, change(alice))
    in_group(alice)
    before = rights(alice)
    assert "nothing was saved" in said(root.post(change(alice), given | {"version": version}, follow=True))
    assert rights(alice) == before


def test_of_two_tabs_on_one_user_the_second_saves_nothing(alice):
    root, given = browser(boss()), {"is_active": "on"}
    version = version_on(root, change(alice))
    root.post(change(alice), given | {"email": "first@example.com", "version": version})
    answer = root.post(change(alice), given | {"email": "second@example.com", "version": version}, follow=True)
    assert "nothing was saved" in said(answer)
    alice.refresh_from_db()
    assert alice.email == "first@example.com"
    assert len(log_of(alice)) == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_six_tabs_at_once_one_saves(alice):
    def save(number):
        try:
            given = {"email": f"tab{number}@example.com", "is_active": "on", "version": version}
            answer = tabs[number].post(change(alice), given)
            return " ".join(map(str, get_messages(answer.wsgi_request)))
        finally:
            connections.close_all()

    maria = manager()
    tabs = [browser(maria) for _ in range(6)]
    version = version_on(tabs[0], change(alice))
    with ThreadPoolExecutor(6) as threads:
        words = list(threads.map(save, range(6)))
    assert sum("changed successfully" in each for each in words) == 1
    assert sum("nothing was saved" in each for each in words) == 5
    assert len(log_of(alice)) == 1


def test_deactivating_ends_access_at_once(alice):
    _token, secret = Token.issue(alice)
    browser(manager()).post(change(alice), {"email": alice.email})
    answer = Client(HTTP_HOST="localhost").get("/api/auth/me", headers={"Authorization": f"Token {secret}"})
    assert answer.status_code == 401


def test_operators_look_and_change_nobody(staff, alice):
    olga = browser(staff)
    assert olga.get(change(alice)).status_code == 200
    assert olga.post(change(alice), {"email": "x@example.com"}).status_code == 403
    assert olga.get(page("accounts_user_add")).status_code == 403
    assert olga.post(password(alice), {"password1": NEW, "password2": NEW}).status_code == 403
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"


# --- Adding


def new(**changes):
    return {"username": "carol", "email": "carol@example.com", "password1": NEW, "password2": NEW} | changes


def test_a_superuser_adds_a_user_with_a_password(db):
    root = browser(boss())
    assert root.get(page("accounts_user_add")).status_code == 200
    root.post(page("accounts_user_add"), new())
    carol = User.objects.get(username="carol")
    assert carol.check_password(NEW)
    assert rights(carol) == (False, False, set(), set())
    assert log_of(carol)[0][0] == "root"


def test_a_service_account_has_no_password_and_cannot_get_one(db):
    root = browser(boss())
    root.post(page("accounts_user_add"), new(is_service="on", password1="", password2="", email=""))
    shop = User.objects.get(username="carol")
    assert shop.is_service
    assert not shop.has_usable_password()
    assert "has no password" in said(root.post(password(shop), {"password1": NEW, "password2": NEW}, follow=True))
    shop.refresh_from_db()
    assert not shop.has_usable_password()


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "ab"},
        {"username": "käthe"},
        {"username": "ALICE"},
        {"username": "x" * 33},
        {"email": "ALICE@example.com"},
        {"email": "nothing"},
        {"password2": "another password"},
        {"password1": "", "password2": ""},
        {"password1": "password", "password2": "password"},
        {"password1": "carol@example.com", "password2": "carol@example.com"},
        {"password1": "x" * 257, "password2": "x" * 257},
        {"password1": f" {NEW}", "password2": f" {NEW}"},
        {"is_service": "on"},
    ],
)
def test_a_user_that_cannot_be_is_said_beside_the_form(alice, changes):
    answer = browser(boss()).post(page("accounts_user_add"), new(**changes))
    assert answer.context["adminform"].form.errors
    assert not User.objects.filter(username="carol").exists()


def test_whoever_adds_users_gives_them_no_rights(db):
    adder = UserFactory(username="adam", is_staff=True)
    adder.user_permissions.set(Permission.objects.filter(codename__in=["add_user", "change_user", "view_user"]))
    browser(adder).post(page("accounts_user_add"), new() | everything())
    assert rights(User.objects.get(username="carol")) == (False, False, set(), set())


# --- Passwords


def test_setting_a_password_ends_the_tokens_and_is_logged(alice):
    Token.issue(alice)
    maria = browser(manager())
    assert maria.get(password(alice)).status_code == 200
    maria.post(password(alice), {"password1": NEW, "password2": NEW})
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert not alice.tokens.exists()
    assert log_of(alice)[0][0] == "maria"


@pytest.mark.parametrize("pair", [("password", "password"), (NEW, "another one"), ("", ""), ("x" * 300, "x" * 300)])
def test_a_password_that_breaks_the_rules_changes_nothing(alice, pair):
    Token.issue(alice)
    answer = browser(manager()).post(password(alice), {"password1": pair[0], "password2": pair[1]})
    assert answer.context["form"].errors
    assert alice.tokens.count() == 1
    assert log_of(alice) == []


def test_ones_own_new_password_ends_the_tokens_keeps_the_session_and_is_logged(db):
    user = UserFactory(username="olga", is_staff=True, with_password=True)
    Token.issue(user)
    olga = browser(user)
    given = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert olga.get(page("password_change")).status_code == 200
    assert olga.post(page("password_change"), given).status_code == 302
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert not user.tokens.exists()
    assert olga.get(page("index")).status_code == 200
    assert log_of(user) == [("olga", "Changed the own password; every token ended.")]


def test_a_wrong_old_password_changes_nothing(db):
    user = UserFactory(username="olga", is_staff=True, with_password=True)
    Token.issue(user)
    given = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    assert browser(user).post(page("password_change"), given).context["form"].errors
    assert user.tokens.count() == 1


# --- Deleting


def test_a_user_on_whom_money_hangs_cannot_be_deleted(payment):
    root = browser(boss())
    answer = root.post(page("accounts_user_delete", payment.user_id), {"post": "yes"}, follow=True)
    assert "cannot be deleted" in said(answer)
    assert "payments" in said(answer)
    assert User.objects.filter(pk=payment.user_id).exists()
    assert page("accounts_user_delete", payment.user_id) not in root.get(change(payment.user)).content.decode()


def test_a_user_who_acted_in_the_admin_cannot_be_deleted(alice):
    maria = manager()
    browser(maria).post(change(alice), {"email": "alice@example.org", "is_active": "on"})
    answer = browser(boss()).post(page("accounts_user_delete", maria.pk), {"post": "yes"}, follow=True)
    assert "cannot be deleted" in said(answer)
    assert User.objects.filter(pk=maria.pk).exists()


def test_a_user_without_a_past_can_be_deleted_and_the_token_goes_along(alice):
    Token.issue(alice)
    browser(boss()).post(page("accounts_user_delete", alice.pk), {"post": "yes"})
    assert not User.objects.filter(pk=alice.pk).exists()


def test_money_that_comes_while_a_user_is_deleted_keeps_them(payment, monkeypatch):
    monkeypatch.setattr("accounts.admin.base.what_hangs_on", lambda row: [])
    answer = browser(boss()).post(page("accounts_user_delete", payment.user_id), {"post": "yes"}, follow=True)
    assert answer.status_code == 200
    assert User.objects.filter(pk=payment.user_id).exists()


def test_nothing_is_deleted_in_bulk(alice):
    root = browser(boss())
    body = {"action": "delete_selected", "_selected_action": [alice.pk], "index": "0", "post": "yes"}
    root.post(page(LIST), body)
    assert User.objects.filter(pk=alice.pk).exists()


# --- Groups


def test_only_superusers_change_groups(staff, alice):
    maria = manager()
    maria.user_permissions.set(Permission.objects.filter(codename__in=["view_group", "change_group", "add_group"]))
    group = Group.objects.get(name="Billing operators")
    before = set(group.permissions.all())
    address = page("auth_group_change", group.pk)
    assert browser(maria).get(address).status_code == 200
    given = {"name": group.name, "permissions": [Permission.objects.get(codename="change_user").pk]}
    assert browser(maria).post(address, given).status_code == 403
    assert browser(maria).post(page("auth_group_add"), given).status_code == 403
    assert set(group.permissions.all()) == before
    browser(boss()).post(address, given)
    assert [right.codename for right in group.permissions.all()] == ["change_user"]


def test_an_old_page_of_a_group_takes_no_right_back(db):
    root, group = browser(boss()), Group.objects.get(name="Billing operators")
    address = page("auth_group_change", group.pk)
    given = {"name": group.name, "permissions": [right.pk for right in group.permissions.all()]}
    given["version"] = version_on(root, address)
    group.permissions.add(Permission.objects.get(codename="change_user"))
    before = set(group.permissions.all())
    assert "nothing was saved" in said(root.post(address, given, follow=True))
    assert set(group.permissions.all()) == before
    assert log_of(group) == []


def test_a_new_row_has_no_version(db):
    root = browser(boss())
    for name in ("auth_group_add", "accounts_user_add", "subscriptions_plan_add"):
        assert 'name="version"' not in root.get(page(name)).content.decode()


def test_groups_are_offered_only_permissions_that_mean_something(db):
    shown = browser(boss()).get(page("auth_group_add")).content.decode()
    assert "Payments: Can confirm payments" in shown
    assert "Users: view" in shown
    for nothing in ("Sessions:", "Tokens:", "Content types:", "Log entries:"):
        assert nothing not in shown
