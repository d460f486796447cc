"""Money that moves from several sides at once: each lock holds, and its control shows what holds without it."""

from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import Error, connection
from django.db.models import QuerySet

from accounts.models import LIVE_TOKENS, Token, TokenQuerySet, User
from api.problems import Problem
from payments.grants import grant
from payments.models import Allocation, Facts, Payment, Receipt, Refund, RefundOrder, ReversalOrder
from payments.querysets import PaymentQuerySet
from payments.receipts import ReceiptQuerySet
from payments.tests.factories import PaymentFactory
from payments.tests.paying import later, unapplied
from prepared.queries import Prepared
from subscriptions.models import Subscription
from subscriptions.querysets import SubscriptionQuerySet
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.racing import compiled_anew, meeting, race
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def without_locks(monkeypatch):
    """Take every row lock away."""
    unlocked = lambda rows: rows.order_by("pk")  # noqa: E731
    for rows in (SubscriptionQuerySet, PaymentQuerySet, ReceiptQuerySet):
        monkeypatch.setattr(rows, "locked", unlocked)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_options: rows)
    monkeypatch.setattr(Prepared, "__call__", compiled_anew)


def doing(payment, verb, *args, **kwargs):
    """Return an act on a copy of the payment, as another process would do it."""
    return lambda: getattr(Payment.objects.get(pk=payment.pk), verb)(*args, **kwargs)


def confirming(payment, staff, moment, **facts):
    return doing(payment, "confirm", Facts(**facts), by=staff, moment=moment)


def refunding(payment, staff, moment, amount=None, **more):
    order = RefundOrder(reason="Asked", amount=amount and Decimal(amount), **more)
    return doing(payment, "refund", order, by=staff, moment=moment)


def reversing(payment, staff, moment, kind="mistake"):
    return doing(payment, "reverse", ReversalOrder(kind=kind, reason="Gone"), by=staff, moment=moment)


def codes(outcomes):
    """Return what refused the acts: a code, the name of a constraint, or None for what was done."""
    return [refusal(outcome) for outcome in outcomes]


def refusal(outcome):
    if isinstance(outcome, Error):
        return outcome.__cause__.diag.constraint_name
    if isinstance(outcome, Problem):
        return outcome.code
    assert not isinstance(outcome, Exception), outcome
    return None


@pytest.fixture
def confirmed(payment, staff, moment):
    payment.confirm(Facts(evidence="E-1"), by=staff, moment=moment)
    return payment


# --- Refunds


def test_of_two_refunds_that_together_exceed_the_payment_one_is_refused(confirmed, staff, moment):
    outcomes = race(*[refunding(confirmed, staff, moment, "600.00")] * 2)

    assert sorted(codes(outcomes), key=str) == [None, "refund_exceeds_payment"]
    assert Refund.objects.count() == 1


def test_control_without_the_lock_the_sum_of_the_refunds_is_looked_at_on_commit(
    confirmed, staff, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Payment, "give_back", meeting(2, Payment.give_back))
    outcomes = race(*[refunding(confirmed, staff, moment, "600.00")] * 2)

    assert sorted(codes(outcomes), key=str) == [None, "payment_refunds_agree"]
    assert Refund.objects.count() == 1


def test_control_without_lock_and_trigger_money_is_given_back_twice(
    confirmed, staff, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Payment, "give_back", meeting(2, Payment.give_back))
    with without_trigger("payment_refunds_agree", "payments_payment", "payments_refund"):
        outcomes = race(*[refunding(confirmed, staff, moment, "600.00")] * 2)

    assert codes(outcomes) == [None, None]
    assert sum(refund.amount for refund in Refund.objects.all()) == Decimal("1200.00") > confirmed.amount


@contextmanager
def without_trigger(name, *tables):
    """Take a trigger that is no guard of `states` away for a while."""
    for state in ("DISABLE", "ENABLE"):
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} {state} TRIGGER {name}")
        if state == "DISABLE":
            yield


def test_one_evidence_for_two_refunds_at_once_is_one_refund(confirmed, staff, moment):
    outcomes = race(*[refunding(confirmed, staff, moment, "100.00", evidence="R-1")] * 4)

    assert sorted(new for _refund, new in outcomes) == [False] * 3 + [True]
    assert Refund.objects.get().amount == Decimal("100.00")


