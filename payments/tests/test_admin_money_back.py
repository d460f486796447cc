"""Giving money back and reversing payments in the admin."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.db import connections
from django.test import Client

from accounts.tests.browsing import boss, browser, log_of, manager, page, said, version_on
from billing_time.clock import Moment
from payments.models import Facts, Payment, Refund, RefundOrder, Reversal
from payments.tests.factories import PaymentFactory
from payments.tests.test_admin_lists import rows
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory


def refund(row):
    return page("payments_payment_refund", row.pk)


def reverse(row):
    return page("payments_payment_reverse", row.pk)


def pay(row):
    return page("payments_refund_pay", row.pk)


def giving(**changes):
    return {"amount": "", "coverage": "", "reason": "asked for it", "evidence": ""} | changes


def undoing(**changes):
    return {"kind": "mistake", "reason": "another one's", "evidence": ""} | changes


@pytest.fixture
def maria(db):
    return browser(manager())


@pytest.fixture
def paid(payment, staff, moment):
    """Alice's payment, confirmed by an entry of the bank."""
    payment.confirm(Facts(evidence="0117-22"), by=staff, moment=moment)
    return payment


@pytest.fixture
def renewal(paid, staff, moment):
    """Alice's second payment, whose days stand on those of the first."""
    payment = PaymentFactory(subscription=paid.subscription)
    payment.confirm(Facts(evidence="0217-22"), by=staff, moment=moment)
    return payment


def books():
    """Return every row that money is about."""
    return [list(model.objects.order_by("pk").values()) for model in (Payment, Refund, Reversal)]


# --- Refund


def test_the_page_of_a_confirmed_payment_offers_to_refund_and_to_reverse(maria, paid):
    shown = maria.get(page("payments_payment_change", paid.pk)).content.decode()
    assert refund(paid) in shown
    assert reverse(paid) in shown
    assert page("payments_payment_confirm", paid.pk) not in shown


def test_the_form_says_what_would_come_of_it_and_changes_nothing(maria, paid):
    before = books()
    shown = maria.get(refund(paid)).content.decode()
    assert "the subscription is canceled, and access ends at once" in shown
    assert "Left to give back" in shown
    assert books() == before


def test_without_an_amount_all_is_given_back_and_the_days_are_taken_back(maria, paid, moment):
    answer = maria.post(refund(paid), giving(version=version_on(maria, refund(paid))), follow=True)
    paid.refresh_from_db()
    paid.subscription.refresh_from_db()
    assert (paid.status, paid.refunded_amount, paid.taken_back_on) == ("refunded", Decimal("990.00"), moment.today)
    assert paid.subscription.status == "canceled"
    assert "Refunded: 990.00 RUB. It is due" in said(answer)
    assert "The subscription is now: canceled" in said(answer)
    assert Refund.objects.get().status == "due"
    ((who, what),) = log_of(paid)
    assert (who, "asked for it" in what) == ("maria", True)


def test_a_part_with_evidence_is_paid_out_and_keeps_the_days(maria, paid):
    answer = maria.post(refund(paid), giving(amount="300,00", evidence="OUT-1"), follow=True)
    paid.refresh_from_db()
    assert (paid.status, paid.refunded_amount, paid.taken_back_on) == ("confirmed", Decimal("300.00"), None)
    assert Refund.objects.get().status == "paid"
    assert "It was paid out; evidence: OUT-1. 690.00 RUB are left." in said(answer)


@pytest.mark.parametrize("given", [giving(), giving(amount="300.00"), giving(amount="300.00", coverage="take_back")])
def test_the_second_of_two_clicks_finds_the_refund_there(maria, paid, given):
    given |= {"version": version_on(maria, refund(paid))}
    maria.post(refund(paid), given)
    before = books()
    assert "recorded before" in said(maria.post(refund(paid), given, follow=True))
    assert books() == before
    assert len(log_of(paid)) == 1


