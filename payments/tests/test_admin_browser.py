"""The admin in a real browser: log in, find the payment that waits, confirm it, see what came of it."""

import os
import shutil
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import connections

from accounts.models import User
from accounts.tests.browsing import log_of, manager, page
from accounts.tests.factories import PASSWORD
from payments.models import Facts, Payment, Receipt, Refund

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def tab(live_server, staff, monkeypatch):
    """A tab in which Olga is logged in."""
    with tab_of(staff, live_server, monkeypatch) as page:
        yield page


@pytest.fixture
def manager_tab(live_server, monkeypatch):
    """A tab in which Maria is logged in."""
    with tab_of(manager(), live_server, monkeypatch) as page:
        yield page


@contextmanager
def tab_of(user, live_server, monkeypatch):
    """Open a tab in which a user is logged in, and in which nothing failed to load or to run by the end of the test."""
    from playwright import sync_api as playwright

    # Playwright's loop runs in this thread: Django would refuse to look at the database, and opens a second connection.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    User.objects.get(pk=user.pk).change_password(PASSWORD)
    troubles = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(locale="en-US").new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("requestfailed", lambda request: troubles.append(request.url))
        page.on("response", lambda answer: answer.status >= 400 and troubles.append(f"{answer.status} {answer.url}"))
        page.on("request", lambda asked: asked.url.startswith(live_server.url) or troubles.append(asked.url))
        page.goto(f"{live_server.url}/admin/")
        page.fill("#id_username", user.username)
        page.fill("#id_password", PASSWORD)
        page.click("#login-form button[type=submit]")
        yield page
        browser.close()
        connections.close_all()
    assert [trouble for trouble in troubles if "favicon" not in trouble] == []


def test_a_payment_is_confirmed_from_the_side_bar_on(tab, payment):
    tab.click("text=Payments waiting")
    tab.click(f"a[href*='/payment/{payment.pk}/change/']")
    tab.click("a:has-text('Confirm payment')")
    assert tab.input_value("#id_amount") == "990.00"
    colour = tab.eval_on_selector("#act-form button[type=submit]", "button => getComputedStyle(button).backgroundColor")
    assert colour not in ("rgba(0, 0, 0, 0)", "rgb(239, 239, 239)"), "the stylesheet was not loaded"
    tab.fill("#id_evidence", "0117-22")
    tab.fill("#id_received_on", payment.created_at.date().isoformat())
    tab.fill("#id_note", "seen on the statement")
    tab.dblclick("#act-form button[type=submit]")
    tab.wait_for_url(f"**/payment/{payment.pk}/change/")
    assert "It covers the days" in tab.inner_text("#main")
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CONFIRMED
    assert Receipt.objects.get().evidence == "0117-22"
    assert len(log_of(payment)) == 1


def test_the_selected_payments_are_confirmed_in_bulk(tab, payment):
    tab.click("text=Payments waiting")
    tab.check("input.action-select")
    tab.select_option("#changelist-actions select[name=action]", "confirm_selected")
    tab.click("#changelist-actions button[type=submit]")
    tab.fill(f"#id_evidence_{payment.pk}", "0117-22")
    tab.click("#confirm-selected-form button[type=submit]")
    assert "confirmed" in tab.inner_text("#results").lower()
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CONFIRMED


def test_a_refund_is_given_from_the_payments_page_and_paid_out_from_the_queue(manager_tab, payment, staff, moment):
    tab = manager_tab
    payment.confirm(Facts(evidence="0117-22"), by=staff, moment=moment)
    tab.goto(tab.url.split("/admin/")[0] + page("payments_payment_change", payment.pk))
    tab.click("a:has-text('Refund payment')")
    tab.fill("#id_amount", "300,00")
    tab.fill("#id_reason", "asked for it")
    tab.dblclick("#act-form button[type=submit]")
    tab.wait_for_url(f"**/payment/{payment.pk}/change/")
    assert "Refunded: 300.00 RUB. It is due" in tab.inner_text("#main")
    tab.click("text=Late and double money")
    tab.click("#due a:has-text('Record that it was paid out')")
    tab.fill("#id_evidence", "OUT-1")
    tab.click("#act-form button[type=submit]")
    tab.wait_for_url("**/refund/*/change/")
    assert "Paid out: 300.00 RUB" in tab.inner_text("#main")
    assert [(refund.status, refund.amount) for refund in Refund.objects.all()] == [("paid", Decimal("300.00"))]
    tab.click("text=Bank statement")
    assert "690.00" in tab.inner_text("#statement tfoot")


def test_of_two_tabs_the_old_one_says_so_and_goes_on_from_how_it_is_now(manager_tab, payment):
    tab, other = manager_tab, manager_tab.context.new_page()
    address = tab.url.split("/admin/")[0] + page("payments_payment_confirm", payment.pk)
    tab.goto(address)
    other.goto(address.replace("/confirm", "/cancel"))
    other.click("#act-form button[type=submit]")
    other.wait_for_url(f"**/payment/{payment.pk}/change/")
    tab.fill("#id_evidence", "0117-22")
    tab.click("#act-form button[type=submit]")
    assert "nothing was done" in tab.inner_text("#main")
    assert tab.input_value("#id_evidence") == "0117-22"
    tab.click("#act-form button[type=submit]")
    tab.wait_for_url(f"**/payment/{payment.pk}/change/")
    assert "It covers the days" in tab.inner_text("#main")


def test_the_language_can_be_switched_to_russian(tab):
    tab.click("text=olga@example.com")
    tab.click("text=Русский")
    tab.wait_for_selector("html[lang=ru]")
