"""Plans and subscriptions in the admin."""

import datetime as dt

import pytest

from accounts.tests.browsing import boss, browser, log_of, manager, page, said, version_on
from accounts.tests.factories import UserFactory
from billing_time.clock import Moment
from payments.models import Facts, Payment
from payments.tests.factories import PaymentFactory
from subscriptions.models import Plan, Subscription
from subscriptions.tests.factories import PlanFactory, SubscriptionFactory

LIST = "subscriptions_subscription_changelist"


def rows(client, **parameters):
    answer = client.get(page(LIST), parameters or None)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def cancel(row):
    return page("subscriptions_subscription_cancel", row.pk)


def resume(row):
    return page("subscriptions_subscription_resume", row.pk)


@pytest.fixture
def active(payment, staff, moment):
    """Alice's, paid for a month."""
    payment.confirm(Facts(), by=staff, moment=moment)
    return payment.subscription


@pytest.fixture
def past_due(staff, plan):
    """Carl's, whose paid month ended yesterday; the row still says active."""
    then = Moment.of(Moment.current().now - dt.timedelta(days=35))
    monthly = PlanFactory(name="days", interval="day", interval_count=34, grace_days=5)
    payment = PaymentFactory(subscription=SubscriptionFactory(plan=monthly, moment=then), moment=then)
    payment.confirm(Facts(), by=staff, moment=then)
    return payment.subscription


def unchanged(row):
    before = Subscription.objects.filter(pk=row.pk).values().get()
    return lambda: Subscription.objects.filter(pk=row.pk).values().get() == before and log_of(row) == []


# --- The list


def test_the_states_and_the_access_are_those_of_today(staff, active, past_due):
    waiting = SubscriptionFactory()
    olga = browser(staff)
    assert past_due.status == "active"
    assert rows(olga, state="active") == [active]
    assert rows(olga, state="past_due") == [past_due]
    assert rows(olga, state="pending") == [waiting]
    for state in ("trialing", "expired", "canceled"):
        assert rows(olga, state=state) == []
    assert set(rows(olga, access="yes")) == {active, past_due}
    assert rows(olga, access="no") == [waiting]
    assert "past due" in olga.get(page("subscriptions_subscription_change", past_due.pk)).content.decode()


def test_a_search_finds_by_name_address_plan_and_id(staff, active, past_due):
    olga = browser(staff)
    for text in ("alice", "ALICE@EXAMPLE.COM", "pro", "alice pro", str(active.pk)):
        assert active in rows(olga, q=text), text
    assert rows(olga, q="alice days") == []
    assert rows(olga, q="days") == [past_due]
    assert rows(olga, plan__name__exact="days", currency="RUB") == [past_due]


@pytest.mark.parametrize(
    "query", ["?user__password__startswith=!", "?access=maybe", "?state=x", "?plan__price__gte=1", "?ending=x"]
)
def test_a_parameter_that_the_list_does_not_know_is_400(staff, active, query):
    assert browser(staff).get(page(LIST) + query).status_code == 400


def test_nothing_is_added_changed_or_deleted_by_hand(active):
    root, same = browser(boss()), unchanged(active)
    assert root.get(page("subscriptions_subscription_add")).status_code == 403
    change = page("subscriptions_subscription_change", active.pk)
    assert root.post(change, {"status": "canceled", "end_date": "2099-01-01"}).status_code == 403
    assert root.post(page("subscriptions_subscription_delete", active.pk), {"post": "yes"}).status_code == 403
    assert same()


def test_its_page_links_to_its_payments(staff, active):
    shown = browser(staff).get(page("subscriptions_subscription_change", active.pk)).content.decode()
    assert f"subscription__id__exact={active.pk}" in shown
    assert cancel(active) in shown
    assert resume(active) not in shown


# --- Cancel and resume


def test_canceling_ends_it_at_the_end_of_what_is_paid_and_resuming_takes_that_back(staff, active):
    olga = browser(staff)
    assert olga.get(cancel(active)).status_code == 200
    answer = olga.post(cancel(active), {"when": "period_end", "reason": "moves away"}, follow=True)
    active.refresh_from_db()
    assert (active.status, active.cancel_at, active.cancel_reason) == ("active", active.covered_until, "moves away")
    assert "will end on" in said(answer)
    assert rows(olga, ending="yes") == [active]
    assert resume(active) in olga.get(page("subscriptions_subscription_change", active.pk)).content.decode()
    olga.post(resume(active))
    active.refresh_from_db()
    assert active.cancel_at is None
    assert [who for who, _what in log_of(active)] == ["olga", "olga"]
    assert "moves away" in log_of(active)[0][1]


