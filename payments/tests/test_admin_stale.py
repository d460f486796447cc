"""Old pages, two tabs and double clicks: nothing is done that was decided on another sight of the row."""

import datetime as dt

import pytest

from accounts.tests.browsing import browser, log_of, page, said, version_on
from billing_time.clock import Moment
from payments.models import Facts, Payment, Receipt
from payments.tests.factories import PaymentFactory
from payments.tests.test_admin_bulk import results, send
from payments.tests.test_admin_confirm import address, form
from subscriptions.tests.factories import SubscriptionFactory

SEND = "payments_payment_confirm_selected"


@pytest.fixture
def olga(staff):
    return browser(staff)


def test_a_fresh_tab_confirms_and_the_second_click_says_already(olga, payment):
    given = form(evidence="0117-22", version=version_on(olga, address(payment)))
    assert "It covers the days" in said(olga.post(address(payment), given, follow=True))
    assert "confirmed before" in said(olga.post(address(payment), given, follow=True))
    assert Receipt.objects.count() == 1
    assert len(log_of(payment)) == 1


def test_an_old_tab_confirms_nothing_and_shows_how_it_is_now(olga, payment, moment):
    version = version_on(olga, address(payment))
    payment.cancel(moment)
    answer = olga.post(address(payment), form(evidence="0117-22", version=version))
    shown = answer.content.decode()
    assert "nothing was done" in shown
    assert "not waited for any more" in shown
    assert not Receipt.objects.exists()
    assert log_of(payment) == []
    olga.post(address(payment), form(evidence="0117-22", version=answer.context["form"]["version"].value()))
    payment.refresh_from_db()
    assert payment.status == "confirmed"


def test_what_was_typed_is_kept_and_what_is_missing_now_is_asked_for(olga, payment, moment):
    version = version_on(olga, address(payment))
    payment.cancel(moment)
    answer = olga.post(address(payment), form(note="seen on the statement", version=version))
    assert "seen on the statement" in answer.content.decode()
    assert answer.context["form"].errors["evidence"]


def test_a_mistake_in_the_form_does_not_make_an_old_page_new(olga, payment, moment):
    version = version_on(olga, address(payment))
    payment.cancel(moment)
    answer = olga.post(address(payment), form(amount="nothing", version=version))
    assert answer.context["form"]["version"].value() == version


def test_an_old_tab_cancels_nothing(olga, payment, staff, moment):
    cancel = page("payments_payment_cancel", payment.pk)
    version = version_on(olga, cancel)
    payment.confirm(Facts(), by=staff, moment=moment)
    answer = olga.post(cancel, {"reason": "", "version": version})
    assert "nothing was done" in answer.content.decode()
    payment.refresh_from_db()
    assert payment.status == "confirmed"


def test_the_expiry_that_nobody_wrote_down_makes_no_page_old(olga, plan):
    before = Moment.of(Moment.current().now - dt.timedelta(days=15))
    old = PaymentFactory(subscription=SubscriptionFactory(plan=plan, moment=before), moment=before)
    given = form(evidence="late", version=version_on(olga, address(old)))
    assert "It covers the days" in said(olga.post(address(old), given, follow=True))


def test_the_version_cannot_be_asked_for_by_a_link(olga, payment):
    asked = f"{address(payment)}?version=x&amount=1.00&evidence=y&receipt=1"
    shown = olga.get(asked).content.decode()
    assert 'value="990.00"' in shown
    assert version_on(olga, asked) == payment.version(Moment.current())


# --- Many at once


@pytest.fixture
def three(plan):
    return [PaymentFactory(subscription=SubscriptionFactory(plan=plan)) for _ in range(3)]


def versions(olga, payments):
    selected = {"action": "confirm_selected", "_selected_action": [row.pk for row in payments], "index": "0"}
    asked = olga.post(page("payments_payment_changelist"), selected).context["form"]
    return {f"version_{row.pk}": asked[f"version_{row.pk}"].value() for row in payments}


def test_of_many_payments_the_one_that_changed_is_left_alone(olga, three, moment):
    given = versions(olga, three)
    changed = three[1]
    changed.cancel(moment)
    evidence = {row.pk: f"e{row.pk}" for row in three}
    became = results(olga.post(page(SEND), send(three, evidence=evidence) | given))
    assert [became[row.pk][0] for row in three] == ["confirmed", "refused", "confirmed"]
    assert "has changed since" in became[changed.pk][1]
    assert Payment.objects.get(pk=changed.pk).status == "canceled"
    assert log_of(changed) == []


def test_sending_many_twice_says_already_confirmed(olga, three):
    given = send(three, evidence={row.pk: f"e{row.pk}" for row in three}) | versions(olga, three)
    olga.post(page(SEND), given)
    again = results(olga.post(page(SEND), given))
    assert {label for label, _words in again.values()} == {"already confirmed"}
    assert all(len(log_of(row)) == 1 for row in three)


def test_a_thousand_payments_with_versions_fit_into_one_form(olga, three):
    many = send(three) | versions(olga, three)
    many |= {f"{name}_{10**6 + number}": "x" * 32 for number in range(997) for name in ("evidence", "version")}
    assert {label for label, _words in results(olga.post(page(SEND), many)).values()} == {"confirmed"}
