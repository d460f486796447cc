"""Refunds, reversals, grants, receipts and differences over the API: works, wrong person, wrong state, twice, bad input."""

import datetime as dt

import pytest
from django.contrib.auth.models import Permission

from journal.models import Event
from payments.models import Allocation, Facts, Payment, Receipt, Refund, RefundOrder, Reversal
from payments.tests.factories import PaymentFactory
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory
from tests.calling import Caller

CONFIRM = "/api/payments/confirm-payment"
MONEY = (Subscription, Payment, Receipt, Allocation, Refund, Reversal)


def money():
    """Return every row that money is in."""
    return [list(model.objects.order_by("pk").values()) for model in MONEY]


@pytest.fixture
def manager(staff):
    """Olga, who may also give money back."""
    for codename in ("refund_payment", "reverse_payment", "accept_difference", "grant_time"):
        staff.user_permissions.add(Permission.objects.get(codename=codename))
    return staff


@pytest.fixture
def as_manager(manager):
    return Caller(manager)


@pytest.fixture
def confirmed(payment, staff, moment):
    payment.confirm(Facts(evidence="E-1"), by=staff, moment=moment)
    return payment


def act(payment, verb):
    return f"/api/payments/{payment.pk}/{verb}"


def refused(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer.json()["code"] == code


# --- Refunds


def test_without_an_amount_all_is_given_back_and_the_days_go(as_manager, confirmed):
    answer = as_manager.post(act(confirmed, "refund"), {"reason": "Gone"})

    assert answer.status_code == 201
    refund = answer.json()
    assert (refund["amount"], refund["status"], refund["coverage"]) == ("990.00", "due", "take_back")
    payment = as_manager.get(f"/api/payments/{confirmed.pk}").json()
    assert (payment["status"], payment["refunded_amount"]) == ("refunded", "990.00")
    assert payment["covers_from"] is None
    subscription = as_manager.get(f"/api/subscriptions/{confirmed.user_id}/{confirmed.subscription_id}").json()
    assert (subscription["status"], subscription["has_access"]) == ("canceled", False)
    assert Subscription.objects.get().cancel_reason == "refunded"


def test_with_an_amount_the_days_stay(as_manager, confirmed):
    refund = as_manager.post(act(confirmed, "refund"), {"amount": "300.00", "reason": "Down", "evidence": "O-1"}).json()

    assert (refund["status"], refund["coverage"], refund["evidence"]) == ("paid", "keep", "O-1")
    payment = as_manager.get(f"/api/payments/{confirmed.pk}").json()
    assert (payment["status"], payment["refunded_amount"]) == ("confirmed", "300.00")
    assert payment["covers_to"] == confirmed.covers_to.isoformat()


def test_a_refund_that_was_due_is_paid_once_and_stays_paid(as_manager, confirmed):
    refund = as_manager.post(act(confirmed, "refund"), {"amount": "300.00", "reason": "Down"}).json()
    route = f"/api/refunds/{refund['id']}/pay"

    assert as_manager.post(route, {"evidence": "O-1"}).json()["status"] == "paid"
    assert as_manager.post(route, {"evidence": "o-1 "}).status_code == 200
    refused(as_manager.post(route, {"evidence": "O-2"}), 409, "confirmed_differently")
    assert as_manager.get("/api/refunds/?status=due").json()["results"] == []


def test_the_same_evidence_again_is_the_same_refund(as_manager, confirmed):
    body = {"amount": "300.00", "reason": "Down", "evidence": "O-1"}
    first, second = as_manager.post(act(confirmed, "refund"), body), as_manager.post(act(confirmed, "refund"), body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    refused(as_manager.post(act(confirmed, "refund"), body | {"amount": "1.00"}), 409, "evidence_already_used")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": ""},
        {"reason": " "},
        {"reason": "x", "amount": "0.00"},
        {"reason": "x", "amount": -1},
        {"reason": "x", "amount": "1.001"},
        {"reason": "x", "coverage": "burn"},
        {"reason": "x", "evidence": " "},
        {"reason": "x", "status": "paid"},
        {"reason": 1},
    ],
)
def test_a_refund_that_is_no_refund_is_400(as_manager, confirmed, body):
    before = money()
    assert as_manager.post(act(confirmed, "refund"), body).status_code == 400
    assert money() == before


