"""The staff's queue: late, double and displaced money."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission

from accounts.tests.browsing import boss, browser, manager, page
from payments.models import Facts, Receipt, RefundOrder, ReversalOrder
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import SubscriptionFactory

QUEUE = "payments_payment_queue"


@pytest.fixture
def world(payment, plan, staff, moment):
    """One of each kind that waits, and a payment of Alice's that her money could settle."""
    payment.subscription.cancel(moment, now=True)
    payment.confirm(Facts(evidence="late"), by=staff, moment=moment)
    waiting = PaymentFactory(subscription=SubscriptionFactory(user=payment.user, plan=plan))
    return {
        "unapplied": payment,
        "surplus": with_surplus(plan, staff, moment),
        "due": owed(plan, staff, moment),
        "kept": reversed_and_kept(plan, staff, moment),
        "waiting": waiting,
    }


def with_surplus(plan, staff, moment):
    payment = PaymentFactory(subscription=SubscriptionFactory(plan=plan))
    payment.confirm(Facts(amount=Decimal("1000.00"), accept_difference=True, note="n"), by=staff, moment=moment)
    return payment.receipt


def owed(plan, staff, moment):
    payment = PaymentFactory(subscription=SubscriptionFactory(plan=plan))
    payment.confirm(Facts(), by=staff, moment=moment)
    return payment.refund(RefundOrder(reason="asked", amount=Decimal("5.00")), by=staff, moment=moment)[0]


def reversed_and_kept(plan, staff, moment):
    first = PaymentFactory(subscription=SubscriptionFactory(plan=plan))
    first.confirm(Facts(), by=staff, moment=moment)
    PaymentFactory(subscription=first.subscription).confirm(Facts(), by=staff, moment=moment)
    first.reverse(ReversalOrder(kind="returned_by_bank", reason="r"), by=staff, moment=moment)
    return first


def sections(answer):
    return {section.name: [row.row for row in section.rows] for section in answer.context["sections"]}


def badge(client, link):
    groups = client.get(page("index")).context["sidebar_navigation"]
    return next(item.get("badge") for group in groups for item in group["items"] if str(item["link"]).endswith(link))


def test_each_kind_stands_in_its_section_with_what_can_be_done(world):
    maria = browser(manager())
    answer = maria.get(page(QUEUE))
    assert sections(answer) == {name: [world[name]] for name in ("unapplied", "surplus", "due", "kept")}
    shown = answer.content.decode()
    money, waiting = world["unapplied"], world["waiting"]
    for address in (
        f"{page('payments_payment_settle', waiting.pk)}?receipt={money.receipt_id}",
        page("payments_payment_refund", money.pk),
        page("payments_payment_reverse", money.pk),
        page("payments_refund_pay", world["due"].pk),
        page("payments_payment_confirm", world["kept"].pk),
        page("subscriptions_subscription_change", world["kept"].subscription_id),
        page("payments_receipt_change", world["surplus"].pk),
    ):
        assert address in shown
        assert maria.get(address).status_code == 200


def test_every_link_of_the_queue_leads_somewhere(world):
    maria = browser(manager())
    answer = maria.get(page(QUEUE))
    for section in answer.context["sections"]:
        assert maria.get(section.whole).status_code == 200
        for row in section.rows:
            for _words, address in (row.title, *row.settles, *row.offers):
                assert maria.get(address).status_code == 200, address


def test_the_side_bar_counts_what_waits(world):
    maria = browser(manager())
    assert badge(maria, "/queue/") == "4"
    assert badge(maria, "?state=due") == "1"
    assert badge(maria, "?unapplied__exact=1") == "1"


def test_what_is_worked_off_leaves_the_queue(world, staff, moment):
    maria = browser(manager())
    maria.post(
        page("payments_payment_settle", world["waiting"].pk), {"receipt": world["unapplied"].receipt_id, "note": ""}
    )
    world["due"].pay("OUT-1", by=staff, moment=moment)
    world["kept"].confirm(Facts(evidence="again"), by=staff, moment=moment)
    assert sections(maria.get(page(QUEUE))) == {
        "unapplied": [], "surplus": [world["surplus"]], "due": [], "kept": [],
    }  # fmt: skip
    assert badge(maria, "?state=due") == ""


def test_unapplied_money_that_was_given_back_leaves_the_queue(world, staff, moment):
    world["unapplied"].refund(RefundOrder(reason="r"), by=staff, moment=moment)
    found = sections(browser(manager()).get(page(QUEUE)))
    assert found["unapplied"] == []
    assert world["unapplied"].receipt not in Receipt.objects.surplus()


def test_money_settles_only_what_its_owner_owes_and_what_it_suffices_for(world, staff, moment):
    (row,) = next(part for part in browser(boss()).get(page(QUEUE)).context["sections"] if part.name == "surplus").rows
    assert row.settles == []


def test_who_may_only_look_is_offered_nothing(world, powerless_staff):
    pavel = browser(powerless_staff)
    assert pavel.get(page(QUEUE)).status_code == 403
    powerless_staff.user_permissions.add(Permission.objects.get(codename="view_payment"))
    answer = browser(powerless_staff).get(page(QUEUE))
    assert set(sections(answer)) == {"unapplied", "kept"}
    offers = [words for part in answer.context["sections"] for row in part.rows for words, _to in row.offers]
    assert offers == ["Subscription"]
    assert not any(row.settles for part in answer.context["sections"] for row in part.rows)


def test_ten_of_a_kind_cost_as_many_queries_as_one(world, plan, staff, moment, django_assert_max_num_queries):
    root, counts = browser(boss()), []
    for _round in range(2):
        with django_assert_max_num_queries(40) as captured:
            root.get(page(QUEUE))
        counts.append(len(captured))
        for _ in range(9):
            with_surplus(plan, staff, moment)
            owed(plan, staff, moment)
            reversed_and_kept(plan, staff, moment)
    assert counts[0] == counts[1]


def test_markup_in_what_people_typed_is_text(payment, staff, moment):
    payment.subscription.cancel(moment, now=True)
    payment.confirm(Facts(evidence="<script>alert(1)</script>"), by=staff, moment=moment)
    assert "<script>alert(1)" not in browser(manager()).get(page(QUEUE)).content.decode()
