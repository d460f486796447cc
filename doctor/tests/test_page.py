"""The page of the admin: who may, what it shows, and that it changes nothing."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import User
from doctor import pages
from doctor.check import error
from doctor.tests.breaking import BREAKING, active
from doctor.tests.situations import Story
from payments.models import Payment

ADDRESS = "/admin/doctor/"


@pytest.fixture
def root(db, client):
    """Somebody who may do everything, logged in."""
    root = User.objects.create_superuser("root")
    client.force_login(root)
    return client


def test_it_has_the_address_that_the_side_bar_links_to(root):
    assert reverse("doctor") == ADDRESS
    assert f'href="{ADDRESS}"' in root.get(reverse("admin:index")).text


def test_it_looks_once_it_is_asked_to(root, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        page = root.get(ADDRESS)
    assert page.status_code == 200
    assert "checks look for what must hold" in page.text
    assert "All is well" not in page.text


def test_books_that_are_well(root):
    active()
    page = root.post(ADDRESS)
    assert page.status_code == 200
    assert "All is well: no check found anything." in page.text


def test_findings_stand_with_their_check_and_link_to_the_object(root):
    _type, pk = BREAKING["payment_amount_differs"]()
    page = root.post(ADDRESS)
    assert "An amount that is not price times duration" in page.text
    assert f'href="{reverse("admin:payments_payment_change", args=[pk])}"' in page.text
    assert "amount 1.00, unit_price 990.00" in page.text


def test_errors_come_before_warnings(root):
    BREAKING["receipt_without_evidence"]()
    BREAKING["coverage_overlaps"]()
    page = root.post(ADDRESS).text
    assert page.index('id="coverage_overlaps"') < page.index('id="receipt_without_evidence"')


def test_what_an_object_is_called_is_escaped(root, monkeypatch):
    nasty = error("nasty_check", "A title", "A text.", "SELECT 'payment', '<b>', '<script>alert(1)</script>'")
    monkeypatch.setattr(pages, "QUICK", [nasty])
    page = root.post(ADDRESS).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_what_has_no_page_has_no_link(root):
    BREAKING["trigger_missing"]()
    page = root.post(ADDRESS)
    assert "trigger payment_transition on payments_payment" in page.text


def test_it_cannot_hang(root, monkeypatch):
    slow = error("slow_check", "It sleeps", "For long.", "SELECT 'x', '1', pg_sleep(30)::text")
    monkeypatch.setattr(pages, "QUICK", [slow, slow])
    monkeypatch.setattr(pages, "SECONDS", 0.3)
    page = root.post(ADDRESS).text
    assert "it took too long" in page
    assert "not run" in page
    assert "there was no time left for it" in page


def test_it_changes_nothing(root):
    story = Story()
    story.subscribe(40)
    story.ask(40)
    assert "payment_not_written_down" in root.post(ADDRESS).text
    assert Payment.objects.get().status == "pending"


def test_seals_take_long_and_are_left_to_the_command(root):
    assert "seal_broken" in root.get(ADDRESS).text
    assert all(check.name != "seal_broken" for check in pages.QUICK)


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_may_not_read_the_journal_may_not_look(client, powerless_staff, method):
    client.force_login(powerless_staff)
    assert getattr(client, method)(ADDRESS).status_code == 403
    assert ADDRESS not in client.get(reverse("admin:index")).text


def test_whoever_may_read_the_journal_may_look(client, powerless_staff):
    powerless_staff.user_permissions.add(Permission.objects.get(codename="view_event"))
    client.force_login(powerless_staff)
    assert client.post(ADDRESS).status_code == 200
    assert ADDRESS in client.get(reverse("admin:index")).text


def test_customers_and_strangers_are_asked_to_log_in(client, alice):
    assert client.get(ADDRESS).status_code == 302
    client.force_login(alice)
    assert client.post(ADDRESS).status_code == 302


def test_other_methods_are_none(root):
    assert root.put(ADDRESS).status_code == 405
