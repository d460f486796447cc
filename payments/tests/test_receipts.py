"""What money on record can settle: the same evidence again, or a receipt by its id; and money that is not what was asked."""

from decimal import Decimal

import pytest

from payments.models import Facts, Receipt, Reversal
from payments.tests.factories import PaymentFactory
from payments.tests.paying import confirm, fresh, refund, told, unapplied
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.ledger import nothing_changes, refused


@pytest.fixture
def big(payment, staff, moment):
    """Alice's payment, for which twice as much came."""
    confirm(payment, staff, moment, evidence="E-1", amount=payment.amount * 2, accept_difference=True, note="Two")
    return fresh(payment)


def another(user, **terms):
    return PaymentFactory(subscription=SubscriptionFactory(user=user, plan=PlanFactory(**terms)))


@pytest.mark.parametrize("by", ["evidence", "receipt_id"])
def test_a_receipt_that_holds_enough_settles_another_payment(big, alice, staff, moment, by):
    other = another(alice)
    facts = {"evidence": " e-1"} if by == "evidence" else {"receipt_id": big.receipt_id}
    with told() as entries:
        assert confirm(other, staff, moment, **facts) is True

    assert fresh(other).receipt_id == big.receipt_id
    assert Receipt.objects.get().unapplied_amount == 0
    assert entries == [(kind, "") for kind in ("allocation.created", "payment.confirmed", "subscription.active")]
    with nothing_changes():
        assert confirm(other, staff, moment, **facts) is False


@pytest.mark.parametrize("by", ["evidence", "receipt_id"])
def test_one_that_holds_too_little_settles_nothing(big, alice, staff, moment, by):
    facts = {"evidence": "E-1"} if by == "evidence" else {"receipt_id": big.receipt_id}
    other = another(alice, price=Decimal("990.01"))
    with refused("evidence_already_used"):
        confirm(other, staff, moment, **facts)
    assert confirm(other, staff, moment, accept_difference=True, note="A kopeck", **facts) is True
    assert fresh(other).shortfall == Decimal("0.01")


@pytest.mark.parametrize("by", ["evidence", "receipt_id"])
def test_one_of_somebody_else_settles_nothing(big, bob, staff, moment, by):
    facts = {"evidence": "E-1"} if by == "evidence" else {"receipt_id": big.receipt_id}
    with refused("evidence_already_used"):
        confirm(another(bob), staff, moment, **facts)


def test_one_in_another_currency_settles_nothing(big, alice, staff, moment):
    with refused("currency_mismatch"):
        confirm(another(alice, currency="EUR"), staff, moment, receipt_id=big.receipt_id)


def test_one_that_is_not_on_record_settles_nothing(payment, staff, moment):
    with refused("evidence_already_used"):
        confirm(payment, staff, moment, receipt_id=2**40)


def test_money_on_record_never_becomes_unapplied(big, alice, staff, moment):
    other = another(alice)
    fresh(other.subscription).cancel(moment, now=True)
    with refused("subscription_not_live"):
        confirm(other, staff, moment, receipt_id=big.receipt_id)


@pytest.mark.parametrize("by", ["evidence", "receipt_id"])
def test_unapplied_money_that_settles_another_leaves_its_payment_moved(subscription, alice, staff, moment, by):
    left = unapplied(subscription, staff, moment)
    other = another(alice)
    facts = {"evidence": "late"} if by == "evidence" else {"receipt_id": left.receipt_id}
    with told() as entries:
        assert confirm(other, staff, moment, note="Moved", **facts) is True

    left, reversal = fresh(left), Reversal.objects.get()
    assert (left.status, left.reversal_kind, left.unapplied) == ("reversed", "moved", False)
    assert (reversal.payment_id, reversal.kind, reversal.amount) == (left.pk, "moved", 0)
    assert fresh(left.receipt).unapplied_amount == 0
    kinds = ["allocation.created", "payment.confirmed", "payment.reversed", "reversal.created", "subscription.active"]
    assert entries == [(kind, "Moved") for kind in kinds]


def test_what_was_given_back_of_it_is_not_moved(subscription, alice, staff, moment):
    left = unapplied(subscription, staff, moment)
    refund(left, staff, moment, "0.01")
    with refused("evidence_already_used"):
        confirm(another(alice), staff, moment, receipt_id=left.receipt_id)
    smaller = another(alice, price=Decimal("989.99"))
    assert confirm(smaller, staff, moment, receipt_id=left.receipt_id) is True
    assert fresh(left).status == "reversed"


def test_more_than_asked_stays_on_the_receipt(payment, staff, moment):
    with refused("amount_mismatch"):
        confirm(payment, staff, moment, amount=payment.amount + 1)
    confirm(payment, staff, moment, amount=payment.amount + 1, accept_difference=True, note="A tip")
    assert (fresh(payment).shortfall, Receipt.objects.get().unapplied_amount) == (0, 1)
    assert fresh(payment).covers_to is not None


def test_less_than_asked_is_a_shortfall_and_covers_the_whole_term(payment, subscription, staff, moment):
    with refused("amount_mismatch"):
        confirm(payment, staff, moment, amount=payment.amount - 1)
    confirm(payment, staff, moment, amount=payment.amount - 1, accept_difference=True, note="A fee")
    assert (fresh(payment).shortfall, Receipt.objects.get().unapplied_amount) == (1, 0)
    assert fresh(payment).covers_to == fresh(subscription).covered_until


def test_a_repeat_adds_what_was_not_known_and_contradicts_nothing(payment, staff, moment):
    confirm(payment, staff, moment)
    with told() as entries:
        assert confirm(payment, staff, moment, evidence="E-1", received_on=moment.today) is False
    receipt = Receipt.objects.get()
    assert (receipt.evidence, receipt.received_on) == ("E-1", moment.today)
    assert entries == [("receipt.changed", "")]
    with nothing_changes():
        assert confirm(payment, staff, moment, evidence="e-1", amount=payment.amount) is False
    for wrong in ({"evidence": "E-2"}, {"amount": Decimal("1.00")}, {"source": "bank"}):
        with refused("confirmed_differently"):
            confirm(payment, staff, moment, **wrong)


def test_a_repeat_cannot_take_the_evidence_of_another_receipt(big, alice, staff, moment):
    other = another(alice)
    confirm(other, staff, moment)
    with refused("evidence_already_used"):
        confirm(other, staff, moment, evidence="E-1")


def test_late_money_leaves_what_had_expired_expired(payment, staff, moment):
    from payments.tests.paying import later

    payment.cancel(moment)
    expired = PaymentFactory(subscription=fresh(payment.subscription), moment=moment)
    late = later(moment, days=15)
    fresh(payment).confirm(Facts(evidence="late"), by=staff, moment=late)
    assert fresh(expired).status == "expired"
