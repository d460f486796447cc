"""The side bar of the admin: what staff come for, first of all the payments that wait for them."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from billing_time.clock import Moment
from doctor.pages import RIGHT as DOCTOR
from payments.models import Payment
from payments.states import Status

COUNTED = 100


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
            item["badge"] = counted(item.pop("queue"))
    return shown


def money(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the links to payments and receipts."""
    waiting = Payment.objects.in_states([Status.PENDING], Moment.current())
    unapplied = Payment.objects.filter(unapplied=True)
    to = partial(link, request, "payments_payment", right="payments.view_payment")
    return [
        to(_("Payments waiting"), "hourglass_top", query="state=pending") | {"queue": waiting},
        to(_("Unapplied money"), "report", query="unapplied__exact=1") | {"queue": unapplied},
        to(_("Payments"), "payments"),
        link(request, "payments_receipt", _("Receipts"), "receipt_long", right="payments.view_receipt"),
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


def link(request: HttpRequest, model: str, title: str, icon: str, *, right: str, query: str = "") -> dict[str, Any]:
    """Return a link to a list; the one whose query is the page's own is the active one."""
    path = reverse(f"admin:{model}_changelist")
    inside = request.path.startswith(path)
    queues = ("state=pending", "unapplied__exact=1") if model == "payments_payment" else ()
    asked = next((queue for queue in queues if request.path == path and queue in request.GET.urlencode()), "")
    address = f"{path}?{query}" if query else path
    return {"title": title, "icon": icon, "link": address, "active": inside and asked == query, "right": right}


def counted(rows: Any) -> str:
    """Return how many rows wait, as a badge; nothing for none."""
    count = rows.order_by()[:COUNTED].count()
    return "" if not count else str(count) if count < COUNTED else f"{COUNTED - 1}+"
