"""The page of the admin that looks over the books when it is asked to."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing_time.clock import Moment

from .check import Finding
from .checks import CHECKS
from .visits import Result, visit

# Whoever reads what happened may ask whether it adds up.
RIGHT = "journal.view_event"
# Less than a worker may take for a request, however much there is to look at.
SECONDS = 15
MODELS = {
    "subscription": "subscriptions_subscription",
    "payment": "payments_payment",
    "receipt": "payments_receipt",
    "refund": "payments_refund",
    "reversal": "payments_reversal",
}
QUICK = [check for check in CHECKS if check.is_quick]


@permission_required(RIGHT, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def doctor_page(request: HttpRequest) -> HttpResponse:
    """Show a button and, once it is pressed, what the checks found."""
    request.current_app = admin.site.name
    context = admin.site.each_context(request) | {"title": _("Look over the books"), "checks": QUICK}
    if request.method == "POST":
        results = visit(QUICK, Moment.current(), seconds=SECONDS)
        context |= {"results": shown(results), "clean": sum(result.is_clean for result in results)}
    context |= {"slow": [check.name for check in CHECKS if not check.is_quick]}
    return render(request, "doctor/admin/doctor.html", context)


def shown(results: list[Result]) -> list[dict[str, Any]]:
    """Return what found something, or could not be run, errors first, as the page shows it."""
    unclean = sorted((each for each in results if not each.is_clean), key=lambda each: not each.is_error)
    return [
        {
            "result": each,
            "label": label_of(each),
            "variant": "danger" if each.is_error else "warning",
            "findings": [(finding, address_of(finding)) for finding in each.findings],
        }
        for each in unclean
    ]


def label_of(result: Result) -> str:
    """Return in a word how bad it is."""
    if result.failure:
        return _("not run")
    return _("error") if result.is_error else _("warning")


def address_of(finding: Finding) -> str:
    """Return the address of the object's page; nothing where it has none."""
    model = MODELS.get(finding.object_type)
    try:
        return reverse(f"admin:{model}_change", args=[finding.object_id]) if model else ""
    except NoReverseMatch:
        return ""