def test_control_without_the_lock_the_unique_key_refuses_the_second_refund(
    confirmed, staff, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(RefundOrder, "amount_of", meeting(2, RefundOrder.amount_of))
    outcomes = race(*[refunding(confirmed, staff, moment, "100.00", evidence="R-1")] * 2)

    assert sorted(codes(outcomes), key=str) == [None, "refund_evidence_once"]


def test_paying_a_refund_twice_at_once_pays_it_once(confirmed, staff, moment):
    due, _new = confirmed.refund(RefundOrder(reason="Asked"), by=staff, moment=moment)
    acts = [lambda e=e: Refund.objects.get(pk=due.pk).pay(e, by=staff, moment=moment) for e in ("R-1", "R-2")]

    assert sorted(codes(race(*acts)), key=str) == [None, "confirmed_differently"]


def test_control_without_the_lock_the_guard_refuses_the_second_evidence(
    confirmed, staff, moment, monkeypatch, without_locks
):
    due, _new = confirmed.refund(RefundOrder(reason="Asked"), by=staff, moment=moment)
    monkeypatch.setattr(Refund, "become_paid", meeting(2, Refund.become_paid))
    acts = [lambda e=e: Refund.objects.get(pk=due.pk).pay(e, by=staff, moment=moment) for e in ("R-1", "R-2")]

    assert sorted(codes(race(*acts)), key=str) == [None, "refund_facts_stay"]


# --- Refund and reversal against each other and against confirming


def test_reverse_against_refund_gives_back_nothing_that_is_gone(confirmed, staff, moment):
    refunded, reversed_ = codes(race(refunding(confirmed, staff, moment), reversing(confirmed, staff, moment)))

    assert sorted([refunded, reversed_], key=str) == [None, "transition_not_allowed"]
    assert Payment.objects.get().status == ("refunded" if refunded is None else "reversed")


def test_control_without_the_lock_the_table_of_steps_refuses_one_of_them(
    confirmed, staff, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Payment, "take_back", meeting(2, Payment.take_back))
    outcomes = codes(race(refunding(confirmed, staff, moment), reversing(confirmed, staff, moment)))

    assert outcomes.count(None) == 1
    assert {code for code in outcomes if code} <= {
        "payment_transition", "payment_coverage_never_moves", "payment_refunds_agree", "payment_reversed_has_kind",
    }  # fmt: skip


@pytest.mark.parametrize("verb", [refunding, reversing])
def test_confirm_against_what_undoes_it(payment, staff, moment, verb):
    confirmed, undone = codes(race(confirming(payment, staff, moment, evidence="E-1"), verb(payment, staff, moment)))

    assert confirmed is None
    assert undone in (None, "transition_not_allowed")
    status = {None: {refunding: "refunded", reversing: "reversed"}[verb]}.get(undone, "confirmed")
    assert Payment.objects.get().status == status
    assert Subscription.objects.get().status == {
        "confirmed": "active", "refunded": "canceled", "reversed": "pending",
    }[status]  # fmt: skip


def test_a_repeat_against_a_reversal_leaves_it_reversed(confirmed, staff, moment):
    again, undone = codes(race(confirming(confirmed, staff, moment), reversing(confirmed, staff, moment)))

    assert undone is None
    assert again in (None, "payment_not_pending")
    assert Payment.objects.get().status == "reversed"
    assert not Allocation.objects.exists()


def test_reversing_twice_at_once_takes_the_money_away_once(confirmed, staff, moment):
    outcomes = race(*[reversing(confirmed, staff, moment)] * 4)

    assert sorted(outcomes) == [False] * 3 + [True]
    assert Receipt.objects.get().reversed_amount == confirmed.amount


def test_control_without_the_lock_it_is_reversed_twice_and_the_money_still_taken_once(
    confirmed, staff, moment, monkeypatch, without_locks
):
    monkeypatch.setattr(Payment, "lose_money", meeting(2, Payment.lose_money))
    outcomes = race(*[reversing(confirmed, staff, moment)] * 2)

    assert outcomes == [True, True]
    assert confirmed.reversals.count() == 2
    assert Receipt.objects.get().reversed_amount == confirmed.amount


def test_two_mistakes_of_one_receipt_at_once_free_its_evidence(alice, staff, moment):
    first, second = (PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory())) for _ in range(2))
    double = Facts(evidence="both", amount=first.amount * 2, accept_difference=True, note="For two")
    first.confirm(double, by=staff, moment=moment)
    second.confirm(Facts(evidence="both"), by=staff, moment=moment)
    outcomes = race(reversing(first, staff, moment), reversing(second, staff, moment))

    receipt = Receipt.objects.get()
    assert outcomes == [True, True]
    assert (receipt.reversed_amount, receipt.unapplied_amount) == (receipt.amount, 0)
    assert receipt.voided_at is not None


