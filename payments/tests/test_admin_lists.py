"""The lists of payments and receipts: who sees them, what finds what, and what they do not tell."""

import datetime as dt

import pytest
from django.test import Client

from accounts.models import Token
from accounts.tests.browsing import boss, browser, manager, page
from accounts.tests.factories import UserFactory
from billing_time.clock import Moment
from payments.models import Facts, Payment
from payments.tests.factories import PaymentFactory
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

PAYMENTS = "payments_payment_changelist"
RECEIPTS = "payments_receipt_changelist"


def rows(client, name=PAYMENTS, query="", **parameters):
    answer = client.get(page(name) + query, parameters or None)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


@pytest.fixture
def confirmed(staff, bob, plan, moment):
    """Bob's payment, confirmed by an entry of the bank."""
    payment = PaymentFactory(subscription=SubscriptionFactory(user=bob, plan=plan))
    payment.confirm(Facts(evidence="0117 Ä-22", received_on=moment.today), by=staff, moment=moment)
    return payment


@pytest.mark.parametrize("make", [boss, manager])
def test_staff_find_payments_and_receipts(make, payment, confirmed):
    client = browser(make())
    assert rows(client) == [confirmed, payment]
    assert rows(client, RECEIPTS) == [confirmed.receipt]
    for name, row in (("payments_payment_change", confirmed), ("payments_receipt_change", confirmed.receipt)):
        assert client.get(page(name, row.pk)).status_code == 200


def test_customers_and_powerless_staff_see_nothing(alice, powerless_staff, payment):
    for client in (Client(HTTP_HOST="localhost"), browser(alice), browser(powerless_staff)):
        for address in (page(PAYMENTS), page(RECEIPTS), page("payments_payment_change", payment.pk)):
            answer = client.get(address)
            assert answer.status_code in (302, 403)
            assert payment.reference not in answer.content.decode()


def test_a_search_finds_by_reference_however_typed_evidence_name_address_and_id(staff, payment, confirmed):
    olga, reference = browser(staff), payment.reference
    spaced = " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))
    for text in (reference, spaced, spaced.lower(), "alice", "ALICE", "alice@example.com", "alice@", str(payment.pk)):
        assert payment in rows(olga, q=text), text
    for text in ("0117 ä-22", "0117   Ä-22", "ä-22 0117", "bob ä-22", "BOB@example.com"):
        assert rows(olga, q=text) == [confirmed], text
    assert rows(olga, q="no such thing") == []


def test_a_search_of_two_thousand_words_finds_nothing_and_says_so(staff, payment):
    for text in ("word " * 2000, "w" * 5000, "a b c d e f g h i j k"):
        answer = browser(staff).get(page(PAYMENTS), {"q": text})
        assert answer.status_code == 200
        assert "at most" in answer.content.decode()
        assert not answer.context["cl"].result_list


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"', "9" * 19, "9" * 40, "٣", "­", "ﷺ" * 20])
def test_odd_characters_are_only_characters(staff, payment, text):
    assert rows(browser(staff), q=text) == []


@pytest.mark.parametrize(
    "query",
    [
        "?subscription__user__password__startswith=!",
        "?user__password__startswith=!",
        "?user__is_superuser__exact=1",
        "?page_key__startswith=a",
        "?confirmed_by__password__regex=.*",
        "?user__tokens__digest__startswith=a",
        "?state=nonsense",
        "?unapplied__exact=maybe",
        "?currency=XXX",
        "?user__id__exact=abc",
        "?subscription__id__exact=1.5",
        "?created_at__gte=yesterday",
        "?created_at__gte=99999-99-99",
        "?status__exact=pending",
        "?nonsense=1",
        "?e=1&nonsense=1",
    ],
)
def test_a_parameter_that_the_list_does_not_know_is_400_and_tells_nothing(staff, payment, query):
    answer = browser(staff).get(page(PAYMENTS) + query)
    assert answer.status_code == 400
    assert payment.reference not in answer.content.decode()
    assert "cannot be filtered" in answer.content.decode()


