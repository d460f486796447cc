"""Confirming many payments in the admin, each on its own."""

import re

import pytest

from accounts.tests.browsing import boss, browser, log_of, page, said
from accounts.tests.factories import UserFactory
from payments.models import Facts, Payment, Receipt
from payments.tests.factories import PaymentFactory
from subscriptions.models import Plan
from subscriptions.tests.factories import SubscriptionFactory

LIST = "payments_payment_changelist"
SEND = "payments_payment_confirm_selected"


@pytest.fixture
def three(plan: Plan) -> list[Payment]:
    """Three pending payments of three users."""
    return [PaymentFactory(subscription=SubscriptionFactory(plan=plan)) for _ in range(3)]


def select(payments, **extra):
    return {"action": "confirm_selected", "_selected_action": [row.pk for row in payments], "index": "0"} | extra


def send(payments, *, evidence=None, **shared):
    names = {f"evidence_{row.pk}": (evidence or {}).get(row.pk, "") for row in payments}
    return {"received_on": "", "note": ""} | shared | names


def states(payments):
    return [Payment.objects.get(pk=row.pk).status for row in payments]


def results(answer):
    return {result.payment.pk: (str(result.label), result.words) for result in answer.context["results"]}


def test_selecting_asks_for_the_evidence_of_each_and_changes_nothing(staff, three):
    answer = browser(staff).post(page(LIST), select(three))
    shown = answer.content.decode()
    assert all(f'name="evidence_{row.pk}"' in shown and row.reference in shown for row in three)
    assert states(three) == ["pending"] * 3


def test_each_is_confirmed_with_its_own_evidence_and_its_own_log(staff, three, moment):
    evidence = {row.pk: f"entry {row.pk}" for row in three}
    answer = browser(staff).post(page(SEND), send(three, evidence=evidence, received_on=str(moment.today), note="May"))
    assert [label for label, _words in results(answer).values()] == ["confirmed"] * 3
    for row in three:
        receipt = Receipt.objects.get(payments=row)
        assert (receipt.evidence, receipt.received_on, receipt.note) == (evidence[row.pk], moment.today, "May")
        ((who, what),) = log_of(row)
        assert (who, f"entry {row.pk}" in what) == ("olga", True)


def test_those_that_cannot_be_confirmed_do_not_stop_the_others(staff, plan, three, moment):
    fine, canceled, confirmed = three
    canceled.cancel(moment)
    confirmed.confirm(Facts(evidence="first"), by=staff, moment=moment)
    olga = UserFactory(username="olga2", is_staff=True)
    olga.groups.set(staff.groups.all())
    own = PaymentFactory(subscription=SubscriptionFactory(user=olga, plan=plan))
    taken = PaymentFactory(subscription=SubscriptionFactory(plan=plan))
    rows = [own, canceled, taken, confirmed, fine]
    evidence = {taken.pk: "first", confirmed.pk: "first", fine.pk: "second"}
    answer = browser(olga).post(page(SEND), send(rows, evidence=evidence))
    assert answer.status_code == 200
    became = results(answer)
    assert became[fine.pk][0] == "confirmed"
    assert became[confirmed.pk][0] == "already confirmed"
    assert became[canceled.pk][0] == became[taken.pk][0] == became[own.pk][0] == "refused"
    assert "for themselves" in became[own.pk][1]
    assert "evidence" in became[canceled.pk][1]
    assert "settled another payment" in became[taken.pk][1]
    assert states(rows) == ["pending", "canceled", "pending", "confirmed", "confirmed"]
    assert log_of(own) == log_of(taken) == log_of(canceled) == []


def test_sending_it_twice_says_already_confirmed(staff, three):
    olga, given = browser(staff), send(three, evidence={row.pk: f"e{row.pk}" for row in three})
    olga.post(page(SEND), given)
    before = list(Receipt.objects.order_by("pk").values())
    answer = olga.post(page(SEND), given)
    assert {label for label, _words in results(answer).values()} == {"already confirmed"}
    assert list(Receipt.objects.order_by("pk").values()) == before
    assert all(len(log_of(row)) == 1 for row in three)