def test_canceling_twice_changes_nothing_more(staff, active):
    olga = browser(staff)
    olga.post(cancel(active), {"when": "period_end", "reason": "first"})
    answer = olga.post(cancel(active), {"when": "period_end", "reason": "second"}, follow=True)
    active.refresh_from_db()
    assert active.cancel_reason == "first"
    assert "before" in said(answer)
    assert len(log_of(active)) == 1


def test_ending_paid_days_now_needs_the_explicit_word(staff, active):
    olga, same = browser(staff), unchanged(active)
    answer = olga.post(cancel(active), {"when": "now", "reason": ""})
    assert answer.context["form"].errors["money"]
    assert same()
    olga.post(cancel(active), {"when": "now", "money": "forfeit", "reason": "fraud"})
    active.refresh_from_db()
    assert active.status == "canceled"
    assert "forfeit" in log_of(active)[0][1]


@pytest.mark.parametrize(
    "given",
    [
        {"when": "", "reason": ""},
        {"when": "never", "reason": ""},
        {"when": "period_end", "money": "forfeit", "reason": ""},
        {"when": "now", "money": "everything", "reason": ""},
        {"when": "period_end", "reason": "x" * 501},
        {},
    ],
)
def test_what_cannot_be_is_said_beside_the_form_and_changes_nothing(staff, active, given):
    same = unchanged(active)
    assert browser(staff).post(cancel(active), given).context["form"].errors
    assert same()


def test_a_pending_one_is_canceled_at_once_with_its_payment(staff, payment):
    browser(staff).post(cancel(payment.subscription), {"when": "period_end", "reason": ""})
    assert Subscription.objects.get().status == "canceled"
    assert Payment.objects.get().status == "canceled"


def test_resuming_what_is_not_ending_is_refused_in_words(staff, active):
    same = unchanged(active)
    assert "not about to end" in browser(staff).post(resume(active)).content.decode()
    assert same()


def test_only_who_manages_all_subscriptions_may_do_it(active, alice):
    from django.contrib.auth.models import Permission

    looker = UserFactory(username="lena", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_subscription"))
    same = unchanged(active)
    for user in (looker, alice):
        for address in (cancel(active), resume(active)):
            assert browser(user).get(address).status_code in (302, 403)
            assert browser(user).post(address, {"when": "period_end"}).status_code in (302, 403)
    assert (
        cancel(active) not in browser(looker).get(page("subscriptions_subscription_change", active.pk)).content.decode()
    )
    assert same()


def test_looking_at_the_forms_changes_nothing(staff, active):
    same = unchanged(active)
    browser(staff).get(cancel(active))
    browser(staff).get(resume(active))
    assert same()


# --- Plans


def terms(**changes):
    return {
        "name": "gold",
        "title": "Gold",
        "description": "",
        "is_active": "on",
        "price": "100.00",
        "currency": "EUR",
        "interval": "month",
        "interval_count": "1",
        "trial_days": "0",
        "grace_days": "3",
    } | changes


def test_a_manager_adds_a_plan_and_it_is_logged(db):
    maria = browser(manager())
    assert maria.get(page("subscriptions_plan_add")).status_code == 200
    answer = maria.post(page("subscriptions_plan_add"), terms(), follow=True)
    assert answer.status_code == 200
    plan = Plan.objects.get()
    assert (plan.pk, str(plan.price), plan.currency) == ("gold", "100.00", "EUR")
    assert log_of(plan)[0][0] == "maria"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "no spaces"},
        {"name": ""},
        {"price": "0"},
        {"price": "-1"},
        {"price": "1e99"},
        {"price": "NaN"},
        {"currency": "JPY"},
        {"currency": "eur"},
        {"interval": "fortnight"},
        {"interval_count": "0"},
        {"interval_count": "9" * 30},
        {"grace_days": "31"},
        {"grace_days": "-1"},
        {"trial_days": "367"},
    ],
)
def test_a_plan_that_cannot_be_is_said_beside_the_form(db, changes):
    answer = browser(boss()).post(page("subscriptions_plan_add"), terms(**changes))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    assert not Plan.objects.exists()


