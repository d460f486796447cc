"""Every situation that the contract allows, told with the verbs: none of them is an error."""

import datetime as dt
from decimal import Decimal

from django.utils import timezone

from accounts.tests.factories import UserFactory
from billing_time.clock import Moment
from payments.checkout import Order, check_out
from payments.endings import cancel_and_refund
from payments.grants import grant
from payments.models import Facts, Payment, RefundOrder, ReversalOrder
from subscriptions.models import Subscription
from subscriptions.tests.factories import PlanFactory

SOME_BACK = Decimal("100.00")


def ago(days):
    return Moment.of(timezone.now() - dt.timedelta(days=days))


class Story:
    """A customer, somebody of the staff, and the days that go by; money comes with evidence of its own."""

    entries = 0

    def __init__(self, **terms):
        self.olga, self.alice = UserFactory(), UserFactory()
        self.plan = PlanFactory(**terms)

    def subscribe(self, days=0, duration=1):
        self.subscription = Subscription.objects.subscribe(self.alice, self.plan, duration, ago(days))
        return self.subscription

    def ask(self, days=0, duration=None):
        amount = self.plan.price * (duration or self.subscription.duration)
        order = Order(plan=self.plan, amount=amount, duration=duration)
        return check_out(self.alice, order, ago(days), subscription=self.subscription)[0]

    def confirm(self, payment, days=0, **facts):
        Story.entries += 1
        given = {"evidence": f"entry {Story.entries}"} | facts
        payment = Payment.objects.get(pk=payment.pk)
        payment.confirm(Facts(**given), by=self.olga, moment=ago(days))
        self.subscription = payment.subscription
        return payment

    def pay(self, days=0, **facts):
        return self.confirm(self.ask(days), days, **facts)

    def buy(self, days=0, duration=1, **facts):
        self.subscribe(days, duration)
        return self.pay(days, **facts)

    def cancel(self, days=0, **how):
        self.subscription.cancel(ago(days), **({"now": False} | how))

    def grant(self, days_of, days=0):
        return grant(self.subscription, days_of, "because", by=self.olga, moment=ago(days))

    def refund(self, payment, days=0, **order):
        payment = Payment.objects.get(pk=payment.pk)
        return payment.refund(RefundOrder(reason="asked for", **order), by=self.olga, moment=ago(days))[0]

    def reverse(self, payment, kind="mistake", days=0):
        payment = Payment.objects.get(pk=payment.pk)
        payment.reverse(ReversalOrder(kind=kind, reason="gone"), by=self.olga, moment=ago(days))


def write_down():
    now = Moment.current()
    Subscription.objects.write_down(now)
    Subscription.objects.all().withdraw_payments_of_canceled(now)
    Payment.objects.write_down(now)


def waits():
    story = Story()
    story.subscribe()
    story.ask()


def is_active():
    Story().buy(5)


def is_past_due():
    Story(grace_days=20).buy(40)
    write_down()


def expired_with_money_for_a_renewal_waiting():
    story = Story()
    story.buy(50)
    story.ask(30)
    write_down()


def never_paid():
    story = Story()
    story.subscribe(40)
    story.ask(40)
    write_down()


def pays_late():
    story = Story()
    story.subscribe(40)
    payment = story.ask(40)
    write_down()
    story.confirm(payment, 3)


def comes_back_after_expiry_by_late_money():
    story = Story()
    story.buy(90)
    payment = story.ask(59)
    write_down()
    story.confirm(payment, 2)


def tries():
    Story(trial_days=14).subscribe(4)


def tries_and_leaves_at_the_end():
    story = Story(trial_days=14)
    story.subscribe(4)
    story.cancel(1)


def trial_is_over():
    Story(trial_days=3).subscribe(10)
    write_down()


def pays_within_the_trial():
    story = Story(trial_days=14)
    story.subscribe(4)
    story.pay(2)


def gets_the_money_back_within_the_trial():
    story = Story(trial_days=14)
    story.subscribe(4)
    story.refund(story.pay(2), 1)


