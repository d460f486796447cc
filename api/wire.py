"""JSON in and out: strict about what is read, JSON alone is written."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotAcceptable, ParseError, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from .problems import PayloadTooLarge
from .requests import drain

BOM = b"\xef\xbb\xbf"

BODY_LIMIT = 64 * 1024
DEPTH_LIMIT = 32
DIGITS_LIMIT = 40
# From the most to the least telling; a range with q=0 is what the caller does not want.
ACCEPTABLE = ("application/json", "application/*", "*/*", "application/problem+json")
REFUSED = re.compile(r";\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)", re.ASCII | re.IGNORECASE)
# Possessive, and content with a missing end: otherwise a body of `\\"` and no end takes quadratic time.
STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


class JSONNegotiation(DefaultContentNegotiation):
    """Whoever accepts JSON or problems gets JSON; everyone else 406."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the JSON renderer for what `Accept` says."""
        if not accepts_json(request.META.get("HTTP_ACCEPT", "")):
            raise NotAcceptable
        return renderers[0], "application/json"


def accepts_json(accept: str) -> bool:
    """Tell whether an `Accept` header lets JSON pass; an empty one lets everything pass."""
    wanted: dict[str, bool] = {}
    for entry in filter(str.strip, accept.split(",")):
        media_range = entry.partition(";")[0].strip().lower()
        wanted[media_range] = wanted.get(media_range, False) or not REFUSED.search(entry)
    return not wanted or next((wanted[name] for name in ACCEPTABLE if name in wanted), False)


class JSONRenderer(BaseRenderer):
    """Writes JSON, in UTF-8: instants end in `Z`, and lazy texts are in the language of the request."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Return the bytes of the answer; of one without a body, none."""
        return b"" if data is None else orjson.dumps(data, default=text_of, option=orjson.OPT_UTC_Z)


def text_of(value: Any) -> str:
    """Return a lazy text in the language of the request; nothing else that JSON does not know is meant to be shown."""
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not shown in answers.")


class StrictJSONParser(BaseParser):
    """Declares `application/json` to DRF and to the schema; `read_object` does the reading."""

    media_type = "application/json"


def read_object(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object; nothing at all is the same as `{}`, whatever its Content-Type.

    Raise 413 over 64 KiB, 415 for what does not call itself JSON in UTF-8, 400 for what is no JSON object.
    """
    raw = read_limited(request)
    if not raw.removeprefix(BOM).strip():
        return {}
    check_content_type(request)
    value = parse(raw)
    if not isinstance(value, dict):
        raise ParseError(_("The body must be a JSON object."))
    return value


def read_limited(request: Request) -> bytes:
    """Return the raw body, never more than the limit."""
    raw = request._request.read(BODY_LIMIT + 1)
    if len(raw) > BODY_LIMIT:
        drain(request._request)
        raise PayloadTooLarge
    return raw


def check_content_type(request: Request) -> None:
    """Raise 415 unless the body calls itself JSON, and UTF-8 where it names a charset."""
    media_type, _semicolon, parameters = (request.content_type or "").partition(";")
    charset = re.search(r'charset\s*=\s*"?([^";\s]+)', parameters, re.IGNORECASE)
    utf8 = charset is None or charset[1].lower() in {"utf-8", "utf8"}
    if media_type.strip().lower() != "application/json" or not utf8:
        raise UnsupportedMediaType(request.content_type or "")


def check_query(request: HttpRequest) -> None:
    """Raise 400 for a query that is not UTF-8, or contains NUL: PostgreSQL can hold neither."""
    try:
        query = unquote_to_bytes(request.META.get("QUERY_STRING", "").encode("latin-1")).decode()
    except ValueError:
        raise BadRequest(_("The query is not UTF-8.")) from None
    if "\0" in query:
        raise BadRequest(_("The query contains a NUL character."))


def parse(raw: bytes) -> Any:
    """Return the value that `raw` is in strict JSON: no duplicate keys, NaN, NUL, lone surrogate or deep nesting."""
    try:
        text = raw.decode("utf-8-sig")
        check_depth(text)
        value = json.loads(
            text,
            object_pairs_hook=unique_keys,
            parse_constant=refuse_constant,
            parse_float=read_decimal,
            parse_int=read_integer,
        )
        for string in strings(value):
            string.encode()
            if "\0" in string:
                raise ParseError(_("The body contains a NUL character."))
    except ValueError:
        raise ParseError(_("The body is not valid JSON in UTF-8.")) from None
    return value


def check_depth(text: str) -> None:
    """Raise 400 for brackets nested deeper than any request needs, before the recursive parser sees them."""
    depth = 0
    for character in STRINGS.sub("", text):
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if depth > DEPTH_LIMIT:
            raise ParseError(_("The body is nested too deeply."))


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dictionary; a key that stands twice is an error, for readers disagree which one counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ParseError(_("The body names a key twice."))
    return found


def refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ParseError(_("%(name)s is not JSON.") % {"name": name})


def read_decimal(literal: str) -> Decimal:
    """Return a fraction exactly as written."""
    if len(literal) > DIGITS_LIMIT:
        raise ParseError(_("A number has too many digits."))
    try:
        return Decimal(literal)
    except InvalidOperation:
        raise ParseError(_("A number is out of range.")) from None


def read_integer(literal: str) -> int:
    """Return an integer of a sane length; thousands of digits cost more than they say."""
    if len(literal) > DIGITS_LIMIT:
        raise ParseError(_("A number has too many digits."))
    return int(literal)


def strings(value: Any) -> Iterator[str]:
    """Yield every string in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
