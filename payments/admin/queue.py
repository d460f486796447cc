"""The staff's queue: late, double and displaced money, what it could settle, and what can be done with it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.admin.base import page_of
from billing_time.clock import Moment
from payments.models import Payment, Receipt, Refund
from payments.pages import spaced

from .words import money, sum_of

SHOWN = 50
SUGGESTED = 5

Link = tuple[Any, str]


@dataclass(frozen=True)
class Waiting:
    """Something that waits for staff."""

    row: Any
    title: Link
    user: Any
    money: str
    about: str
    settles: list[Link] = field(default_factory=list)
    offers: list[Link] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """Everything of one kind that waits: the first of it, and where the whole of it is."""

    name: str
    title: str
    about: str
    rows: list[Waiting]
    whole: str


class Takers:
    """The payments that money of these users could settle, looked up at once."""

    def __init__(self, user_ids: Iterable[int], moment: Moment) -> None:
        self.known: dict[tuple[int, str], list[Payment]] = defaultdict(list)
        for payment in Payment.objects.able_to_take_money(moment).filter(user_id__in=set(user_ids)):
            self.known[payment.user_id, payment.currency].append(payment)

    def links(self, receipt: Receipt) -> list[Link]:
        """Return links to settling with what is left of a receipt; those that it could settle as a whole."""
        left, rows = receipt.unapplied_amount, self.known[receipt.user_id, receipt.currency]
        able = [row for row in rows if row.amount <= left][:SUGGESTED]
        return [(f"{spaced(row.reference)} · {money(row)}", settling(row, receipt.pk)) for row in able]


def settling(payment: Payment, receipt_id: int | None) -> str:
    """Return the address of the form that settles a payment with money on record."""
    return f"{reverse('admin:payments_payment_settle', args=[payment.pk])}?receipt={receipt_id}"


def waiting_rows(moment: Moment) -> dict[str, Any]:
    """Return what waits, by section."""
    return {
        "unapplied": Payment.objects.filter(unapplied=True),
        "surplus": Receipt.objects.surplus(),
        "due": Refund.objects.due(),
        "kept": Payment.objects.kept_though_reversed(moment),
    }


def sections_for(user: Any) -> list[Section]:
    """Return the sections that a reader may see, each with what the reader may do."""
    moment = Moment.current()
    rows = {name: list(first(found)) for name, found in waiting_rows(moment).items()}
    owners = [row.user_id for name in ("unapplied", "surplus") for row in rows[name]]
    takers = Takers(owners if user.has_perm("payments.confirm_payment") else [], moment)
    return [
        unapplied(rows["unapplied"], takers, user),
        *([surplus(rows["surplus"], takers)] if user.has_perm("payments.view_receipt") else []),
        *([due(rows["due"], user)] if user.has_perm("payments.view_refund") else []),
        kept(rows["kept"], user),
    ]


def first(found: Any) -> Any:
    """Return the first rows that wait, the oldest first, with what they are shown with."""
    related = {Payment: ("user", "receipt"), Receipt: ("user",), Refund: ("user", "payment")}[found.model]
    return found.select_related(*related).order_by("pk")[:SHOWN]


def unapplied(rows: list[Payment], takers: Takers, user: Any) -> Section:
    """Return the money that no subscription could take."""
    return Section(
        "unapplied",
        _("Unapplied money"),
        _("Confirmed payments whose subscription could not take the money. Settle another payment, or give it back."),
        [
            waiting(
                row, sum_of(row.refundable_amount, row.currency), received(row.receipt),
                settles=takers.links(row.receipt) if row.receipt else [],
                offers=offers_on(row, user, refund=_("Refund"), reverse=_("Reverse")),
            )
            for row in rows
        ],
        whole("payments_payment", "unapplied__exact=1"),
    )  # fmt: skip


def surplus(rows: list[Receipt], takers: Takers) -> Section:
    """Return the money that is left of receipts beside what they settle."""
    return Section(
        "surplus",
        _("Money left over"),
        _("Receipts that hold more than what they settle. The rest can settle another payment of theirs."),
        [
            waiting(
                row, sum_of(row.unapplied_amount, row.currency), received_on(row), settles=takers.links(row),
                offers=[(_("Payments"), whole("payments_payment", f"receipt__id__exact={row.pk}"))],
            )
            for row in rows
        ],
        whole("payments_receipt", "unapplied=yes"),
    )  # fmt: skip


def due(rows: list[Refund], user: Any) -> Section:
    """Return what is to be paid out."""
    pay = [_("Record that it was paid out")] if user.has_perm("payments.refund_payment") else []
    return Section(
        "due",
        _("Refunds to pay out"),
        _("Pay them out, and record the bank's evidence of it."),
        [
            waiting(
                row, money(row), row.reason,
                title=spaced(row.payment.reference),
                offers=[(words, reverse("admin:payments_refund_pay", args=[row.pk])) for words in pay],
            )
            for row in rows
        ],
        whole("payments_refund", "state=due"),
    )  # fmt: skip


def kept(rows: list[Payment], user: Any) -> Section:
    """Return the payments whose money is gone and whose days still run."""
    about = _("Its days run until %(day)s.")
    return Section(
        "kept",
        _("Reversed, days kept"),
        _("The money is gone, and later coverage stands on the days. Ask for it again, or end the subscription."),
        [
            waiting(
                row, money(row), about % {"day": day_in_words(row.covers_to)},
                offers=[
                    *offers_on(row, user, confirm=_("Confirm")),
                    (_("Subscription"), reverse("admin:subscriptions_subscription_change", args=[row.subscription_id])),
                ],
            )
            for row in rows
        ],
        whole("payments_payment", "kept=yes"),
    )  # fmt: skip


def waiting(row: Any, amount: str, about: str, *, title: str = "", **links: list[Link]) -> Waiting:
    """Return a row of the queue; a link to the row's page stands at its beginning."""
    words = title or (spaced(row.reference) if isinstance(row, Payment) else str(row))
    return Waiting(row, (words, page_of(row)), row.user, amount, about, **links)


def received(receipt: Receipt | None) -> str:
    """Say when and with which evidence money came."""
    return f"{receipt}, {received_on(receipt)}" if receipt else ""


def received_on(receipt: Receipt) -> str:
    """Say when money came."""
    day = receipt.received_on or Moment.of(receipt.created_at).today
    return _("received %(day)s") % {"day": date_format(day)}


def offers_on(payment: Payment, user: Any, **acts: str) -> list[Link]:
    """Return links to the acts on a payment that the reader may do."""
    return [
        (words, reverse(f"admin:payments_payment_{act}", args=[payment.pk]))
        for act, words in acts.items()
        if user.has_perm(f"payments.{act}_payment")
    ]


def day_in_words(day: dt.date | None) -> str:
    """Return a day as people of the language write it."""
    return date_format(day) if day else "–"


def whole(model: str, query: str) -> str:
    """Return the address of the list with all of them."""
    return f"{reverse(f'admin:{model}_changelist')}?{query}"
