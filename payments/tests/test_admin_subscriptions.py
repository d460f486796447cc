"""Ending a subscription with its money given back, and free time, in the admin."""

from decimal import Decimal

import pytest

from accounts.tests.browsing import boss, browser, log_of, manager, page, said, version_on
from payments.models import Facts, Payment, Refund
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.tests.factories import SubscriptionFactory


def cancel(row):
    return page("subscriptions_subscription_cancel", row.pk)


def resume(row):
    return page("subscriptions_subscription_resume", row.pk)


def give(row):
    return page("subscriptions_subscription_give_days", row.pk)


@pytest.fixture
def maria(db):
    return browser(manager())


@pytest.fixture
def active(payment, staff, moment):
    """Alice's, paid for a month."""
    payment.confirm(Facts(), by=staff, moment=moment)
    return payment.subscription


def books():
    return [list(model.objects.order_by("pk").values()) for model in (Subscription, Payment, Refund)]


# --- Ending


def test_ending_now_gives_the_last_payment_back(maria, active, moment):
    assert "Left of the last payment" in maria.get(cancel(active)).content.decode()
    given = {"when": "now", "money": "refund", "reason": "moves away", "version": version_on(maria, cancel(active))}
    answer = maria.post(cancel(active), given, follow=True)
    active.refresh_from_db()
    refund = Refund.objects.get()
    assert (active.status, active.end_date, active.cancel_reason) == ("canceled", moment.today, "moves away")
    assert (refund.amount, refund.status, refund.reason) == (Decimal("990.00"), "due", "moves away")
    assert "990.00 RUB are to be given back" in said(answer)
    before = books()
    assert "before" in said(maria.post(cancel(active), given, follow=True))
    assert books() == before
    assert len(log_of(active)) == 1


def test_giving_back_needs_its_right(staff, active):
    olga, before = browser(staff), books()
    assert 'value="refund"' not in olga.get(cancel(active)).content.decode()
    answer = olga.post(cancel(active), {"when": "now", "money": "refund", "reason": ""})
    assert answer.context["form"].errors["money"]
    assert books() == before


def test_money_is_said_only_of_what_ends_now(maria, active):
    before = books()
    for given in ({"when": "period_end", "money": "refund"}, {"when": "now", "money": ""}):
        assert maria.post(cancel(active), given | {"reason": ""}).context["form"].errors["money"]
    assert books() == before


def test_where_nothing_was_paid_nothing_is_given_back(maria, subscription):
    before = books()
    answer = maria.post(cancel(subscription), {"when": "now", "money": "refund", "reason": ""})
    assert "Nothing was paid" in answer.content.decode()
    assert books() == before


def test_nobody_ends_their_own_with_a_refund(plan, staff, moment):
    root = boss()
    payment = PaymentFactory(subscription=SubscriptionFactory(user=root, plan=plan))
    payment.confirm(Facts(), by=staff, moment=moment)
    before = books()
    answer = browser(root).post(cancel(payment.subscription), {"when": "now", "money": "refund", "reason": ""})
    assert "for themselves" in answer.content.decode()
    assert books() == before


def test_an_old_tab_ends_and_resumes_nothing(maria, active, staff, moment):
    version = version_on(maria, cancel(active))
    PaymentFactory(subscription=active).confirm(Facts(), by=staff, moment=moment)
    before = books()
    for given in ({"when": "period_end", "money": ""}, {"when": "now", "money": "refund"}):
        answer = maria.post(cancel(active), given | {"reason": "", "version": version})
        assert "nothing was done" in answer.content.decode()
    assert books() == before
    active.cancel(moment, now=False, reason="first")
    version = version_on(maria, resume(active))
    active.resume(moment)
    active.cancel(moment, now=False, reason="second")
    assert "nothing was done" in maria.post(resume(active), {"version": version}).content.decode()
    active.refresh_from_db()
    assert active.cancel_reason == "second"


def test_resuming_twice_says_so(maria, active, moment):
    active.cancel(moment, now=False)
    given = {"version": version_on(maria, resume(active))}
    maria.post(resume(active), given)
    assert "nothing was changed" in said(maria.post(resume(active), given, follow=True))
    assert len(log_of(active)) == 1


# --- Free days


def test_free_days_follow_on_what_is_paid(maria, active):
    paid_until = active.covered_until
    assert give(active) in maria.get(page("subscriptions_subscription_change", active.pk)).content.decode()
    given = {"days": "10", "reason": "an outage", "version": version_on(maria, give(active))}
    answer = maria.post(give(active), given, follow=True)
    free = Payment.objects.get(provider="grant")
    assert (free.covers_from, (free.covers_to - free.covers_from).days) == (paid_until, 10)
    assert "Given for nothing" in said(answer)
    assert "an outage" in log_of(active)[0][1]
    before = books()
    assert "given before" in said(maria.post(give(active), given, follow=True))
    assert books() == before
    assert len(log_of(active)) == 1


def test_an_old_tab_gives_no_days(maria, active, staff, moment):
    version = version_on(maria, give(active))
    active.cancel(moment, now=False)
    before = books()
    answer = maria.post(give(active), {"days": "10", "reason": "r", "version": version})
    assert "nothing was done" in answer.content.decode()
    assert books() == before


@pytest.mark.parametrize(
    "changes",
    [{"days": value} for value in ("", "0", "-1", "367", "1.5", "1e2", "٣", "9" * 30, "9" * 5000)]
    + [{"reason": ""}, {"reason": "x" * 501}],
)
def test_days_that_cannot_be_are_said_beside_the_form(maria, active, changes):
    before = books()
    assert maria.post(give(active), {"days": "10", "reason": "r"} | changes).context["form"].errors
    assert books() == before


def test_what_has_ended_gets_no_days(maria, active, moment):
    active.cancel(moment, now=True, forfeit=True)
    before = books()
    assert give(active) not in maria.get(page("subscriptions_subscription_change", active.pk)).content.decode()
    assert "cannot take any days" in maria.get(give(active)).content.decode()
    assert maria.post(give(active), {"days": "10", "reason": "r"}).context["form"].errors
    assert books() == before


def test_free_days_need_their_right_and_are_for_nobody_themselves(staff, active, plan):
    before = books()
    assert browser(staff).post(give(active), {"days": "10", "reason": "r"}).status_code == 403
    assert browser(staff).get(give(active)).status_code == 403
    assert books() == before
    root = boss()
    own = SubscriptionFactory(user=root, plan=plan)
    assert "for themselves" in browser(root).post(give(own), {"days": "10", "reason": "r"}).content.decode()
    assert not Payment.objects.filter(provider="grant").exists()


def test_a_grant_can_be_reversed_as_a_mistake_and_never_refunded(maria, active):
    maria.post(give(active), {"days": "10", "reason": "r"})
    free = Payment.objects.get(provider="grant")
    shown = maria.get(page("payments_payment_change", free.pk)).content.decode()
    assert page("payments_payment_refund", free.pk) not in shown
    address = page("payments_payment_refund", free.pk)
    answer = maria.post(address, {"amount": "", "coverage": "", "reason": "r", "evidence": ""})
    assert "0.00 RUB are left to give back" in answer.content.decode()
    undo = page("payments_payment_reverse", free.pk)
    given = {"kind": "returned_by_bank", "reason": "r", "evidence": ""}
    assert "No money came for free time" in maria.post(undo, given).content.decode()
    maria.post(undo, given | {"kind": "mistake"})
    free.refresh_from_db()
    assert free.status == "reversed"
    shown = maria.get(page("payments_payment_change", free.pk)).content.decode()
    assert page("payments_payment_confirm", free.pk) not in shown
