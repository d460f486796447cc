"""Django's middleware for pages, which a request below `/api` passes by: it has no session, cookie or form."""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware

from .handlers import is_api


class PagesOnly:
    """Makes a middleware step aside for the API."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request) if is_api(request) else super().__call__(request)  # type: ignore[misc]


class PageSessionMiddleware(PagesOnly, SessionMiddleware):
    """Sessions, for pages."""


class PageAuthenticationMiddleware(PagesOnly, AuthenticationMiddleware):
    """Who is logged in by their session, for pages."""


class PageMessageMiddleware(PagesOnly, MessageMiddleware):
    """Messages to whoever is logged in, for pages."""


class PageStaticFilesMiddleware(PagesOnly, WhiteNoiseMiddleware):
    """Static files, for pages."""
