"""The problems in the schema: one shape, one shared answer per status, and the codes that an action adds."""

from dataclasses import dataclass, field
from typing import Any

from .expectations import PreconditionFailed
from .handlers import CODES, CONTENT_TYPE, TITLES
from .problems import IdempotencyInProgress, IdempotencyKeyReused, PayloadTooLarge, Problem, Unavailable

RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
CHALLENGE = {"WWW-Authenticate": {"description": "Always `Token`.", "schema": {"type": "string"}}}


@dataclass(frozen=True)
class Shared:
    """What any operation answers with a status."""

    name: str
    description: str
    headers: dict[str, Any] = field(default_factory=dict)


PROBLEMS = {
    400: Shared("BadRequest", "The body or a parameter is malformed; `errors` names each field that is wrong."),
    401: Shared("Unauthorized", "No token, or one that does not work.", CHALLENGE),
    403: Shared("Forbidden", "The caller has no right to do this, or not for this user."),
    404: Shared("NotFound", "There is no such object, or the caller may not see it."),
    406: Shared("NotAcceptable", "`Accept` allows no JSON."),
    412: Shared("PreconditionFailed", "`If-Match` names no present version of the object. Nothing has changed."),
    413: Shared("PayloadTooLarge", "The body is larger than 64 KiB."),
    415: Shared("UnsupportedMediaType", "The body is not `application/json` in UTF-8."),
    422: Shared("KeyReused", "The same `Idempotency-Key` came with another body before. Nothing has changed."),
    429: Shared("TooManyRequests", "Too many requests from this address, or for this name.", RETRY_AFTER),
    503: Shared(
        "Unavailable",
        "The database is away or busy: try again. Nothing has changed, unless `detail` says that the outcome is not "
        "known; the same request with the same `Idempotency-Key` or the same facts does no harm.",
        RETRY_AFTER,
    ),
}
OWN = (PreconditionFailed, PayloadTooLarge, IdempotencyKeyReused, Unavailable)
OWN_TITLES = {cls.status_code: (cls.code, cls.title) for cls in OWN}


def problem_component() -> dict[str, Any]:
    """Return the schema of every error (RFC 9457)."""
    text = {"type": "string"}
    error = {"type": "object", "properties": {"field": text, "code": text, "detail": text}}
    return {
        "type": "object",
        "description": "Why a request was refused (RFC 9457). `code` never changes; some codes add members.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "A page that explains the code."},
            "title": {"type": "string", "description": "The kind of problem, in the language of `Accept-Language`."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"type": "string", "description": "What a program decides by."},
            "detail": {"type": "string", "description": "What is wrong this time, in the language of the caller."},
            "request_id": {"type": "string", "description": "Names this request in the logs; also `X-Request-Id`."},
            "errors": {
                "type": "array",
                "description": "With 400: every field that is wrong; `field` is empty for the body as a whole.",
                "items": error | {"required": ["field", "code", "detail"]},
            },
        },
        "required": ["type", "title", "status", "code", "detail", "request_id"],
    }


def response_component(status: int) -> dict[str, Any]:
    """Return the answer that any operation gives with this status."""
    return described(status, PROBLEMS[status].description, {"example": usual_example(status)})


def refusals_response(status: int, own: list[type[Problem]], *, usual: bool) -> dict[str, Any]:
    """Return the answer of an action with codes of its own, beside the usual one where that applies as well."""
    problems = [usual_example(status)] if usual else []
    problems += [example(status, cls.code, cls.title) for cls in own]
    listed = "\n".join(f"- `{problem['code']}`: {problem['title']}" for problem in problems)
    examples = {problem["code"]: {"value": problem} for problem in problems}
    headers = RETRY_AFTER if IdempotencyInProgress in own else {}
    words = f"Nothing has changed. `code` is one of:\n\n{listed}"
    return described(status, words, {"examples": examples}, headers)


def described(
    status: int, description: str, examples: dict[str, Any], headers: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return an answer of this status, with the headers that it owes."""
    headers = headers or (PROBLEMS[status].headers if status in PROBLEMS else {})
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}} | examples}
    return ({"headers": headers} if headers else {}) | {"description": description, "content": content}


def usual_example(status: int) -> dict[str, Any]:
    """Return the problem that the status usually stands for."""
    code, title = OWN_TITLES[status] if status in OWN_TITLES else (CODES[status], TITLES[status])
    errors = [{"field": "plan_name", "code": "unknown", "detail": "There is no such plan."}]
    return example(status, code, title) | ({"errors": errors} if status == 400 else {})


def example(status: int, code: str, title: Any) -> dict[str, Any]:
    """Return a problem as it comes."""
    return {
        "type": f"https://billing.example.com/problems/{code.replace('_', '-')}",
        "title": str(title),
        "status": status,
        "code": code,
        "detail": f"{title}.",
        "request_id": "5f1b6f6f0f5c4f3e9a7d2c11",
    }