def pays_within_the_trial_by_mistake_and_again():
    story = Story(trial_days=14)
    story.subscribe(4)
    payment = story.pay(2)
    story.reverse(payment, days=1)
    story.confirm(payment)


def gets_free_time_before_paying():
    story = Story()
    story.subscribe(3)
    story.grant(10, 2)
    story.pay(1)


def gets_free_time_between_payments():
    story = Story()
    story.buy(5)
    story.grant(10, 4)
    story.pay(3)


def loses_what_came_after_free_time():
    story = Story()
    story.buy(5)
    free = story.grant(11, 4)
    story.refund(story.pay(3), 2)
    story.reverse(free, days=1)
    story.pay()


def free_time_was_a_mistake():
    story = Story()
    story.subscribe(3)
    story.reverse(story.grant(10, 2))


def leaves_at_the_end():
    story = Story()
    story.buy(5)
    story.cancel(1)


def stays_after_all():
    story = Story()
    story.buy(5)
    story.cancel(2)
    story.subscription.resume(ago(1))


def leaves_and_pays_meanwhile():
    story = Story()
    story.buy(5)
    payment = story.ask(4)
    story.cancel(2)
    story.confirm(payment, 1)


def has_left_at_the_end():
    story = Story()
    story.buy(50)
    story.cancel(40)
    write_down()


def leaves_before_paying():
    story = Story()
    story.subscribe(5)
    story.ask(5)
    story.cancel(4)


def is_ended_now_and_loses_the_money():
    story = Story()
    story.buy(5)
    story.cancel(now=True, forfeit=True)


def is_ended_now_and_gets_the_money_back():
    story = Story()
    story.buy(5)
    story.pay(4)
    cancel_and_refund(story.subscription, "sorry", by=story.olga, moment=ago(0))


def pays_for_what_was_canceled(**facts):
    story = Story()
    story.subscribe(6)
    payment = story.ask(6)
    story.cancel(5, now=True)
    return story, story.confirm(payment, 4, **facts)


def gets_some_of_unapplied_money_back():
    story, payment = pays_for_what_was_canceled()
    story.refund(payment, amount=SOME_BACK)


def gets_all_of_unapplied_money_back():
    story, payment = pays_for_what_was_canceled()
    story.refund(payment, 2, amount=SOME_BACK).pay("out", by=story.olga, moment=ago(1))
    story.refund(payment, evidence="out too")


def unapplied_money_bounces():
    story, payment = pays_for_what_was_canceled()
    story.refund(payment, 2, amount=SOME_BACK)
    story.reverse(payment, "returned_by_bank")


def moves():
    story, payment = pays_for_what_was_canceled()
    story.subscribe(3)
    return story, payment, story.pay(3, receipt_id=payment.receipt_id, evidence=None)


def some_is_given_back_before_the_rest_moves():
    story, payment = pays_for_what_was_canceled()
    story.refund(payment, 3, amount=SOME_BACK)
    story.subscribe(2)
    facts = {"receipt_id": payment.receipt_id, "evidence": None, "accept_difference": True, "note": "the rest"}
    story.pay(2, **facts)
    story.confirm(payment, 1)


def what_money_moved_to_is_reversed():
    story, _payment, settled = moves()
    story.reverse(settled, "returned_by_bank")


def pays_too_little():
    Story().buy(5, amount=Decimal("900.00"), accept_difference=True, note="fine")


def pays_too_little_and_gets_it_back():
    story = Story()
    story.refund(story.buy(5, amount=Decimal("900.00"), accept_difference=True, note="fine"))


def pays_too_much():
    Story().buy(5, amount=Decimal("1500.00"), accept_difference=True, note="kept for later")


def pays_twice_by_one_transfer():
    story = Story()
    first = story.buy(5, amount=Decimal("1980.00"), accept_difference=True, note="for two")
    second = story.pay(4, receipt_id=first.receipt_id, evidence=None)
    return story, first, second


