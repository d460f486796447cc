"""The request as the server hands it over."""

from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters

DRAIN_LIMIT = 16 * 1024 * 1024
DRAIN_CHUNK = 64 * 1024


class Utf8Request(WSGIRequest):
    """Reads queries and forms as UTF-8, whatever charset `Content-Type` names.

    Django would decode them with any codec of Python's: some raise before a view could answer, others make a NUL.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            meta["CONTENT_TYPE"] = ""
            self.content_type, self.content_params = "", {}


def drain(stream: Any) -> None:
    """Read on to the end, within reason: who is still sending would find the connection reset, and miss the answer."""
    left = DRAIN_LIMIT
    while left > 0 and (chunk := stream.read(DRAIN_CHUNK)):
        left -= len(chunk)