def test_more_than_is_left_is_refused(as_manager, confirmed):
    as_manager.post(act(confirmed, "refund"), {"amount": "900.00", "reason": "Down"})
    before = money()
    refused(
        as_manager.post(act(confirmed, "refund"), {"amount": "90.01", "reason": "x"}), 409, "refund_exceeds_payment"
    )
    assert money() == before
    answer = as_manager.post(act(confirmed, "refund"), {"amount": "90.00", "reason": "x"})
    assert answer.status_code == 201
    assert Payment.objects.get().status == "refunded"


def test_days_on_which_others_stand_cannot_be_taken_back(as_manager, confirmed, staff, moment):
    later = PaymentFactory(subscription=confirmed.subscription)
    later.confirm(Facts(), by=staff, moment=moment)
    before = money()
    refused(as_manager.post(act(confirmed, "refund"), {"reason": "x"}), 409, "later_coverage")
    assert money() == before
    assert as_manager.post(act(confirmed, "refund"), {"reason": "x", "coverage": "keep"}).status_code == 201


def test_nobody_gives_back_reverses_or_grants_for_themselves_superusers_included(confirmed, alice):
    alice.is_superuser = True
    alice.save()
    herself, before = Caller(alice), money()
    refused(herself.post(act(confirmed, "refund"), {"reason": "x"}), 403, "own_payment")
    refused(herself.post(act(confirmed, "reverse"), {"reason": "x", "kind": "mistake"}), 403, "own_payment")
    route = f"/api/subscriptions/{alice.pk}/{confirmed.subscription_id}/grant"
    refused(herself.post(route, {"days": 7, "reason": "x"}), 403, "own_payment")
    assert money() == before


def test_what_was_never_confirmed_cannot_be_given_back_or_reversed(as_manager, payment):
    before = money()
    refused(as_manager.post(act(payment, "refund"), {"reason": "x"}), 409, "transition_not_allowed")
    refused(as_manager.post(act(payment, "reverse"), {"reason": "x", "kind": "mistake"}), 409, "transition_not_allowed")
    assert money() == before


# --- Reversals


def test_a_mistake_frees_its_evidence_and_the_subscription_waits_again(as_manager, confirmed):
    answer = as_manager.post(act(confirmed, "reverse"), {"kind": "mistake", "reason": "Wrong customer"})

    assert answer.json()["status"] == "reversed"
    assert answer.json()["reversal_kind"] == "mistake"
    assert Subscription.objects.get().status == "pending"
    again = as_manager.post(CONFIRM, {"payment_id": confirmed.pk, "evidence": "E-1"})
    assert again.json()["already_confirmed"] is False
    assert again.json()["subscription"]["status"] == "active"


def test_what_the_bank_took_back_keeps_its_evidence(as_manager, confirmed):
    body = {"kind": "returned_by_bank", "reason": "No funds", "evidence": "R-1"}
    assert as_manager.post(act(confirmed, "reverse"), body).status_code == 200
    assert as_manager.post(act(confirmed, "reverse"), body).status_code == 200
    assert Reversal.objects.get().evidence == "R-1"
    refused(as_manager.post(act(confirmed, "reverse"), body | {"evidence": "R-2"}), 409, "transition_not_allowed")
    refused(as_manager.post(CONFIRM, {"payment_id": confirmed.pk, "evidence": "E-1"}), 409, "evidence_already_used")
    refused(as_manager.post(act(confirmed, "reverse"), body | {"kind": "mistake"}), 409, "transition_not_allowed")
    assert as_manager.get(f"/api/receipts/{confirmed.receipt_id}").json()["unapplied_amount"] == "0.00"


