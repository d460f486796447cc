"""The journal in the admin: on the page of each object and as a list; and that the journal knows who acts here."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection

from accounts.admin.timeline import kind_in_words
from accounts.models import User
from accounts.tests.browsing import boss, browser, page
from accounts.tests.factories import PASSWORD, UserFactory
from journal.models import Event
from journal.tests.sessions import execute
from transactions.acting import Actor, Channel, acting, because

pytestmark = pytest.mark.django_db
LIST = "journal_event_changelist"


def with_rights(*codenames):
    user = UserFactory(username="vera", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return browser(user)


@pytest.fixture
def vera():
    """Vera, who may see users and the journal."""
    return with_rights("view_user", "view_event")


def change_page(row):
    return page(f"{row._meta.app_label}_{row._meta.model_name}_change", row.pk)


def timeline(client, row):
    return client.get(change_page(row)).context["timeline"]


def text_of(client, row):
    """Return the timeline as it is read: tags gone, white space folded."""
    html = client.get(change_page(row)).content.decode().partition('<section id="timeline"')[2].partition("</section>")
    return " ".join(re.sub(r"<[^>]*>", " ", html[0]).split())


def found(client, query=""):
    return [event.pk for event in client.get(page(LIST) + query).context["cl"].result_list]


# --- On an object's page


def test_the_page_of_an_object_shows_what_happened_to_it_newest_first(vera, alice, bob, staff):
    with acting(Actor.of(staff), Channel.ADMIN, "5f1c2d"):
        because("She asked us to.")
        execute(connection, "UPDATE accounts_user SET is_active = false WHERE id = %s", alice.pk)
    entries = timeline(vera, alice).entries
    assert [entry.what for entry in entries] == ["User: changed", "User: created"]
    assert {entry.event.object_id for entry in entries} == {str(alice.pk)}
    text = text_of(vera, alice)
    assert "olga · admin" in text
    assert "Reason: She asked us to." in text
    assert "active: Yes → No" in text


def test_secrets_are_not_shown_and_nothing_is_a_dump(vera, alice):
    alice.change_password("another correct horse")
    text = text_of(vera, alice)
    assert "password: not shown → not shown" in text
    assert not any(mark in text for mark in ("{", "}", "argon2", "example.com", "true", "null"))


def test_rights_are_named_in_words(vera, alice):
    alice.user_permissions.add(Permission.objects.get(codename="confirm_payment"))
    alice.groups.add(Group.objects.get(name="Billing operators"))
    alice.groups.clear()
    text = text_of(vera, alice)
    assert "Right given" in text
    assert "permission: Payments: Can confirm payments" in text
    assert "group: Billing operators" in text
    assert "Right taken away" in text


def test_times_are_read_as_times(vera, alice):
    assert "registered: 20" not in text_of(vera, alice)
    assert "registered: " in text_of(vera, alice)


def test_who_may_not_see_the_journal_sees_no_timeline(alice):
    client = with_rights("view_user")
    assert timeline(client, alice) is None
    assert "What happened" not in client.get(change_page(alice)).content.decode()
    assert client.get(page(LIST)).status_code == 403
    assert page(LIST) not in client.get(page("index")).content.decode()


def test_a_long_history_links_to_the_rest(vera, alice):
    for number in range(60):
        execute(connection, "UPDATE accounts_user SET is_active = %s WHERE id = %s", bool(number % 2), alice.pk)
    shown = timeline(vera, alice)
    assert len(shown.entries) == 50
    rest = vera.get(shown.rest)
    assert rest.status_code == 200
    assert rest.context["cl"].result_count == 61


def test_a_short_history_links_to_nothing(vera, alice):
    assert timeline(vera, alice).rest is None


@pytest.mark.parametrize("name", ["payment", "subscription", "plan"])
def test_every_kind_of_object_has_a_timeline(request, payment, name):
    client = browser(boss())
    row = {"payment": payment, "subscription": payment.subscription, "plan": payment.plan}[name]
    assert timeline(client, row) is not None


def test_a_group_has_a_timeline(staff):
    root = browser(boss())
    group = Group.objects.get(name="Billing operators")
    assert timeline(root, group).entries[-1].what == "Group: created"


def test_a_form_for_something_new_has_none():
    response = browser(boss()).get(page("accounts_user_add"))
    assert response.status_code == 200
    assert "What happened" not in response.content.decode()


def test_a_state_is_called_as_elsewhere_and_what_is_unknown_by_its_name():
    assert kind_in_words("payment.confirmed") == "Payment: confirmed"
    assert kind_in_words("ghost.walked") == "Ghost: walked"


# --- The list


def test_the_list_is_linked_from_the_side_bar_and_shows_the_newest_first(vera, alice):
    assert page(LIST) in vera.get(page("index")).content.decode()
    assert found(vera) == sorted(found(vera), reverse=True)


def test_it_narrows_by_object_kind_and_channel(vera, alice):
    with acting(Actor.command("nightly"), Channel.COMMAND):
        execute(connection, "UPDATE accounts_user SET is_active = false WHERE id = %s", alice.pk)
    event = Event.objects.order_by("seq").last()
    assert found(vera, "?channel=command") == [event.pk]
    assert found(vera, "?kind=user.changed") == [event.pk]
    assert event.pk in found(vera, f"?object=user&object_id__exact={alice.pk}")
    assert event.pk not in found(vera, "?object=group")
    assert event.pk not in found(vera, "?kind=right.granted")


def test_it_finds_by_object_request_and_actor(vera, alice, staff):
    with acting(Actor.of(staff), Channel.API, "5f1c2d"):
        execute(connection, "UPDATE accounts_user SET is_active = false WHERE id = %s", alice.pk)
    event = Event.objects.order_by("seq").last()
    assert found(vera, "?q=5f1c2d") == [event.pk]
    assert found(vera, "?q=OLGA") == [event.pk]
    assert event.pk in found(vera, f"?q={alice.pk}")


@pytest.mark.parametrize("query", ["?kind=x", "?object=x", "?channel=x", "?actor_name__startswith=o", "?user_id=1"])
def test_other_parameters_are_refused_in_words(vera, query):
    response = vera.get(page(LIST) + query, follow=True)
    assert response.status_code == 400


def test_an_event_has_a_page_on_which_nothing_can_be_changed(vera, alice):
    event = Event.objects.order_by("seq").last()
    response = vera.get(change_page(event))
    assert response.status_code == 200
    assert 'name="_save"' not in response.content.decode()
    assert vera.post(change_page(event), {"reason": "x"}).status_code == 403
    assert browser(boss()).post(page("journal_event_delete", event.pk), {"post": "yes"}).status_code == 403
    assert browser(User.objects.get(username="root")).get(page("journal_event_add")).status_code == 403


def test_an_event_about_what_is_gone_can_still_be_looked_at(vera, alice):
    alice.delete()
    event = Event.objects.order_by("seq").last()
    assert vera.get(change_page(event)).status_code == 200
    assert event.pk in found(vera)


# --- Who acts


def acted():
    event = Event.objects.order_by("seq").last()
    return event.actor_type, event.actor_name, event.channel


def test_a_form_of_the_admin_acts_for_whoever_sends_it(alice):
    response = browser(boss()).post(change_page(alice), {"email": "alice@example.org", "is_active": "on"})
    assert response.status_code == 302
    assert acted() == ("user", "root", "admin")
    assert Event.objects.order_by("seq").last().request_id == response["X-Request-Id"]


def test_a_right_given_in_the_admin_names_who_gave_it(alice):
    group = Group.objects.get(name="Billing operators")
    data = {"email": alice.email, "is_active": "on", "is_staff": "on", "groups": [group.pk]}
    browser(boss()).post(change_page(alice), data)
    granted = Event.objects.filter(kind="right.granted", object_id=str(alice.pk), object_type="user").get()
    assert (granted.actor_name, granted.channel, granted.after) == ("root", "admin", {"group": "Billing operators"})


def test_a_password_set_for_somebody_names_who_set_it(alice):
    new = {"password1": "a quite new password", "password2": "a quite new password", "usable_password": "true"}
    browser(boss()).post(page("auth_user_password_change", alice.pk), new)
    assert acted() == ("user", "root", "admin")
    assert Event.objects.order_by("seq").last().after == {"password_hash": "(secret)"}


def test_the_own_password_is_changed_by_oneself(staff):
    staff.set_password(PASSWORD)
    staff.save()
    new = {"old_password": PASSWORD, "new_password1": "a quite new password", "new_password2": "a quite new password"}
    response = browser(staff).post(page("password_change"), new)
    assert response.status_code == 302
    assert acted() == ("user", "olga", "admin")


def test_deleting_in_the_admin_names_who_deleted(alice):
    browser(boss()).post(page("accounts_user_delete", alice.pk), {"post": "yes"})
    assert acted() == ("user", "root", "admin")
    assert Event.objects.order_by("seq").last().kind == "user.deleted"
