"""The contract's fourth section as plain Python, on nothing of the program's: what `test_model` compares it with.

Instants are datetimes in UTC, days are dates. A verb returns the codes of the refusals that the contract gives for it,
or an empty set, having changed the books. What dates alone bring about is never written down here, it is computed.
"""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

NOTHING = Decimal("0.00")
LIVE = ("pending", "trialing", "active", "past_due")
WAIT = dt.timedelta(days=14)


def midnight(day):
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def last_day(year, month):
    following = dt.date(year + month // 12, month % 12 + 1, 1)
    return (following - dt.timedelta(days=1)).day


def months_later(start, months, anchor):
    year, month = start.year, start.month + months
    while month > 12:
        year, month = year + 1, month - 12
    return dt.date(year, month, min(anchor, last_day(year, month)))


def after(start, interval, count, anchor):
    """The first day after `count` intervals from `start`."""
    if interval in ("day", "week"):
        return start + dt.timedelta(days=count * {"day": 1, "week": 7}[interval])
    return months_later(start, count * {"month": 1, "year": 12}[interval], anchor)


@dataclass(eq=False)
class Receipt:
    user: str
    amount: Decimal
    currency: str
    evidence: str | None
    settles: dict = field(default_factory=dict)
    gone: Decimal = NOTHING
    given_back: Decimal = NOTHING
    void: bool = False

    @property
    def unapplied(self):
        return self.amount - self.gone - self.given_back - sum(self.settles.values(), NOTHING)


@dataclass(eq=False)
class Refund:
    amount: Decimal
    coverage: str
    evidence: str | None
    canceled: bool = False

    @property
    def status(self):
        return "canceled" if self.canceled else "paid" if self.evidence else "due"


@dataclass(eq=False)
class Payment:
    subscription: "Subscription"
    amount: Decimal
    interval: str
    count: int
    expires_at: dt.datetime
    terms: tuple = ()
    written: str = "pending"
    covers: tuple | None = None
    goes_on: bool = False
    taken_back_on: dt.date | None = None
    receipt: Receipt | None = None
    confirmed: bool = False
    unapplied: bool = False
    shortfall: Decimal = NOTHING
    kind: str | None = None
    refunds: list = field(default_factory=list)

    def status(self, now):
        return "expired" if self.written == "pending" and self.expires_at <= now else self.written

    @property
    def refunded(self):
        return sum((refund.amount for refund in self.refunds if not refund.canceled), NOTHING)

    @property
    def left(self):
        return self.amount - self.shortfall - self.refunded

    @property
    def kept(self):
        return self.covers is not None and self.taken_back_on is None


@dataclass(eq=False)
class Subscription:
    user: str
    plan: str
    price: Decimal
    currency: str
    interval: str
    count: int
    grace: int
    duration: int
    start: dt.date
    pending_until: dt.datetime
    trial_end: dt.date | None = None
    tried: bool = False
    covered_until: dt.date | None = None
    cancel_at: dt.date | None = None
    closed: dt.date | None = None
    payments: list = field(default_factory=list)

    def access_until(self, today):
        """The end of coverage with its grace, or of the trial; None while pending and once canceled."""
        if self.closed or (self.cancel_at and self.cancel_at <= today):
            return None
        if self.covered_until:
            return midnight(self.covered_until + dt.timedelta(days=0 if self.cancel_at else self.grace))
        return midnight(self.trial_end) if self.tried else None

    def status(self, now):
        today = now.date()
        if self.closed or (self.cancel_at and self.cancel_at <= today):
            return "canceled"
        if not self.covered_until and not self.tried:
            return "pending" if now < self.pending_until else "expired"
        if self.access_until(today) <= now:
            return "expired"
        if not self.covered_until:
            return "trialing"
        return "active" if today < self.covered_until else "past_due"

    def end(self, now):
        """The first day that is not covered; the day of its end for what is canceled."""
        if self.status(now) == "canceled":
            return self.closed or self.cancel_at
        return self.covered_until or self.trial_end

    def last_covered(self):
        return max((payment.covers[1] for payment in self.payments if payment.covers), default=None)


class Books:
    """Every customer's subscriptions, payments and money, and the verbs of the contract."""

    def __init__(self, now):
        self.now = now
        self.subscriptions, self.receipts = [], []

    @property
    def today(self):
        return self.now.date()

    @property
    def payments(self):
        return [payment for subscription in self.subscriptions for payment in subscription.payments]

    def of(self, user, plan):
        return [row for row in self.subscriptions if (row.user, row.plan) == (user, plan)]

    def live(self, user, plan):
        return next((row for row in self.of(user, plan) if row.status(self.now) in LIVE), None)

    def write_down(self, *subscriptions):
        """What is canceled by its date is canceled for good, and so is what it was asked to pay."""
        for subscription in subscriptions:
            if not subscription.closed and subscription.status(self.now) == "canceled":
                self.close(subscription, subscription.cancel_at)

    def close(self, subscription, day):
        subscription.closed = day
        subscription.start = min(subscription.start, day)
        self.withdraw(subscription)

    def withdraw(self, subscription):
        for payment in subscription.payments:
            if payment.written == "pending":
                payment.written = "expired" if payment.expires_at <= self.now else "canceled"

    # --- Asking

    def subscribe(self, user, plan, duration, *, trial=True):
        if self.live(user, plan.name):
            return {"subscription_exists"}, None
        row = Subscription(
            user, plan.name, plan.price, plan.currency, plan.interval, plan.interval_count, plan.grace_days, duration,
            self.today, self.now + WAIT,
        )  # fmt: skip
        if self.coverage(row, plan.interval, plan.interval_count * duration) is None:
            return {"too_far_ahead"}, None
        had = any(other.trial_end for other in self.of(user, plan.name))
        if trial and plan.trial_days and not had:
            row.tried, row.trial_end = True, self.today + dt.timedelta(days=plan.trial_days)
        self.write_down(*self.of(user, plan.name))
        self.subscriptions.append(row)
        return set(), row

    def check_out(self, row, amount, duration):
        """Ask for money: the same terms again return the payment that waits."""
        if row.status(self.now) not in LIVE:
            return {"subscription_not_live"}, None
        duration = duration or row.duration
        refusals = set()
        if amount != row.price * duration:
            refusals.add("amount_mismatch")
        if self.coverage(row, row.interval, row.count * duration) is None:
            refusals.add("too_far_ahead")
        if refusals:
            return refusals, None
        terms = (row.price, duration)
        waiting = next((one for one in row.payments if one.written == "pending"), None)
        if waiting and waiting.terms == terms and waiting.status(self.now) == "pending":
            return set(), waiting
        self.withdraw(row)
        expires_at = max(self.now + WAIT, row.access_until(self.today) or self.now)
        payment = Payment(row, amount, row.interval, row.count * duration, expires_at, terms)
        row.payments.append(payment)
        row.pending_until = max(row.pending_until, expires_at)
        return set(), payment

    # --- Days

    def coverage(self, row, interval, count):
        """The days that money would buy now, and whether they go on what was covered; None for too far ahead."""
        access = row.access_until(self.today)
        unbroken = access is not None and self.now < access
        start = (row.covered_until or row.trial_end) if unbroken else self.today
        goes_on = unbroken or start == row.covered_until
        end = after(start, interval, count, self.anchor(row, start, unbroken=goes_on))
        if end > months_later(self.today, 120, self.today.day):
            return None
        return (start, end), goes_on and row.covered_until is not None

    @staticmethod
    def anchor(row, start, *, unbroken):
        """The day on which unbroken coverage began, as long as the days follow from it (free days move it)."""
        anchor = start.day
        if not unbroken:
            return anchor
        chain = [start]
        for payment in sorted((one for one in row.payments if one.covers), key=lambda one: one.covers, reverse=True):
            if payment.covers[1] != chain[-1] or payment.taken_back_on:
                break
            chain.append(payment.covers[0])
            if not payment.goes_on:
                break
        anchor = chain[-1].day
        for day in reversed(chain):
            if day.day != min(anchor, last_day(day.year, day.month)):
                anchor = day.day
        return anchor

    def cover(self, payment, days, goes_on):
        row = payment.subscription
        if row.status(self.now) in ("pending", "expired"):
            row.start = days[0]
        payment.covers, payment.goes_on, payment.taken_back_on = days, goes_on, None
        row.covered_until = days[1]
        row.cancel_at = row.cancel_at and days[1]

    def later(self, payment):
        row = payment.subscription
        return payment.covers and any(one.covers and one.covers[0] >= payment.covers[1] for one in row.payments)

    def take_back(self, payment):
        """End its days at the later of today and their first."""
        if not payment.covers or payment.taken_back_on:
            return
        (start, end), day = payment.covers, max(self.today, payment.covers[0])
        if day < end:
            payment.taken_back_on = day
            payment.covers = (start, day) if start < day else None

    def follow(self, row, was, otherwise):
        """What becomes of a subscription, in the state `was`, whose days were taken back."""
        if was not in ("active", "past_due"):
            return
        last = row.last_covered()
        if last and last > self.today:
            row.covered_until, row.cancel_at = last, row.cancel_at and last
            return
        row.covered_until = None
        if row.trial_end and row.trial_end > self.today:
            row.cancel_at = row.cancel_at and row.trial_end
        elif otherwise == "canceled":
            self.close(row, self.today)
        else:
            row.tried, row.cancel_at, row.start = False, None, self.today
            waits = [one.expires_at for one in row.payments if one.status(self.now) == "pending"]
            row.pending_until = max([self.now + WAIT, *waits])

    # --- Money

    def in_force(self, evidence):
        return next((one for one in self.receipts if one.evidence == evidence and not one.void), None)

    def confirm(self, payment, *, evidence=None, amount=None, receipt=None, accept=False):
        """Return the refusals, whether it was confirmed before, and the receipt."""
        row = payment.subscription
        if payment.written in ("confirmed", "refunded"):
            return self.confirm_again(payment, evidence, amount, receipt)
        known = receipt or (evidence and self.in_force(evidence))
        late = self.is_late(payment)
        refusals, settled = self.money(payment, known, evidence, amount, accept=accept)
        if late and not evidence and not known:
            refusals.add("payment_not_pending")
        found = None if payment.kept else self.room_for(payment)
        applied = payment.kept or found is not None
        if known and not applied:
            refusals.add("subscription_not_live")
        if refusals:
            return refusals, False, None
        self.write_down(*self.of(row.user, row.plan))
        if found and row.status(self.now) not in LIVE:
            for other in self.of(row.user, row.plan):
                if other is not row and other.status(self.now) in LIVE:
                    self.close(other, self.today)
        if found and late:
            self.withdraw(row)
        return set(), False, self.settle(payment, known, settled, found, evidence, amount, applied=applied)

    def is_late(self, payment):
        """Whether nobody waits for it any more: a subscription that has ended by its date waits for nothing."""
        row = payment.subscription
        return payment.status(self.now) != "pending" or row.status(self.now) == "canceled"

    def money(self, payment, known, evidence, amount, *, accept):
        """Return what speaks against the money, and how much of it settles the payment."""
        refusals = set()
        if payment.amount == 0:
            refusals.add("payment_not_pending")
        if known:
            settled, found = self.from_record(payment, known, evidence, amount, accept=accept)
            refusals |= found
        else:
            if amount not in (None, payment.amount) and not accept:
                refusals.add("amount_mismatch")
            settled = min(payment.amount, payment.amount if amount is None else amount)
        if settled < payment.refunded:
            refusals.add("amount_mismatch")
        return refusals, settled

    def settle(self, payment, known, settled, found, evidence, amount, *, applied):
        row = payment.subscription
        if not known:
            known = Receipt(row.user, payment.amount if amount is None else amount, row.currency, evidence)
            self.receipts.append(known)
        for other in self.payments:
            if other is not payment and other.receipt is known and other.unapplied:
                other.written, other.kind, other.unapplied = "reversed", "moved", False
        if found:
            self.cover(payment, *found)
        elif not payment.kept:
            payment.covers = payment.taken_back_on = None
        elif row.status(self.now) == "pending" and self.now < midnight(payment.covers[1] + dt.timedelta(row.grace)):
            row.start, row.covered_until = payment.covers
        payment.written, payment.kind, payment.confirmed = "confirmed", None, True
        payment.receipt, payment.shortfall = known, payment.amount - settled
        payment.unapplied = not applied
        if applied:
            known.settles[payment] = settled
        return known

    def from_record(self, payment, known, evidence, amount, *, accept):
        refusals, row = set(), payment.subscription
        if known.user != row.user or (evidence and known.evidence and evidence != known.evidence):
            refusals.add("evidence_already_used")
        if known.currency != row.currency:
            refusals.add("currency_mismatch")
        if amount not in (None, payment.amount, known.amount) and not accept:
            refusals.add("amount_mismatch")
        settled = min(payment.amount, known.unapplied)
        if settled <= 0 or (settled < payment.amount and not accept):
            refusals.add("evidence_already_used")
        return settled, refusals

    def confirm_again(self, payment, evidence, amount, receipt):
        known = payment.receipt
        if known is None:
            told = evidence or amount is not None or receipt
            return ({"confirmed_differently"} if told else set()), True, None
        refusals = set()
        if receipt not in (None, known) or (evidence and known.evidence and evidence != known.evidence):
            refusals.add("confirmed_differently")
        if amount is not None and amount not in (known.amount, payment.amount, known.settles.get(payment)):
            refusals.add("confirmed_differently")
        if evidence and not known.evidence and self.in_force(evidence):
            refusals.add("evidence_already_used")
        if not refusals:
            known.evidence = known.evidence or evidence
            self.write_down(*self.of(payment.subscription.user, payment.subscription.plan))
        return refusals, True, known

    def room_for(self, payment):
        """The days that the subscription can take for the money, or None."""
        row = payment.subscription
        status = row.status(self.now)
        if status == "canceled":
            return None
        others = [other for other in self.of(row.user, row.plan) if other is not row]
        newer = [other for other in others if other.status(self.now) in LIVE]
        paid = [other for other in newer if other.status(self.now) == "trialing" or self.ever_paid(other)]
        if status not in LIVE and paid:
            return None
        return self.coverage(row, payment.interval, payment.count)

    @staticmethod
    def ever_paid(row):
        return any(payment.confirmed for payment in row.payments)

    def grant(self, row, days):
        if row.status(self.now) not in LIVE:
            return {"subscription_not_live"}, None
        found = self.coverage(row, "day", days)
        if found is None:
            return {"too_far_ahead"}, None
        payment = Payment(row, NOTHING, "day", days, self.now, written="confirmed", confirmed=True)
        self.cover(payment, *found)
        row.payments.append(payment)
        return set(), payment

    def refund(self, payment, amount, coverage, evidence):
        """Return the refusals, and the refund."""
        row = payment.subscription
        before = next((one for one in payment.refunds if evidence and one.evidence == evidence), None)
        if before:
            if amount not in (None, before.amount):
                return {"evidence_already_used"}, None
            self.write_down(row)
            return set(), before
        coverage = coverage or ("take_back" if amount is None else "keep")
        due = payment.left if amount is None else amount
        refusals = set()
        if payment.status(self.now) not in ("confirmed", "refunded"):
            refusals.add("transition_not_allowed")
        if due <= 0 or due > payment.left:
            refusals.add("refund_exceeds_payment")
        if coverage == "take_back" and self.later(payment):
            refusals.add("later_coverage")
        if refusals:
            return refusals, None
        self.write_down(row)
        refund = Refund(due, coverage, evidence)
        payment.refunds.append(refund)
        if payment.unapplied:
            payment.receipt.given_back += due
        if payment.left == 0:
            payment.written, payment.unapplied = "refunded", False
        if coverage == "take_back" and payment.covers:
            was = row.status(self.now)
            self.take_back(payment)
            self.follow(row, was, "canceled")
        return set(), refund

    def pay(self, refund, payment, evidence):
        if refund.status == "paid":
            return set() if refund.evidence == evidence else {"confirmed_differently"}
        if refund.status == "canceled":
            return {"transition_not_allowed"}
        if any(one.evidence == evidence for one in payment.refunds):
            return {"evidence_already_used"}
        refund.evidence = evidence
        return set()

    def reverse(self, payment, kind):
        row = payment.subscription
        if (payment.written, payment.kind) == ("reversed", kind):
            self.write_down(row)
            return set()
        if payment.written != "confirmed" or (payment.receipt is None and kind != "mistake"):
            return {"transition_not_allowed"}
        self.write_down(row)
        was, falls = row.status(self.now), payment.covers and not self.later(payment)
        for refund in payment.refunds:
            refund.canceled = refund.canceled or refund.status == "due"
        if payment.receipt:
            self.lose(payment, kind)
        payment.written, payment.kind, payment.unapplied = "reversed", kind, False
        if falls:
            self.take_back(payment)
            self.follow(row, was, "pending")
        return set()

    def lose(self, payment, kind):
        """The receipt lost what was there for the payment; all that is left of it where nobody else uses it."""
        receipt = payment.receipt
        settled = receipt.settles.pop(payment, NOTHING)
        if payment.unapplied:
            receipt.given_back = NOTHING
        others = [one for one in self.payments if one is not payment and one.receipt is receipt]
        used = any(one.written in ("confirmed", "refunded") for one in others)
        receipt.gone += settled if used else receipt.unapplied
        receipt.void = receipt.void or (kind == "mistake" and receipt.gone == receipt.amount)

    # --- Ending

    def cancel(self, row, *, now, forfeit=False):
        status = row.status(self.now)
        if status == "canceled" or (row.cancel_at and not now):
            self.write_down(row)
            return set()
        if status == "expired":
            return {"transition_not_allowed"}
        if now and status == "active" and not forfeit:
            return {"transition_not_allowed"}
        if now or status in ("pending", "past_due"):
            self.close(row, self.today)
        else:
            row.cancel_at = row.covered_until or row.trial_end
        return set()

    def resume(self, row):
        if row.status(self.now) not in LIVE or not row.cancel_at:
            return {"transition_not_allowed"}
        row.cancel_at = None
        return set()

    def cancel_payment(self, payment):
        canceled_by_date = payment.subscription.status(self.now) == "canceled"
        status = payment.status(self.now)
        if status == "canceled":
            self.write_down(payment.subscription)
            return set()
        if status == "pending" and canceled_by_date:
            self.write_down(payment.subscription)
            return set()
        if status != "pending":
            return {"payment_not_pending"}
        self.write_down(payment.subscription)
        payment.written = "canceled"
        return set()

    def commands(self):
        self.write_down(*self.subscriptions)
        for payment in self.payments:
            payment.written = payment.status(self.now)