@pytest.mark.parametrize("kind", ["moved", "", None, 1, "MISTAKE"])
def test_a_reversal_has_one_of_two_kinds(as_manager, confirmed, kind):
    assert as_manager.post(act(confirmed, "reverse"), {"kind": kind, "reason": "x"}).status_code == 400


# --- Grants


def test_free_time_is_a_confirmed_payment_of_zero(as_manager, subscription):
    route = f"/api/subscriptions/{subscription.user_id}/{subscription.pk}/grant"
    answer = as_manager.post(route, {"days": 7, "reason": "Sorry"})

    assert answer.status_code == 201
    payment = answer.json()
    assert (payment["amount"], payment["provider"], payment["status"]) == ("0.00", "grant", "confirmed")
    days = dt.date.fromisoformat(payment["covers_to"]) - dt.date.fromisoformat(payment["covers_from"])
    assert days.days == 7
    assert Subscription.objects.get().status == "active"
    refused(as_manager.post(f"/api/payments/{payment['id']}/refund", {"reason": "x"}), 409, "refund_exceeds_payment")


@pytest.mark.parametrize("days", [0, -1, 367, 1.5, "7", True, None])
def test_free_time_is_1_to_366_days(as_manager, subscription, days):
    route = f"/api/subscriptions/{subscription.user_id}/{subscription.pk}/grant"
    assert as_manager.post(route, {"days": days, "reason": "x"}).status_code == 400
    assert not Payment.objects.exists()


def test_what_has_ended_is_granted_nothing(as_manager, subscription, moment):
    subscription.cancel(moment, now=True)
    route = f"/api/subscriptions/{subscription.user_id}/{subscription.pk}/grant"
    refused(as_manager.post(route, {"days": 7, "reason": "x"}), 409, "subscription_not_live")


# --- Receipts, differences, money on record


def test_more_money_than_asked_is_accepted_with_a_note_and_stays_in_sight(as_manager, payment):
    body = {"payment_id": payment.pk, "amount": "1000.00", "evidence": "E-1"}
    refused(as_manager.post(CONFIRM, body), 409, "amount_mismatch")
    assert as_manager.post(CONFIRM, body | {"accept_difference": True}).json()["errors"][0]["field"] == "note"
    assert as_manager.post(CONFIRM, body | {"accept_difference": True, "note": "Rounded up"}).status_code == 200

    queue = as_manager.get("/api/receipts/?unapplied=true").json()["results"]
    assert [(row["evidence"], row["unapplied_amount"]) for row in queue] == [("E-1", "10.00")]
    assert as_manager.post(CONFIRM, body).json()["already_confirmed"] is True


def test_less_money_than_asked_leaves_a_shortfall_and_covers_the_whole_term(as_manager, payment):
    body = {"payment_id": payment.pk, "amount": "900.00", "accept_difference": True, "note": "Bank fee"}
    shown = as_manager.post(CONFIRM, body).json()["payment"]

    assert (shown["shortfall"], shown["unapplied"]) == ("90.00", False)
    assert shown["covers_to"] is not None
    refund = as_manager.post(act(payment, "refund"), {"reason": "x"}).json()
    assert refund["amount"] == "900.00"


def test_accepting_a_difference_needs_its_right(as_staff, payment):
    body = {"payment_id": payment.pk, "amount": "900.00", "accept_difference": True, "note": "Bank fee"}
    assert as_staff.post(CONFIRM, body).status_code == 403
    assert not Receipt.objects.exists()