def one_of_two_by_one_transfer_bounces():
    story, _first, second = pays_twice_by_one_transfer()
    story.reverse(second, "returned_by_bank")


def gets_some_back_and_keeps_the_days():
    story = Story()
    payment = story.buy(5)
    story.refund(payment, 2, amount=SOME_BACK)
    story.refund(payment, 1, amount=SOME_BACK, evidence="paid out")


def gets_some_back_and_loses_the_days():
    story = Story()
    story.refund(story.buy(5), amount=SOME_BACK, coverage="take_back")


def gets_all_back():
    story = Story()
    story.refund(story.buy(5))


def gets_all_back_and_keeps_the_days():
    story = Story()
    story.refund(story.buy(5), coverage="keep")


def gets_the_last_of_two_back():
    story = Story(grace_days=0)
    story.buy(5)
    story.refund(story.pay(4))
    story.cancel()


def is_refunded_on_the_first_day():
    story = Story()
    story.refund(story.buy(0))


def was_confirmed_by_mistake():
    story = Story()
    story.reverse(story.buy(5))
    story.ask()


def was_confirmed_by_mistake_and_never_paid():
    story = Story()
    story.reverse(story.buy(50), days=40)
    write_down()


def was_confirmed_by_mistake_and_rightly_then():
    story = Story()
    payment = story.buy(5)
    story.reverse(payment, days=3)
    story.confirm(payment, 1)


def bounces_after_a_refund():
    story = Story()
    payment = story.buy(5)
    story.refund(payment, 4, amount=SOME_BACK)
    story.refund(payment, 3, amount=SOME_BACK, evidence="out")
    story.reverse(payment, "returned_by_bank", days=2)
    story.confirm(payment, 1)
    story.refund(payment)


def bounces_where_later_days_stand_on_it():
    story = Story()
    first = story.buy(5)
    second = story.pay(4)
    story.reverse(first, "returned_by_bank", days=3)
    return story, first, second


def what_stood_on_kept_days_is_refunded():
    story, _first, second = bounces_where_later_days_stand_on_it()
    story.refund(second)


def money_comes_for_kept_days():
    story, first, _second = bounces_where_later_days_stand_on_it()
    story.confirm(first)


def bounces_after_the_end():
    story = Story()
    payment = story.buy(50)
    write_down()
    story.reverse(payment, "returned_by_bank")


def bounces_after_cancellation():
    story = Story()
    payment = story.buy(5)
    story.cancel(2, now=True, forfeit=True)
    story.reverse(payment, "returned_by_bank")


def pays_for_one_whose_place_was_taken():
    story = Story()
    story.subscribe(40)
    payment = story.ask(40)
    write_down()
    story.buy(3)
    story.confirm(payment)


def one_that_waits_makes_room():
    story = Story()
    story.subscribe(40)
    payment = story.ask(40)
    write_down()
    story.subscribe(3)
    story.ask(3)
    story.confirm(payment)


def pays_for_ten_years_and_once_too_often():
    story = Story(interval="year")
    payment = story.buy(0, duration=9)
    renewal = story.ask(0, duration=1)
    story.confirm(renewal)
    return payment


def pays_by_the_day():
    story = Story(interval="day", interval_count=10, grace_days=5)
    story.buy(12, duration=2)
    story.pay(3)


def pays_by_the_week():
    story = Story(interval="week", interval_count=2)
    story.buy(12)
    story.pay(3)


def pays_at_the_end_of_a_month():
    story = Story()
    days = (Moment.current().today - dt.date(2026, 1, 31)).days
    story.buy(days)
    for month in range(3):
        story.pay(days - 5 - 28 * month)


def pays_a_year_ahead_on_the_last_day_of_february():
    story = Story(interval="year")
    story.buy((Moment.current().today - dt.date(2024, 2, 29)).days)


SITUATIONS = [
    told
    for name, told in list(globals().items())
    if callable(told) and getattr(told, "__module__", "") == __name__ and name not in {"Story", "ago", "write_down"}
]
