"""Money that is another amount than asked, and money on record that settles a payment."""

from decimal import Decimal

import pytest

from accounts.tests.browsing import boss, browser, log_of, manager, page, said, version_on
from payments.models import Facts, Receipt
from payments.tests.factories import PaymentFactory
from payments.tests.test_admin_confirm import form
from subscriptions.tests.factories import SubscriptionFactory


def confirm(row):
    return page("payments_payment_confirm", row.pk)


def settle(row):
    return page("payments_payment_settle", row.pk)


@pytest.fixture
def maria(db):
    return browser(manager())


@pytest.fixture
def unapplied(payment, plan, staff, moment):
    """Alice's money, which came for a subscription that is canceled."""
    payment.subscription.cancel(moment, now=True)
    payment.confirm(Facts(evidence="late"), by=staff, moment=moment)
    return payment


@pytest.fixture
def waiting(unapplied, plan):
    """Alice's payment for a new subscription."""
    return PaymentFactory(subscription=SubscriptionFactory(user=unapplied.user, plan=plan))


# --- Another amount


def test_too_little_is_accepted_with_a_note_and_the_shortfall_is_said(maria, payment):
    given = form(amount="900.00", note="the rest is a present", accept_difference="on")
    assert "90.00 RUB are missing" in said(maria.post(confirm(payment), given, follow=True))
    payment.refresh_from_db()
    assert (payment.status, payment.shortfall) == ("confirmed", Decimal("90.00"))


def test_too_much_is_accepted_with_a_note_and_what_is_left_is_said(maria, payment):
    given = form(amount="1000.00", note="rounded up", accept_difference="on")
    assert "10.00 RUB of what came are left" in said(maria.post(confirm(payment), given, follow=True))
    assert Receipt.objects.get().unapplied_amount == Decimal("10.00")


def test_a_difference_needs_a_note(maria, payment):
    for note in ("", "   "):
        answer = maria.post(confirm(payment), form(amount="900.00", note=note, accept_difference="on"))
        assert answer.context["form"].errors["note"]
    payment.refresh_from_db()
    assert payment.status == "pending"


def test_without_the_right_the_box_is_neither_shown_nor_read(staff, payment):
    olga = browser(staff)
    assert "accept_difference" not in olga.get(confirm(payment)).content.decode()
    answer = olga.post(confirm(payment), form(amount="900.00", note="why not", accept_difference="on"))
    assert "This payment is for 990.00 RUB" in answer.content.decode()
    payment.refresh_from_db()
    assert payment.status == "pending"


# --- Money on record


def test_unapplied_money_leads_to_what_it_could_settle_with_the_money_chosen(maria, unapplied, waiting):
    address = f"{settle(waiting)}?receipt={unapplied.receipt_id}"
    assert address in maria.get(page("payments_payment_change", unapplied.pk)).content.decode()
    assert settle(waiting) in maria.get(page("payments_payment_change", waiting.pk)).content.decode()
    answer = maria.get(address)
    assert answer.context["form"]["receipt"].value() == str(unapplied.receipt_id)
    assert "990.00 of 990.00 RUB: manual late" in answer.content.decode()


def test_settling_moves_the_money_and_says_so_once(maria, unapplied, waiting):
    given = {"receipt": unapplied.receipt_id, "note": "", "version": version_on(maria, settle(waiting))}
    answer = maria.post(settle(waiting), given, follow=True)
    waiting.refresh_from_db()
    unapplied.refresh_from_db()
    assert (waiting.status, waiting.receipt_id) == ("confirmed", unapplied.receipt_id)
    assert (unapplied.status, unapplied.reversal_kind) == ("reversed", "moved")
    assert f"lay unapplied at payment {unapplied.reference}" in said(answer)
    assert "It covers the days" in said(answer)
    assert "confirmed before" in said(maria.post(settle(waiting), given, follow=True))
    assert len(log_of(waiting)) == 1
    assert Receipt.objects.count() == 1


def test_less_than_asked_needs_the_explicit_word(maria, payment, staff, moment, plan):
    payment.confirm(Facts(amount=Decimal("1500.00"), accept_difference=True, note="n"), by=staff, moment=moment)
    second = PaymentFactory(subscription=payment.subscription)
    given = {"receipt": payment.receipt_id, "note": "all she has"}
    assert "510.00 are left of it" in maria.post(settle(second), given).content.decode()
    assert "480.00 RUB are missing" in said(
        maria.post(settle(second), given | {"accept_difference": "on"}, follow=True)
    )
    second.refresh_from_db()
    assert second.shortfall == Decimal("480.00")


def test_only_the_users_own_money_can_be_chosen(maria, unapplied, bob, plan):
    theirs = PaymentFactory(subscription=SubscriptionFactory(user=bob, plan=plan))
    assert settle(theirs) not in maria.get(page("payments_payment_change", theirs.pk)).content.decode()
    for chosen in (unapplied.receipt_id, 0, "abc", "9" * 30, ""):
        assert maria.post(settle(theirs), {"receipt": chosen, "note": ""}).context["form"].errors["receipt"]
        assert maria.get(settle(theirs), {"receipt": chosen}).status_code == 200
    theirs.refresh_from_db()
    assert theirs.status == "pending"


def test_an_old_tab_settles_nothing(maria, unapplied, waiting, moment):
    version = version_on(maria, settle(waiting))
    waiting.cancel(moment)
    answer = maria.post(settle(waiting), {"receipt": unapplied.receipt_id, "note": "", "version": version})
    assert "nothing was done" in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.status == "canceled"
    given = {"receipt": unapplied.receipt_id, "note": "", "version": answer.context["form"]["version"].value()}
    maria.post(settle(waiting), given)
    waiting.refresh_from_db()
    assert waiting.status == "confirmed"


def test_a_canceled_subscription_takes_no_money_on_record(maria, unapplied, waiting, moment):
    waiting.subscription.cancel(moment, now=True)
    assert "cannot take the money" in maria.get(settle(waiting)).content.decode()
    answer = maria.post(settle(waiting), {"receipt": unapplied.receipt_id, "note": ""})
    assert "stays where it is" in answer.content.decode()
    unapplied.refresh_from_db()
    assert unapplied.unapplied


def test_settling_needs_the_right_to_confirm_and_is_for_nobody_themselves(powerless_staff, unapplied, waiting):
    given = {"receipt": unapplied.receipt_id, "note": ""}
    assert browser(powerless_staff).post(settle(waiting), given).status_code == 403
    root = boss()
    own = PaymentFactory(subscription=SubscriptionFactory(user=root, plan=waiting.plan))
    assert browser(root).post(settle(own), given).context["form"].errors
    own.refresh_from_db()
    assert own.status == "pending"