def test_one_entry_of_the_bank_settles_two_payments_of_a_user_where_it_holds_enough(as_manager, payment, alice):
    other = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory()))
    third = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory()))
    body = {"payment_id": payment.pk, "amount": "1980.00", "evidence": "E-1", "accept_difference": True, "note": "Two"}
    as_manager.post(CONFIRM, body)

    answer = as_manager.post(CONFIRM, {"payment_id": other.pk, "evidence": "e-1"})
    assert answer.status_code == 200
    assert Receipt.objects.get().unapplied_amount == 0
    refused(as_manager.post(CONFIRM, {"payment_id": third.pk, "evidence": "E-1"}), 409, "evidence_already_used")
    repeat = as_manager.post(CONFIRM, {"payment_id": other.pk, "evidence": "E-1", "amount": "990.00"})
    assert repeat.json()["already_confirmed"] is True


@pytest.fixture
def unapplied(as_manager, payment, moment):
    """Money for what had been canceled."""
    payment.subscription.cancel(moment, now=True)
    as_manager.post(CONFIRM, {"payment_id": payment.pk, "evidence": "E-1"})
    return Payment.objects.get(pk=payment.pk)


def test_money_on_record_settles_another_payment_and_leaves_the_first_moved(as_manager, unapplied, alice):
    other = PaymentFactory(subscription=SubscriptionFactory(user=alice, plan=PlanFactory()))
    again = as_manager.post(CONFIRM, {"payment_id": unapplied.pk, "evidence": "E-1"}).json()
    assert again["could_settle"] == [other.pk]

    answer = as_manager.post(CONFIRM, {"payment_id": other.pk, "receipt_id": unapplied.receipt_id})
    assert answer.json()["payment"]["status"] == "confirmed"
    unapplied.refresh_from_db()
    assert (unapplied.status, unapplied.reversal_kind, unapplied.unapplied) == ("reversed", "moved", False)
    assert as_manager.get("/api/payments/?unapplied=true").json()["results"] == []
    repeat = as_manager.post(CONFIRM, {"payment_id": other.pk, "receipt_id": unapplied.receipt_id})
    assert repeat.json()["already_confirmed"] is True


def test_unapplied_money_given_back_leaves_the_queue(as_manager, unapplied):
    as_manager.post(act(unapplied, "refund"), {"amount": "300.00", "reason": "A part"})
    assert as_manager.get("/api/receipts/?unapplied=true").json()["results"][0]["unapplied_amount"] == "690.00"
    as_manager.post(act(unapplied, "refund"), {"reason": "The rest"})

    assert as_manager.get("/api/receipts/?unapplied=true").json()["results"] == []
    assert as_manager.get("/api/payments/?unapplied=true").json()["results"] == []
    unapplied.refresh_from_db()
    assert unapplied.status == "refunded"


def test_money_of_somebody_else_or_of_nobody_settles_nothing(as_manager, unapplied, bob, plan):
    others = PaymentFactory(subscription=SubscriptionFactory(user=bob, plan=plan))
    before = money()
    answer = as_manager.post(CONFIRM, {"payment_id": others.pk, "receipt_id": unapplied.receipt_id})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "receipt_id"
    assert as_manager.post(CONFIRM, {"payment_id": others.pk, "receipt_id": 10**9}).status_code == 404
    refused(as_manager.post(CONFIRM, {"payment_id": others.pk, "evidence": "E-1"}), 409, "evidence_already_used")
    assert money() == before


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("evidence=e-1", 1),
        ("evidence=E-2", 0),
        ("source=MANUAL", 1),
        ("received_from=2026-01-30&received_to=2026-01-31", 1),
        ("received_to=2026-01-30", 0),
        ("unapplied=false", 1),
        ("unapplied=true", 0),
    ],
)
def test_receipts_are_found_by(as_staff, payment, staff, moment, query, found):
    facts = Facts(evidence="E-1", received_on=dt.date(2026, 1, 30))
    payment.confirm(facts, by=staff, moment=moment)
    assert len(as_staff.get(f"/api/receipts/?{query}").json()["results"]) == found


# --- Canceling with the money given back