def test_the_same_evidence_again_gives_nothing_more_back(maria, paid):
    maria.post(refund(paid), giving(amount="300.00", evidence="OUT-1"))
    assert "with this evidence" in said(
        maria.post(refund(paid), giving(amount="300.00", evidence="out-1"), follow=True)
    )
    assert Refund.objects.count() == 1


def test_an_old_tab_gives_nothing_back_and_shows_how_it_is_now(maria, paid, staff, moment):
    version = version_on(maria, refund(paid))
    paid.refund(RefundOrder(reason="r", amount=Decimal("100.00")), by=staff, moment=moment)
    before = books()
    answer = maria.post(refund(paid), giving(amount="300.00", version=version))
    assert answer.status_code == 200
    assert "nothing was done" in answer.content.decode()
    assert "890.00 RUB" in answer.content.decode()
    assert books() == before
    assert log_of(paid) == []
    fresh = answer.context["form"]["version"].value()
    maria.post(refund(paid), giving(amount="300.00", version=fresh))
    assert Refund.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "990.01"},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "1e2"},
        {"amount": "9" * 5000},
        {"coverage": "burn"},
        {"reason": ""},
        {"reason": "x" * 501},
        {"evidence": "x" * 201},
        {"version": "no such version"},
    ],
)
def test_what_cannot_be_given_back_is_said_beside_the_form(maria, paid, changes):
    before = books()
    answer = maria.post(refund(paid), giving(**changes))
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert books() == before


def test_days_that_later_coverage_stands_on_are_not_taken_back(maria, paid, renewal):
    before = books()
    assert "cannot be taken back" in maria.get(refund(paid)).content.decode()
    assert "Later coverage" in maria.post(refund(paid), giving()).content.decode()
    assert books() == before
    maria.post(refund(paid), giving(coverage="keep"))
    paid.refresh_from_db()
    assert (paid.status, paid.taken_back_on) == ("refunded", None)


def test_a_payment_that_waits_offers_no_refund_and_the_form_refuses_in_words(maria, payment):
    assert refund(payment) not in maria.get(page("payments_payment_change", payment.pk)).content.decode()
    assert "Only a confirmed payment" in maria.get(refund(payment)).content.decode()
    assert "Only a confirmed payment" in maria.post(refund(payment), giving()).content.decode()
    assert not Refund.objects.exists()


def test_nobody_gives_back_or_reverses_for_themselves(plan, staff, moment):
    root = boss()
    own = PaymentFactory(subscription=SubscriptionFactory(user=root, plan=plan))
    own.confirm(Facts(), by=staff, moment=moment)
    before = books()
    for address, given in ((refund(own), giving()), (reverse(own), undoing())):
        assert "for themselves" in browser(root).post(address, given).content.decode()
    assert books() == before


def test_each_act_needs_its_right(staff, powerless_staff, alice, paid):
    owed, _new = paid.refund(RefundOrder(reason="r", amount=Decimal("1.00")), by=staff, moment=Moment.current())
    before = books()
    shown = browser(staff).get(page("payments_payment_change", paid.pk)).content.decode()
    assert refund(paid) not in shown
    assert reverse(paid) not in shown
    for client in (browser(staff), browser(powerless_staff), browser(alice), Client(HTTP_HOST="localhost")):
        for address, given in ((refund(paid), giving()), (reverse(paid), undoing()), (pay(owed), {"evidence": "x"})):
            assert client.get(address).status_code in (302, 403)
            assert client.post(address, given).status_code in (302, 403)
    assert books() == before


def test_without_a_csrf_token_nothing_is_given_back(paid):
    before, careful = books(), browser(manager(), enforce_csrf_checks=True)
    for address, given in ((refund(paid), giving()), (reverse(paid), undoing())):
        assert careful.post(address, given).status_code == 403
    assert books() == before