@pytest.mark.parametrize("query", ["?status__exact=%00", "?q=%00", "?%00=1", "?state=%00", "?q=%ED%A0%80"])
def test_nul_and_broken_text_in_the_query_are_no_fault_of_the_server(staff, payment, query):
    assert browser(staff).get(page(PAYMENTS) + query).status_code in (200, 400)


@pytest.mark.parametrize(
    "query",
    [
        "?p=abc",
        "?p=999999",
        "?o=9.-9.x",
        "?o=" + "1." * 500,
        "?all=",
        "?_facets=",
        "?e=1",
        "?_popup=1",
        "?user__id__exact=" + "9" * 30,
    ],
)
def test_odd_but_harmless_parameters_show_a_list(staff, payment, query):
    assert browser(staff).get(page(PAYMENTS) + query).status_code == 200


def test_a_list_cannot_be_asked_for_another_key(staff, payment):
    assert browser(staff).get(page(PAYMENTS) + "?_to_field=page_key&_popup=1").status_code == 400


def test_the_states_are_those_of_today(staff, payment, confirmed):
    before = Moment.of(Moment.current().now - dt.timedelta(days=15))
    old = PaymentFactory(subscription=SubscriptionFactory(moment=before), moment=before)
    olga = browser(staff)
    assert rows(olga, state="pending") == [payment]
    assert rows(olga, state="expired") == [old]
    assert rows(olga, state="confirmed") == [confirmed]
    for state in ("canceled", "refunded", "reversed"):
        assert rows(olga, state=state) == []


def test_the_other_filters_narrow_too(staff, payment, confirmed):
    olga = browser(staff)
    assert rows(olga, unapplied__exact="1") == []
    assert rows(olga, unapplied__exact="0") == [confirmed, payment]
    assert rows(olga, currency="RUB", plan__name__exact="pro") == [confirmed, payment]
    assert rows(olga, user__id__exact=payment.user_id) == [payment]
    assert rows(olga, subscription__id__exact=payment.subscription_id) == [payment]
    assert rows(olga, receipt__id__exact=confirmed.receipt_id) == [confirmed]
    assert rows(olga, RECEIPTS, unapplied="no") == [confirmed.receipt]
    assert rows(olga, RECEIPTS, unapplied="yes") == []
    assert rows(olga, RECEIPTS, user__id__exact=confirmed.user_id, q="0117") == [confirmed.receipt]


def test_unapplied_money_is_a_queue_with_what_it_could_settle(staff, payment, plan, moment):
    payment.subscription.cancel(moment, now=True)
    payment.confirm(Facts(evidence="late"), by=staff, moment=moment)
    waiting = PaymentFactory(subscription=SubscriptionFactory(user=payment.user, plan=plan))
    olga = browser(staff)
    assert rows(olga, unapplied__exact="1") == [payment]
    assert rows(olga, RECEIPTS, unapplied="yes") == [payment.receipt]
    shown = olga.get(page("payments_payment_change", payment.pk)).content.decode()
    assert page("payments_payment_change", waiting.pk) in shown


@pytest.mark.parametrize(
    "name", [PAYMENTS, RECEIPTS, "subscriptions_subscription_changelist", "accounts_user_changelist"]
)
def test_thirty_rows_cost_as_many_queries_as_three(staff, name, django_assert_max_num_queries):
    root, counts = browser(boss()), []

    def more(count):
        for _ in range(count):
            one = PaymentFactory(subscription=SubscriptionFactory(plan=PlanFactory()))
            one.confirm(Facts(evidence=f"e{one.pk}"), by=staff, moment=Moment.current())

    for count in (3, 27):
        more(count)
        with django_assert_max_num_queries(30) as captured:
            assert len(rows(root, name)) >= count
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_pages_link_from_one_to_the_other(staff, confirmed):
    olga = browser(staff)
    shown = olga.get(page("payments_payment_change", confirmed.pk)).content.decode()
    links = [
        page("accounts_user_change", confirmed.user_id),
        page("subscriptions_subscription_change", confirmed.subscription_id),
        page("subscriptions_plan_change", confirmed.plan_id),
        page("payments_receipt_change", confirmed.receipt_id),
    ]
    assert all(link in shown for link in links)
    assert all(olga.get(link).status_code == 200 for link in links)
    receipt = olga.get(page("payments_receipt_change", confirmed.receipt_id)).content.decode()
    assert f"receipt__id__exact={confirmed.receipt_id}" in receipt
    assert page("payments_payment_change", confirmed.pk) in receipt