@pytest.mark.parametrize("shared", [{"received_on": "9999-01-01"}, {"received_on": "x"}, {"note": "x" * 1001}])
def test_a_wrong_value_for_all_confirms_none_and_keeps_what_was_typed(staff, three, shared):
    answer = browser(staff).post(page(SEND), send(three, evidence={three[0].pk: "typed"}, **shared))
    assert 'value="typed"' in answer.content.decode()
    assert answer.context["form"].errors
    assert states(three) == ["pending"] * 3


def test_more_than_a_thousand_are_refused_in_words(staff, three):
    many = send(three) | {f"evidence_{10**6 + number}": "" for number in range(998)}
    answer = browser(staff).post(page(SEND), many, follow=True)
    assert "At most 1000" in said(answer)
    assert states(three) == ["pending"] * 3


def test_selecting_across_pages_is_limited_too(staff, three, monkeypatch):
    monkeypatch.setattr("payments.admin.payments.MOST", 2)
    answer = browser(staff).post(page(LIST), select(three[:1], select_across="1"), follow=True)
    assert "At most 2" in said(answer)
    assert states(three) == ["pending"] * 3


def test_a_thousand_fields_get_through(staff, three):
    many = send(three) | {f"evidence_{10**6 + number}": "x" * 30 for number in range(997)}
    answer = browser(staff).post(page(SEND), many)
    assert [label for label, _words in results(answer).values()] == ["confirmed"] * 3


@pytest.mark.parametrize(
    "selected", [["abc"], ["1.5"], ["-"], ["9" * 30], ["9" * 5000], ["1", "x"], [""], ["1 OR 1=1"]]
)
def test_rows_that_cannot_be_rows_are_refused_in_words(staff, payment, selected):
    body = {"action": "confirm_selected", "_selected_action": selected, "index": "0"}
    answer = browser(staff).post(page(LIST), body, follow=True)
    assert "Nothing was changed" in said(answer)
    assert states([payment]) == ["pending"]


def test_an_action_that_does_not_exist_or_nothing_selected_changes_nothing(staff, payment):
    olga = browser(staff)
    for body in (
        {"action": "delete_selected", "_selected_action": [payment.pk], "index": "0"},
        {"action": "no_such_action", "_selected_action": [payment.pk], "index": "0"},
        {"action": "confirm_selected", "index": "0"},
        {"action": "confirm_selected", "_selected_action": [payment.pk], "index": "-7"},
        {"action": "confirm_selected", "_selected_action": [payment.pk], "index": "x"},
    ):
        assert olga.post(page(LIST), body).status_code in (200, 302)
    assert states([payment]) == ["pending"]


def test_without_the_right_there_is_no_action_and_no_page(powerless_staff, staff, payment):
    from payments.tests.test_admin_confirm import permission

    powerless_staff.user_permissions.add(permission("view_payment"))
    pavel = browser(powerless_staff)
    assert "confirm_selected" not in pavel.get(page(LIST)).content.decode()
    pavel.post(page(LIST), select([payment]))
    assert pavel.post(page(SEND), send([payment])).status_code == 403
    assert states([payment]) == ["pending"]


def test_without_a_csrf_token_nothing_is_confirmed(staff, payment):
    olga = browser(staff, enforce_csrf_checks=True)
    assert olga.post(page(LIST), select([payment])).status_code == 403
    assert olga.post(page(SEND), send([payment])).status_code == 403
    assert states([payment]) == ["pending"]


def test_the_page_alone_leads_back_to_the_list(staff, payment):
    olga = browser(staff)
    assert olga.get(page(SEND)).status_code == 302
    assert olga.post(page(SEND), {"evidence_x": "1", f"evidence_{'9' * 19}": "1"}).status_code == 302
    assert states([payment]) == ["pending"]


def test_asking_costs_the_same_number_of_queries_for_three_and_for_thirty(
    plan, three, django_assert_max_num_queries, settings
):
    root = browser(boss())
    counts = []
    for rows in (three, [PaymentFactory(subscription=SubscriptionFactory(plan=plan)) for _ in range(30)]):
        with django_assert_max_num_queries(40) as captured:
            root.post(page(LIST), select(rows))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_form_speaks_russian(staff, three):
    answer = browser(staff).post(page(LIST), select(three), headers={"Accept-Language": "ru"})
    assert re.search(r"<html lang=\"ru\"", answer.content.decode())