@pytest.mark.parametrize("key", ["0", "999999", "abc", "9" * 30, "-1"])
def test_what_does_not_exist_is_said_not_to_exist(maria, key):
    for name, given in (
        ("payments_payment_refund", giving()),
        ("payments_payment_reverse", undoing()),
        ("payments_payment_settle", {"receipt": "1"}),
        ("payments_refund_pay", {"evidence": "x"}),
        ("subscriptions_subscription_give_days", {"days": "1", "reason": "r"}),
    ):
        assert "exist" in said(maria.post(page(name, key), given, follow=True))


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_eight_clicks_at_once_give_back_once(payment, staff, moment):
    def send(client):
        try:
            # The contexts that the test client keeps are mixed up between threads; the request's messages are not.
            answer = client.post(refund(payment), given)
            return " ".join(map(str, get_messages(answer.wsgi_request)))
        finally:
            connections.close_all()

    payment.confirm(Facts(evidence="0117-22"), by=staff, moment=moment)
    maria = manager()
    tabs = [browser(maria) for _ in range(8)]
    given = giving(amount="100.00", version=version_on(tabs[0], refund(payment)))
    with ThreadPoolExecutor(8) as threads:
        words = list(threads.map(send, tabs))
    assert sum("It is due" in each for each in words) == 1
    assert sum("recorded before" in each for each in words) == 7
    assert Refund.objects.count() == len(log_of(payment)) == 1


# --- Paying out


@pytest.fixture
def owed(paid, staff, moment):
    """300.00 RUB that Alice is to get."""
    return paid.refund(RefundOrder(reason="r", amount=Decimal("300.00")), by=staff, moment=moment)[0]


def test_what_is_due_is_a_queue_that_is_counted_and_worked_off(maria, owed):
    assert rows(maria, "payments_refund_changelist", state="due") == [owed]
    shown = maria.get(page("payments_refund_change", owed.pk)).content.decode()
    assert pay(owed) in shown
    given = {"evidence": "OUT-1", "version": version_on(maria, pay(owed))}
    assert "Paid out: 300.00 RUB" in said(maria.post(pay(owed), given, follow=True))
    owed.refresh_from_db()
    assert (owed.status, owed.evidence) == ("paid", "OUT-1")
    assert "with this evidence" in said(maria.post(pay(owed), given, follow=True))
    assert "another evidence" in maria.post(pay(owed), {"evidence": "OUT-2"}).content.decode()
    assert len(log_of(owed)) == 1
    assert rows(maria, "payments_refund_changelist", state="due") == []
    assert pay(owed) not in maria.get(page("payments_refund_change", owed.pk)).content.decode()


def test_what_is_not_owed_any_more_is_not_paid_out(maria, owed):
    version = version_on(maria, pay(owed))
    maria.post(reverse(owed.payment), undoing())
    before = books()
    answer = maria.post(pay(owed), {"evidence": "OUT-1", "version": version})
    assert "nothing was done" in answer.content.decode()
    assert "not possible" in maria.post(pay(owed), {"evidence": "OUT-1"}).content.decode()
    assert maria.post(pay(owed), {"evidence": ""}).context["form"].errors
    assert books() == before


def test_refunds_are_found_and_filtered(maria, owed):
    refunds = "payments_refund_changelist"
    for text in (owed.payment.reference, "alice", str(owed.pk)):
        assert rows(maria, refunds, q=text) == [owed], text
    assert rows(maria, refunds, coverage="keep", currency="RUB") == [owed]
    assert rows(maria, refunds, coverage="take_back") == []
    assert rows(maria, refunds, user__id__exact=owed.user_id) == [owed]
    for query in ("?state=x", "?status__exact=due", "?payment__user__password__startswith=!", "?coverage=x"):
        assert maria.get(page(refunds) + query).status_code == 400