def test_a_page_shows_a_table_only_where_there_is_something_in_it(payment, confirmed):
    maria = browser(manager())
    answer = maria.get(page("payments_payment_change", confirmed.pk))
    assert [table.opts.model.__name__ for table in answer.context["inline_admin_formsets"]] == []
    answer = maria.get(page("payments_receipt_change", confirmed.receipt_id))
    assert [table.opts.model.__name__ for table in answer.context["inline_admin_formsets"]] == ["Allocation"]
    given = {"kind": "mistake", "reason": "another one's", "evidence": ""}
    maria.post(page("payments_payment_reverse", confirmed.pk), given)
    for name, row in (("payments_payment_change", confirmed), ("payments_receipt_change", confirmed.receipt)):
        answer = maria.get(page(name, row.pk))
        assert [table.opts.model.__name__ for table in answer.context["inline_admin_formsets"]] == ["Reversal"]
        assert "another one" in answer.content.decode()


def test_nothing_is_added_changed_or_deleted_by_hand_not_even_by_superusers(payment, confirmed):
    root = browser(boss())
    before = list(Payment.objects.order_by("pk").values())
    for kind, row in (("payment", payment), ("receipt", confirmed.receipt)):
        assert root.get(page(f"payments_{kind}_add")).status_code == 403
        assert root.post(page(f"payments_{kind}_change", row.pk), {"status": "confirmed"}).status_code == 403
        assert root.post(page(f"payments_{kind}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert list(Payment.objects.order_by("pk").values()) == before


def test_secrets_are_shown_nowhere(alice, payment):
    token, _secret = Token.issue(alice)
    root = browser(boss())
    assert root.get("/admin/accounts/token/").status_code == 404
    for address in (page("accounts_user_change", alice.pk), page("payments_payment_change", payment.pk), page("index")):
        shown = root.get(address).content.decode()
        assert token.digest not in shown
        assert "argon2" not in shown
        assert payment.page_key not in shown


def test_the_side_bar_leads_operators_to_what_waits(staff, payment):
    shown = browser(staff).get(page("index")).content.decode()
    for address in (page(PAYMENTS) + "?state=pending", page(PAYMENTS) + "?unapplied__exact=1", "/api/docs"):
        assert address in shown
    assert page("auth_group_changelist") not in shown


def test_the_side_bar_offers_nothing_to_those_without_rights(powerless_staff):
    assert page(PAYMENTS) not in browser(powerless_staff).get(page("index")).content.decode()


def test_the_history_says_who_did_what(staff, payment):
    olga = browser(staff)
    given = {"amount": "990", "received_on": "", "evidence": "0117-22", "source": "", "note": ""}
    olga.post(page("payments_payment_confirm", payment.pk), given)
    shown = olga.get(page("payments_payment_history", payment.pk)).content.decode()
    assert "olga" in shown
    assert "0117-22" in shown


def test_the_search_of_the_side_bar_does_not_fall_over(staff):
    olga = browser(staff)
    for query in ("?s=pay", "?s=pay&page=abc", "?s=pay&page=99", "?s=pay&extended=1", "?s=" + "x" * 4000, ""):
        assert olga.get("/admin/search/" + query).status_code in (200, 400)


def test_a_name_with_markup_is_text(staff, plan):
    user = UserFactory(username="mallory", email="a<b>@example.com".replace("<b>", "b"))
    payment = PaymentFactory(subscription=SubscriptionFactory(user=user, plan=plan))
    payment.confirm(Facts(evidence="<script>alert(1)</script>"), by=staff, moment=Moment.current())
    for address in (page(PAYMENTS), page("payments_payment_change", payment.pk), page(RECEIPTS)):
        assert "<script>alert(1)" not in browser(staff).get(address).content.decode()
