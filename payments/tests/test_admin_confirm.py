"""Confirming one payment in the admin."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connections
from django.test import Client

from accounts.tests.browsing import boss, browser, log_of, page, said
from accounts.tests.factories import UserFactory
from billing_time.clock import Moment
from payments.models import Facts, Payment, Receipt
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import SubscriptionFactory


def form(**changes):
    return {"amount": "990.00", "received_on": "", "evidence": "", "source": "manual", "note": ""} | changes


def address(payment):
    return page("payments_payment_confirm", payment.pk)


def nothing_happened(payment):
    payment.refresh_from_db()
    return payment.status == Payment.Status.PENDING and not Receipt.objects.exists() and log_of(payment) == []


def test_the_page_of_a_pending_payment_leads_to_a_form_with_its_amount(staff, payment):
    olga = browser(staff)
    assert address(payment) in olga.get(page("payments_payment_change", payment.pk)).content.decode()
    shown = olga.get(address(payment)).content.decode()
    assert 'value="990.00"' in shown
    assert "alice@example.com" in shown
    assert "Amount, RUB" in shown
    assert nothing_happened(payment)


def test_confirming_activates_the_subscription_and_is_logged_with_who_and_what(staff, payment, moment):
    day = moment.today.isoformat()
    given = form(received_on=day, evidence="0117-22", note="seen on the statement")
    answer = browser(staff).post(address(payment), given, follow=True)
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CONFIRMED
    assert payment.subscription.status == "active"
    assert (payment.receipt.evidence, payment.receipt.note) == ("0117-22", "seen on the statement")
    assert (payment.receipt.received_on, payment.receipt.recorded_by) == (moment.today, staff)
    assert "990.00 RUB" in said(answer)
    assert "It covers the days" in said(answer)
    ((who, what),) = log_of(payment)
    assert who == "olga"
    assert "990.00 RUB" in what
    assert "0117-22" in what
    assert "It covers the days" in what


def test_a_double_click_confirms_once(staff, payment):
    olga = browser(staff)
    olga.post(address(payment), form(evidence="0117-22"))
    before = Payment.objects.values().get()
    answer = olga.post(address(payment), form(evidence="0117-22"), follow=True)
    assert "confirmed before" in said(answer)
    assert Payment.objects.values().get() == before
    assert Receipt.objects.count() == 1
    assert len(log_of(payment)) == 1


def test_a_second_tab_with_other_facts_is_refused_in_words(staff, payment):
    olga = browser(staff)
    olga.post(address(payment), form(evidence="0117-22"))
    answer = olga.post(address(payment), form(evidence="0118-01"))
    assert answer.status_code == 200
    assert "confirmed with another value" in answer.content.decode()
    assert Receipt.objects.get().evidence == "0117-22"
    assert len(log_of(payment)) == 1


def test_a_fact_that_was_absent_is_added_and_logged(staff, payment):
    olga = browser(staff)
    olga.post(address(payment), form())
    answer = olga.post(address(payment), form(evidence="0117-22"), follow=True)
    assert "what was not known" in said(answer)
    assert Receipt.objects.get().evidence == "0117-22"
    assert len(log_of(payment)) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": ""},
        {"amount": "0"},
        {"amount": "-990.00"},
        {"amount": "+990"},
        {"amount": "9_90"},
        {"amount": "٩٩٠"},
        {"amount": "99e1"},
        {"amount": "990.001"},
        {"amount": "NaN"},
        {"amount": "1" * 5000},
        {"amount": "900.00"},
        {"received_on": "31.01.2026"},
        {"received_on": "yesterday"},
        {"received_on": "9999-12-31"},
        {"evidence": "x" * 201},
        {"source": "x" * 51},
        {"note": "x" * 1001},
    ],
)
def test_what_cannot_be_is_said_beside_the_form_and_changes_nothing(staff, payment, changes):
    answer = browser(staff).post(address(payment), form(**changes))
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert nothing_happened(payment)


@pytest.mark.parametrize("amount", ["990", "990.00", "990,00", "990.0", " 990 "])
def test_an_amount_may_be_written_as_people_write_it(staff, payment, amount):
    browser(staff).post(address(payment), form(amount=amount))
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CONFIRMED


def test_another_amount_is_refused_with_what_is_due(staff, payment):
    answer = browser(staff).post(address(payment), form(amount="900.00"))
    assert "This payment is for 990.00 RUB" in answer.content.decode()
    assert nothing_happened(payment)


def test_a_nul_in_the_form_is_400(staff, payment):
    assert browser(staff).post(address(payment), form(evidence="a\0b")).status_code == 400
    assert nothing_happened(payment)


def test_without_a_csrf_token_nothing_is_confirmed(staff, payment):
    assert browser(staff, enforce_csrf_checks=True).post(address(payment), form()).status_code == 403
    assert nothing_happened(payment)


def test_evidence_of_another_payment_is_refused_in_words(staff, payment, bob, plan):
    other = PaymentFactory(subscription=SubscriptionFactory(user=bob, plan=plan))
    olga = browser(staff)
    olga.post(address(other), form(evidence="0117-22"))
    answer = olga.post(address(payment), form(evidence=" 0117-22 "))
    assert "settled another payment" in answer.content.decode()
    payment.refresh_from_db()
    assert payment.status == Payment.Status.PENDING
    assert log_of(payment) == []


def test_nobody_confirms_their_own_payment_superusers_included(plan):
    root = boss()
    own = PaymentFactory(subscription=SubscriptionFactory(user=root, plan=plan))
    answer = browser(root).post(address(own), form())
    assert "Nobody does this for themselves" in answer.content.decode()
    assert nothing_happened(own)


def test_staff_without_the_right_neither_see_nor_use_the_form(powerless_staff, alice, payment):
    for user in (powerless_staff, alice):
        client = browser(user)
        assert client.get(address(payment)).status_code in (302, 403)
        assert client.post(address(payment), form()).status_code in (302, 403)
    assert Client(HTTP_HOST="localhost").post(address(payment), form()).status_code == 302
    assert nothing_happened(payment)


def test_late_money_needs_its_evidence(staff, payment, moment):
    payment.cancel(moment)
    olga = browser(staff)
    assert "needs its evidence" in olga.get(address(payment)).content.decode()
    answer = olga.post(address(payment), form())
    assert answer.context["form"].errors["evidence"]
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CANCELED
    olga.post(address(payment), form(evidence="0117-22"))
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CONFIRMED


def test_money_that_the_subscription_cannot_take_is_said_to_be_unapplied(staff, payment, moment):
    payment.subscription.cancel(moment, now=True)
    answer = browser(staff).post(address(payment), form(evidence="0117-22"), follow=True)
    payment.refresh_from_db()
    assert payment.unapplied
    assert "kept unapplied" in said(answer)
    assert "kept unapplied" in log_of(payment)[0][1]


def test_the_form_warns_before_money_is_kept_unapplied(staff, payment, moment):
    payment.subscription.cancel(moment, now=True)
    assert "kept unapplied" in browser(staff).get(address(payment)).content.decode()


@pytest.mark.parametrize("key", ["0", "999999", "abc", "9" * 30, "9" * 5000, "-1"])
def test_a_payment_that_does_not_exist_is_said_not_to_exist(staff, payment, key):
    answer = browser(staff).post(page("payments_payment_confirm", key), form(), follow=True)
    assert "exist" in said(answer)
    assert nothing_happened(payment)


def test_what_the_database_refuses_is_said_in_words(staff, payment, monkeypatch):
    """A race lost at the unique key of the evidence looks like one that was seen beforehand."""
    monkeypatch.setattr(Receipt, "take_evidence", lambda self, evidence: setattr(self, "evidence", evidence))
    other = PaymentFactory(subscription=SubscriptionFactory(plan=payment.plan))
    other.confirm(Facts(evidence="0117-22"), by=staff, moment=Moment.current())
    answer = browser(staff).post(address(payment), form(evidence="0117-22"))
    assert "settled another payment" in answer.content.decode()
    payment.refresh_from_db()
    assert payment.status == Payment.Status.PENDING
    assert log_of(payment) == []


def test_a_fault_of_the_program_is_not_dressed_up_as_a_refusal(staff, payment, monkeypatch):
    monkeypatch.setattr(Payment, "confirm", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        browser(staff).post(address(payment), form())


def test_the_act_and_its_log_stand_or_fall_together(staff, payment, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("accounts.admin.acts.LogEntry.objects.log_actions", fail)
    with pytest.raises(RuntimeError):
        browser(staff).post(address(payment), form())
    assert nothing_happened(payment)


def test_the_form_speaks_russian(staff, payment):
    shown = browser(staff).get(address(payment), headers={"Accept-Language": "ru"})
    assert shown.status_code == 200
    assert '<html lang="ru"' in shown.content.decode()


def test_canceling_is_logged_with_its_reason_and_happens_once(staff, payment):
    olga, cancel = browser(staff), page("payments_payment_cancel", payment.pk)
    assert olga.get(cancel).status_code == 200
    assert nothing_happened(payment)
    assert "Canceled" in said(olga.post(cancel, {"reason": "paid in cash"}, follow=True))
    assert "canceled before" in said(olga.post(cancel, {"reason": "again"}, follow=True))
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CANCELED
    ((who, what),) = log_of(payment)
    assert (who, "paid in cash" in what) == ("olga", True)


def test_a_confirmed_payment_cannot_be_canceled(staff, payment, moment):
    payment.confirm(Facts(), by=staff, moment=moment)
    answer = browser(staff).post(page("payments_payment_cancel", payment.pk), {"reason": ""})
    assert "not waiting for money" in answer.content.decode()
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CONFIRMED
    assert log_of(payment) == []


def test_canceling_needs_its_own_right(staff, payment):
    confirms_only = UserFactory(username="kira", is_staff=True)
    for right in ("view_payment", "confirm_payment"):
        confirms_only.user_permissions.add(permission(right))
    kira = browser(confirms_only)
    assert kira.post(page("payments_payment_cancel", payment.pk), {"reason": ""}).status_code == 403
    assert nothing_happened(payment)
    assert kira.post(address(payment), form()).status_code == 302


def permission(codename):
    return Permission.objects.get(codename=codename)


def test_a_payment_past_its_expiry_is_late_though_nobody_wrote_it_down(staff, plan, bob):
    before = Moment.of(Moment.current().now - dt.timedelta(days=15))
    old = PaymentFactory(subscription=SubscriptionFactory(user=bob, plan=plan, moment=before), moment=before)
    olga = browser(staff)
    assert old.status == Payment.Status.PENDING
    assert "expired" in olga.get(page("payments_payment_change", old.pk)).content.decode()
    assert olga.post(address(old), form()).context["form"].errors["evidence"]
    olga.post(address(old), form(evidence="late"))
    old.refresh_from_db()
    assert (old.status, old.receipt.amount) == (Payment.Status.CONFIRMED, Decimal("990.00"))


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_eight_tabs_at_once_confirm_once(staff, payment):
    def confirm(client):
        try:
            # The contexts that the test client keeps are mixed up between threads; the request's messages are not.
            answer = client.post(address(payment), form(evidence="0117-22"))
            return " ".join(map(str, get_messages(answer.wsgi_request)))
        finally:
            connections.close_all()

    tabs = [browser(staff) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        words = list(threads.map(confirm, tabs))
    assert sum("It covers the days" in each for each in words) == 1
    assert sum("confirmed before" in each for each in words) == 7
    assert Receipt.objects.count() == len(log_of(payment)) == 1
