"""The WSGI application, as the web server loads it."""

import gc
import io
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from api.requests import Utf8Request, drain

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_project.settings")
# Only a server with many threads gains from a pool of connections; commands and tests take one each.
os.environ.setdefault("DATABASE_POOL", "on")

CHUNKED_BODY_LIMIT = 1024 * 1024

django_application = get_wsgi_application()
django_application.request_class = Utf8Request

# All that is loaded stays: load the routes too, and have the garbage collector never look at any of it again.
get_resolver().url_patterns  # noqa: B018  (a cached property)
gc.collect()
gc.freeze()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve one request; a chunked body, which has no length, is read up to a limit so that Django sees it at all."""
    if not environ.get("CONTENT_LENGTH") and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        body = environ["wsgi.input"].read(CHUNKED_BODY_LIMIT)
        drain(environ["wsgi.input"])
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = io.BytesIO(body)
    return django_application(environ, start_response)