# --- The subscription ends meanwhile


@pytest.mark.parametrize("verb", [refunding, reversing])
def test_what_undoes_a_payment_against_the_end_of_its_subscription(confirmed, staff, moment, verb):
    ended, undone = codes(
        race(
            lambda: Subscription.objects.get().cancel(moment, now=True, forfeit=True),
            verb(confirmed, staff, moment),
        )
    )

    assert (ended, undone) == (None, None)
    assert Subscription.objects.get().status == "canceled"
    assert Payment.objects.get().covers_to is None


@pytest.mark.parametrize("verb", [refunding, reversing])
def test_what_undoes_a_payment_against_the_expiry_command(confirmed, staff, moment, verb):
    over = later(moment, days=40)

    def expire():
        rows = Subscription.objects.outdated(over)
        return rows.write_down(over)

    outcomes = race(expire, verb(confirmed, staff, over))

    assert codes(outcomes) == [None, None]
    assert Subscription.objects.get().status == "expired"


def test_a_grant_against_a_refund_covers_no_day_twice_and_none_for_what_has_ended(confirmed, staff, moment):
    granted, refunded = codes(
        race(
            lambda: grant(Subscription.objects.get(), 7, "Sorry", by=staff, moment=moment),
            refunding(confirmed, staff, moment),
        )
    )

    assert (granted, refunded) in [(None, "later_coverage"), ("subscription_not_live", None)]


def test_control_without_the_lock_free_days_are_given_after_days_that_are_gone(
    confirmed, staff, moment, monkeypatch, without_locks
):
    meet, cover, uncover = meeting(2, lambda: None), Subscription.cover, Subscription.uncover
    monkeypatch.setattr(Subscription, "cover", lambda *args: (meet(), cover(*args)))
    monkeypatch.setattr(Subscription, "uncover", lambda *args, **kw: (meet(), uncover(*args, **kw)))
    granted, refunded = codes(
        race(
            lambda: grant(Subscription.objects.get(), 7, "Sorry", by=staff, moment=moment),
            refunding(confirmed, staff, moment),
        )
    )

    assert refunded is None
    assert granted in (None, "subscription_transition")
    assert Payment.objects.filter(provider="grant", covers_from__gt=moment.today).exists() is (granted is None)


# --- Money on record


@pytest.fixture
def on_record(alice, staff, moment):
    """A receipt that holds enough for one more payment, and two payments that it could settle."""
    first, *others = (
        PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory())) for _ in range(3)
    )
    double = Facts(evidence="E-1", amount=first.amount * 2, accept_difference=True, note="For two")
    first.confirm(double, by=staff, moment=moment)
    return others


def test_one_evidence_that_holds_for_one_more_settles_one_of_two_at_once(on_record, staff, moment):
    outcomes = race(*[confirming(payment, staff, moment, evidence="E-1") for payment in on_record])

    assert sorted(codes(outcomes), key=str) == [None, "evidence_already_used"]
    assert Receipt.objects.get().unapplied_amount == 0


def test_control_without_the_lock_the_receipt_is_never_overdrawn(on_record, staff, moment, monkeypatch, without_locks):
    monkeypatch.setattr(Payment, "settle", meeting(2, Payment.settle))
    outcomes = race(*[confirming(payment, staff, moment, evidence="E-1") for payment in on_record])

    assert sorted(codes(outcomes), key=str) == [None, "receipt_never_overdrawn"]
    assert Receipt.objects.get().unapplied_amount == 0


@pytest.fixture
def left_over(alice, staff, moment):
    """Unapplied money, and two payments that it could settle."""
    left = unapplied(SubscriptionFactory(user=alice, plan=PlanFactory()), staff, moment)
    others = [PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory())) for _ in range(2)]
    return left, others