def test_refunds_and_reversals_are_written_by_nobodys_hand(paid, owed, staff):
    root = browser(boss())
    root.post(reverse(paid), undoing())
    before, reversal = books(), Reversal.objects.get()
    for kind, row in (("refund", owed), ("reversal", reversal)):
        assert root.get(page(f"payments_{kind}_change", row.pk)).status_code == 200
        assert root.get(page(f"payments_{kind}_add")).status_code == 403
        assert root.post(page(f"payments_{kind}_change", row.pk), {"status": "paid"}).status_code == 403
        assert root.post(page(f"payments_{kind}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert books() == before


# --- Reverse


def test_a_mistake_is_reversed_and_its_evidence_is_free_again(maria, paid):
    assert "waits for payment again" in maria.get(reverse(paid)).content.decode()
    given = undoing(version=version_on(maria, reverse(paid)))
    answer = maria.post(reverse(paid), given, follow=True)
    paid.refresh_from_db()
    assert (paid.status, paid.reversal_kind) == ("reversed", "mistake")
    assert paid.receipt.voided_at is not None
    assert "Reversed: 990.00 RUB do not count any more." in said(answer)
    assert "waiting for payment" in said(answer)
    before = books()
    assert "before" in said(maria.post(reverse(paid), given, follow=True))
    assert books() == before
    assert len(log_of(paid)) == 1


def test_days_that_later_coverage_stands_on_are_kept_and_stand_in_the_queue(maria, paid, renewal):
    assert "they are kept" in maria.get(reverse(paid)).content.decode()
    answer = maria.post(reverse(paid), undoing(kind="returned_by_bank", evidence="BACK-1"), follow=True)
    assert "Its days are kept" in said(answer)
    assert rows(maria, kept="yes") == [paid]
    assert rows(maria, kept="no") == [renewal]
    shown = maria.get(page("payments_payment_change", paid.pk)).content.decode()
    assert "BACK-1" in shown
    reversal = Reversal.objects.get()
    assert rows(maria, "payments_reversal_changelist", kind="returned_by_bank", q="back-1") == [reversal]
    assert rows(maria, "payments_reversal_changelist", kind="mistake") == []


def test_what_was_to_be_paid_out_is_not_owed_any_more(maria, owed):
    assert "300.00 RUB that are to be paid out will not be owed" in maria.get(reverse(owed.payment)).content.decode()
    assert "300.00 RUB are not owed any more" in said(maria.post(reverse(owed.payment), undoing(), follow=True))


def test_a_paid_trial_is_said_to_be_what_is_left(maria, staff, moment):
    trial = SubscriptionFactory(plan=PlanFactory(trial_days=14))
    payment = PaymentFactory(subscription=trial)
    payment.confirm(Facts(), by=staff, moment=moment)
    for address in (refund(payment), reverse(payment)):
        assert "goes back to its trial" in maria.get(address).content.decode()
    assert "in trial" in said(maria.post(refund(payment), giving(), follow=True))


def test_the_renewals_money_can_go_and_the_first_month_stays(maria, paid, renewal):
    assert "is covered until" in maria.get(refund(renewal)).content.decode()
    maria.post(refund(renewal), giving())
    renewal.subscription.refresh_from_db()
    assert (renewal.subscription.status, renewal.subscription.covered_until) == ("active", paid.covers_to)


@pytest.mark.parametrize(
    "changes", [{"kind": "moved"}, {"kind": ""}, {"reason": ""}, {"reason": "x" * 501}, {"evidence": "x" * 201}]
)
def test_what_cannot_be_reversed_so_is_said_beside_the_form(maria, paid, changes):
    before = books()
    assert maria.post(reverse(paid), undoing(**changes)).context["form"].errors
    assert books() == before


def test_a_day_that_passes_makes_a_page_old(maria, paid):
    yesterday = Moment.of(Moment.current().now - dt.timedelta(days=40))
    assert paid.version(yesterday) == paid.version(Moment.current())
    waiting = PaymentFactory()
    assert waiting.version(yesterday) != waiting.version(Moment.of(waiting.expires_at))
