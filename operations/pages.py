"""What the pages for people share: the language that was chosen, and headers that keep to this server."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.views.defaults import page_not_found

View = Callable[..., HttpResponse]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


def page(view: View) -> View:
    """Show the view in the language of `?language=`, else of `Accept-Language`, and load nothing from elsewhere.

    What it does not find is answered with the page of any unknown address, with DEBUG on as well: Django's own page
    for developers would tell that something of the kind exists.
    """

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with translation.override(chosen_language(request)):
                response = view(request, *args, **kwargs)
                response.headers.setdefault("Content-Language", translation.get_language())
        except Http404 as missing:
            return page_not_found(request, missing)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return shown


def chosen_language(request: HttpRequest) -> str:
    """Return the language that the address asks for, if it is one of ours, else the one that the browser prefers."""
    asked = request.GET.get("language", "")
    return asked if asked in dict(settings.LANGUAGES) else translation.get_language() or settings.LANGUAGE_CODE