def test_canceling_now_gives_back_the_last_payment(as_manager, confirmed, manager):
    route = f"/api/subscriptions/{confirmed.user_id}/{confirmed.subscription_id}/cancel"
    answer = as_manager.post(route, {"when": "now", "money": "refund", "reason": "Moved house"})

    assert answer.json()["status"] == "canceled"
    assert (answer.json()["covered_until"], answer.json()["cancel_at"]) == (None, None)
    assert Refund.objects.get().amount == confirmed.amount
    assert Payment.objects.get().status == "refunded"
    assert as_manager.post(route, {"when": "now", "money": "refund"}).status_code == 200
    assert as_manager.post(route, {"when": "now"}).status_code == 200
    assert Refund.objects.count() == 1


def test_giving_back_on_canceling_needs_the_right_to_refund(as_staff, confirmed):
    route = f"/api/subscriptions/{confirmed.user_id}/{confirmed.subscription_id}/cancel"
    before = money()
    assert as_staff.post(route, {"when": "now", "money": "refund"}).status_code == 403
    assert as_staff.post(route, {"when": "now"}).json()["errors"][0]["code"] == "required"
    assert money() == before


# --- Expectations


def stale_and_fresh(caller, path, change):
    stale = caller.get(path)["ETag"]
    change()
    return stale, caller.get(path)["ETag"]


def test_a_stale_sight_of_a_payment_changes_nothing(as_manager, manager, confirmed, moment):
    path = f"/api/payments/{confirmed.pk}"
    order = RefundOrder(reason="x", amount=1)
    stale, fresh = stale_and_fresh(as_manager, path, lambda: confirmed.refund(order, by=manager, moment=moment))
    before = money()
    for verb, body in {"refund": {"reason": "x"}, "reverse": {"reason": "x", "kind": "mistake"}}.items():
        refused(as_manager.post(act(confirmed, verb), body, If_Match=stale), 412, "precondition_failed")
    assert money() == before
    assert as_manager.post(act(confirmed, "refund"), {"reason": "x"}, If_Match=fresh).status_code == 201


def test_a_repeat_is_no_stale_sight(as_staff, payment):
    seen = as_staff.get(f"/api/payments/{payment.pk}")["ETag"]
    body = {"payment_id": payment.pk, "evidence": "E-1"}
    refused(as_staff.post(CONFIRM, body, If_Match='"something else"'), 412, "precondition_failed")
    assert as_staff.post(CONFIRM, body, If_Match=seen).status_code == 200
    assert as_staff.post(CONFIRM, body, If_Match=seen).json()["already_confirmed"] is True
    other = body | {"evidence": "E-2"}
    refused(as_staff.post(CONFIRM, other, If_Match=seen), 412, "precondition_failed")
    refused(as_staff.post(CONFIRM, other), 409, "confirmed_differently")


def test_canceling_expects_what_was_seen(as_alice, payment):
    path = f"/api/subscriptions/{payment.user_id}/{payment.subscription_id}"
    assert as_alice.post(f"{path}/cancel", {}, If_Match='"old"').status_code == 412
    assert as_alice.post(act(payment, "cancel"), {}, If_Match='"old"').status_code == 412
    assert Subscription.objects.get().status == Payment.objects.get().status == "pending"
    assert as_alice.post(f"{path}/cancel", {}, If_Match=as_alice.get(path)["ETag"]).status_code == 200


# --- The journal of it


def test_each_object_that_changes_has_one_entry_with_who_and_why(as_manager, manager, confirmed):
    last = Event.objects.order_by("seq").last().seq
    as_manager.post(act(confirmed, "refund"), {"reason": "Gone"})

    events = Event.objects.filter(seq__gt=last).order_by("seq")
    assert sorted(event.kind for event in events) == ["payment.refunded", "refund.created", "subscription.canceled"]
    assert {event.reason for event in events} == {"Gone"}
    assert {(event.actor_id, event.channel) for event in events} == {(manager.pk, "api")}
    assert {event.user_id for event in events} == {confirmed.user_id}
