"""The side bar of the admin: what staff come for, first of all the payments that wait for them."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from billing_time.clock import Moment
from doctor.pages import RIGHT as DOCTOR
from payments.admin.queue import waiting_rows
from payments.models import Payment
from payments.states import Status

COUNTED = 100
# What of a model's list stands in the side bar by itself, and which pages beside the list.
QUEUES = {"payments_payment": ("state=pending", "unapplied__exact=1"), "payments_refund": ("state=due",)}
PAGES = {"payments_payment": ("queue/",), "payments_receipt": ("statement/",)}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links, each with those that the reader may open."""
    return [
        {"title": _("Money"), "items": allowed(request, money(request))},
        {"title": _("What is sold"), "separator": True, "items": allowed(request, sold(request))},
        {"title": _("People"), "separator": True, "items": allowed(request, people(request))},
        {"title": _("The books"), "separator": True, "items": allowed(request, books(request))},
        {"title": _("For programs"), "separator": True, "items": documents(request)},
    ]


def allowed(request: HttpRequest, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the links to what the reader may look at, with the queues counted."""
    shown = [item for item in items if request.user.has_perm(item["right"])]
    for item in shown:
        if "queue" in item:
            item["badge"] = counted(*item.pop("queue"))
    return shown


def money(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the links to what waits for staff, to payments and to all that happened to their money."""
    moment = Moment.current()
    waits = waiting_rows(moment)
    pending = Payment.objects.in_states([Status.PENDING], moment)
    to = partial(link, request, "payments_payment", right="payments.view_payment")
    refunds = partial(link, request, "payments_refund", right="payments.view_refund")
    receipts = partial(link, request, "payments_receipt", right="payments.view_receipt")
    return [
        to(_("Payments waiting"), "hourglass_top", query="state=pending") | {"queue": [pending]},
        to(_("Late and double money"), "inbox", page="queue/") | {"queue": list(waits.values())},
        to(_("Unapplied money"), "report", query="unapplied__exact=1") | {"queue": [waits["unapplied"]]},
        refunds(_("Refunds to pay out"), "outbox", query="state=due") | {"queue": [waits["due"]]},
        to(_("Payments"), "payments"),
        receipts(_("Receipts"), "receipt_long"),
        refunds(_("Refunds"), "undo"),
        link(request, "payments_reversal", _("Reversals"), "block", right="payments.view_reversal"),
        receipts(_("Bank statement"), "account_balance", page="statement/"),
    ]


def sold(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the links to subscriptions and plans."""
    to = partial(link, request)
    return [
        to("subscriptions_subscription", _("Subscriptions"), "autorenew", right="subscriptions.view_subscription"),
        to("subscriptions_plan", _("Plans"), "sell", right="subscriptions.view_plan"),
    ]


def people(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the links to users, groups and what they did."""
    return [
        link(request, "accounts_user", _("Users"), "person", right="accounts.view_user"),
        link(request, "auth_group", _("Groups"), "group", right="auth.view_group"),
        link(request, "journal_event", _("Journal"), "history", right="journal.view_event"),
    ]


def books(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the link to the page that looks over the books."""
    address = reverse("doctor")
    active = request.path.startswith(address)
    title = _("Look over the books")
    return [{"title": title, "icon": "stethoscope", "link": address, "active": active, "right": DOCTOR}]


def documents(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the links to what describes the API."""
    if not request.user.is_authenticated:
        return []
    return [{"title": _("API documentation"), "icon": "api", "link": reverse("docs"), "active": False}]


def link(
    request: HttpRequest, model: str, title: str, icon: str, *, right: str, query: str = "", page: str = ""
) -> dict[str, Any]:
    """Return a link to a list, or to a page beside it; the one that leads to where the reader is is the active one."""
    path = reverse(f"admin:{model}_changelist")
    address = f"{path}{page}" + (f"?{query}" if query else "")
    active = request.path.startswith(path) and where(request, path, model) == (page or query)
    return {"title": title, "icon": icon, "link": address, "active": active, "right": right}


def where(request: HttpRequest, path: str, model: str) -> str:
    """Return which of a model's queues or other pages a request is about; nothing for its list and its rows."""
    if request.path == path:
        return next((queue for queue in QUEUES.get(model, ()) if queue in request.GET.urlencode()), "")
    return next((page for page in PAGES.get(model, ()) if request.path == f"{path}{page}"), "")


def counted(*queues: Any) -> str:
    """Return how many rows wait, as a badge; nothing for none."""
    count = sum(rows.order_by()[:COUNTED].count() for rows in queues)
    return "" if not count else str(count) if count < COUNTED else f"{COUNTED - 1}+"