def test_grace_longer_than_an_interval_is_said_in_words(plan):
    root, change = browser(boss()), page("subscriptions_plan_change", plan.pk)
    for address, given in ((page("subscriptions_plan_add"), terms(grace_days="28")), (change, terms(grace_days="28"))):
        assert "shorter than one interval" in root.post(address, given).content.decode()
    plan.refresh_from_db()
    assert plan.grace_days == 3


def test_the_price_changes_for_later_subscriptions_only_and_the_identity_never(subscription):
    plan, maria = subscription.plan, browser(manager())
    change = page("subscriptions_plan_change", plan.pk)
    maria.post(change, terms(name="other", currency="USD", interval="year", interval_count="2", price="1990.00"))
    plan = Plan.objects.get()
    assert (plan.pk, plan.currency, plan.interval, plan.interval_count) == ("pro", "RUB", "month", 1)
    assert str(plan.price) == "1990.00"
    subscription.refresh_from_db()
    assert str(subscription.unit_price) == "990.00"


def test_an_old_page_of_a_plan_saves_nothing_and_says_so(plan):
    maria, change = browser(manager()), page("subscriptions_plan_change", plan.pk)
    version = version_on(maria, change)
    Plan.objects.filter(pk=plan.pk).update(price="1990.00")
    answer = maria.post(change, terms(title="Professional", version=version), follow=True)
    assert "nothing was saved" in said(answer)
    assert 'value="1990.00"' in answer.content.decode()
    plan.refresh_from_db()
    assert (plan.title, str(plan.price)) == ("Pro", "1990.00")
    assert log_of(plan) == []


def test_a_page_of_a_plan_as_it_is_saves_and_the_second_click_changes_nothing_more(plan):
    maria, change = browser(manager()), page("subscriptions_plan_change", plan.pk)
    given = terms(title="Professional", price="990.00", version=version_on(maria, change))
    assert "changed successfully" in said(maria.post(change, given, follow=True))
    assert "saved before" in said(maria.post(change, given, follow=True))
    plan.refresh_from_db()
    assert plan.title == "Professional"
    assert len(log_of(plan)) == 1


def test_what_a_guard_refuses_on_a_plans_page_is_said_in_words(plan, monkeypatch):
    monkeypatch.setattr("subscriptions.admin.PlanAdmin.fixed", ())
    maria, change = browser(manager()), page("subscriptions_plan_change", plan.pk)
    answer = maria.post(change, terms(name="pro", currency="USD"), follow=True)
    assert answer.status_code == 200
    assert "conflicts" in said(answer)
    plan.refresh_from_db()
    assert plan.currency == "RUB"
    assert log_of(plan) == []


def test_operators_look_at_plans_and_change_none(staff, plan):
    olga = browser(staff)
    assert olga.get(page("subscriptions_plan_change", plan.pk)).status_code == 200
    assert olga.post(page("subscriptions_plan_change", plan.pk), terms(price="1.00")).status_code == 403
    assert olga.post(page("subscriptions_plan_add"), terms()).status_code == 403
    assert str(Plan.objects.get().price) == "990.00"


def test_a_plan_that_was_sold_cannot_be_deleted(subscription):
    root, plan = browser(boss()), subscription.plan
    for body in (None, {"post": "yes"}):
        address = page("subscriptions_plan_delete", plan.pk)
        answer = root.get(address, follow=True) if body is None else root.post(address, body, follow=True)
        assert "cannot be deleted" in said(answer)
    shown = root.get(page("subscriptions_plan_change", plan.pk)).content.decode()
    assert page("subscriptions_plan_delete", plan.pk) not in shown
    assert Plan.objects.count() == 1


def test_a_plan_that_nobody_bought_can_be_deleted(plan):
    browser(boss()).post(page("subscriptions_plan_delete", plan.pk), {"post": "yes"})
    assert not Plan.objects.exists()


def test_the_list_of_plans_shows_its_prices(staff, plan):
    answer = browser(staff).get(page("subscriptions_plan_changelist"), {"q": "PRO"})
    assert "990.00 RUB" in answer.content.decode()