def test_unapplied_money_that_two_claim_at_once_moves_once(left_over, staff, moment):
    left, others = left_over
    outcomes = race(*[confirming(one, staff, moment, receipt_id=left.receipt_id) for one in others])

    assert sorted(codes(outcomes), key=str) == [None, "evidence_already_used"]
    assert Payment.objects.get(pk=left.pk).reversal_kind == "moved"
    assert left.reversals.count() == 1


def test_control_without_the_lock_unapplied_money_is_not_overdrawn_either(
    left_over, staff, moment, monkeypatch, without_locks
):
    left, others = left_over
    monkeypatch.setattr(Payment, "settle", meeting(2, Payment.settle))
    outcomes = race(*[confirming(one, staff, moment, receipt_id=left.receipt_id) for one in others])

    assert sorted(codes(outcomes), key=str) == [None, "receipt_never_overdrawn"]


@pytest.mark.parametrize("verb", [refunding, reversing])
def test_unapplied_money_is_moved_or_undone_but_never_both(left_over, staff, moment, verb):
    left, (other, _) = left_over
    moved, undone = codes(race(confirming(other, staff, moment, receipt_id=left.receipt_id), verb(left, staff, moment)))

    assert (moved, undone) in [(None, "transition_not_allowed"), ("evidence_already_used", None)]
    receipt = Receipt.objects.get()
    assert receipt.unapplied_amount == 0
    assert receipt.allocated_amount in (0, receipt.amount)


def test_a_repeat_that_adds_facts_twice_at_once_adds_one(payment, staff, moment):
    payment.confirm(Facts(), by=staff, moment=moment)
    outcomes = race(*[confirming(payment, staff, moment, evidence=evidence) for evidence in ("E-1", "E-2")])

    assert sorted(codes(outcomes), key=str) == [None, "confirmed_differently"]


def test_control_without_the_lock_the_guard_refuses_the_second_fact(payment, staff, moment, monkeypatch, without_locks):
    payment.confirm(Facts(), by=staff, moment=moment)
    monkeypatch.setattr(Receipt, "complete", meeting(2, Receipt.complete))
    outcomes = race(*[confirming(payment, staff, moment, evidence=evidence) for evidence in ("E-1", "E-2")])

    assert sorted(codes(outcomes), key=str) == [None, "receipt_facts_stay"]


def test_control_without_lock_and_guard_the_second_fact_replaces_the_first(
    payment, staff, moment, monkeypatch, without_locks
):
    payment.confirm(Facts(), by=staff, moment=moment)
    monkeypatch.setattr(Receipt, "complete", meeting(2, Receipt.complete))
    with unguarded():
        outcomes = race(*[confirming(payment, staff, moment, evidence=evidence) for evidence in ("E-1", "E-2")])

    assert codes(outcomes) == [None, None]


# --- The user's lock


def test_control_without_the_users_lock_the_partial_index_refuses_a_second_live_subscription(
    alice, plan, staff, moment, monkeypatch, without_locks
):
    long_ago = later(moment, days=-60)
    old = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=plan, moment=long_ago), moment=long_ago)
    Subscription.objects.outdated(moment).write_down(moment)
    monkeypatch.setattr(Subscription, "next_coverage", meeting(2, Subscription.next_coverage))
    outcomes = race(
        confirming(old, staff, moment, evidence="late"),
        lambda: Subscription.objects.subscribe(User.objects.get(pk=alice.pk), plan, 1, moment),
    )

    assert sorted(codes(outcomes), key=str) == [None, "one_live_subscription_per_user_and_plan"]


def test_many_logins_at_once_leave_as_many_tokens_as_may_live(alice):
    for _number in range(LIVE_TOKENS):
        Token.issue(alice)
    race(*[lambda: Token.issue(User.objects.get(pk=alice.pk))] * 4)

    assert alice.tokens.count() == LIVE_TOKENS


def test_control_without_the_users_lock_more_tokens_live_than_may(alice, monkeypatch, without_locks):
    for _number in range(LIVE_TOKENS - 1):
        Token.issue(alice)
    meet, delete = meeting(2, lambda: None), TokenQuerySet.delete
    monkeypatch.setattr(TokenQuerySet, "delete", lambda rows: (delete(rows), meet()))
    race(*[lambda: Token.issue(User.objects.get(pk=alice.pk))] * 2)

    assert alice.tokens.count() == LIVE_TOKENS + 1
