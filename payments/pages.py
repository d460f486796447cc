"""The page that a customer pays from: what, to whom, with which reference, and whether the money has been confirmed."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing_time.clock import Moment

from .models import Payment

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"


def checkout_url(payment: Payment, request: Any) -> str:
    """Return the absolute address of the payment's page."""
    path = reverse("checkout", args=[payment.page_key])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


@never_cache
@require_safe
def checkout_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show how to pay. The key of 128 bits is the secret: a guessed address is like any that does not exist."""
    payment = get_object_or_404(Payment.objects.select_related("plan", "subscription"), page_key=key)
    context = {
        "payment": payment,
        "status": payment.status_at(Moment.current()),
        "payee": settings.PAYEE,
        "reference": spaced(payment.reference),
    }
    response = render(request, "payments/checkout.html", context)
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def spaced(reference: str) -> str:
    """Return the reference in groups of four, as people copy it."""
    return " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))
