"""How drf-spectacular sees the routes: what each reads and answers, and every problem that it can answer with.

A viewset says in the maps of `ApiViewSet` what its actions read, answer and refuse; all else follows from the route.
"""

import itertools
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent, force_instance, get_doc
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.pagination import BasePagination

from . import schema_fields  # its extensions register themselves
from .fields import DayField, IdField, IntegerField, StrictChoiceField, StrictSerializer, TextField
from .problems import IdempotencyInProgress, Problem
from .queries import DayParameter, IdParameter, ListQuery, TextParameter
from .repeats import HEADER, REPLAYED
from .schema_problems import PROBLEMS, problem_component, refusals_response, response_component

WRITES = {"POST", "PATCH"}
VERBS = {"GET": "get", "POST": "create", "PATCH": "update"}
DONE = {200: "Done, or found.", 201: "Made.", 204: "Done; the answer has no body."}
# Their type says all that there is to say.
PLAIN = {DayField, DayParameter, IdField, IdParameter, IntegerField, StrictChoiceField, TextField, TextParameter}
TEXT = {"type": "string"}
KEY_PARAMETERS = [
    OpenApiParameter(
        HEADER,
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        OpenApiParameter.HEADER,
        description="A name of your own for this request: sent again with it, the request is done once, and every "
        "repeat gets the first answer (2xx, 403, 404 or 409). It belongs to you and to this route.",
    ),
    OpenApiParameter(
        REPLAYED,
        {"type": "string", "const": "true"},
        OpenApiParameter.HEADER,
        description="Where it stands, the answer is the one that the first request got.",
        response=[200, 201, 204],
    ),
]
IF_MATCH = OpenApiParameter(
    "If-Match", TEXT, OpenApiParameter.HEADER, description="The `ETag` of the object as you saw it; else 412."
)
ETAG = OpenApiParameter(
    "ETag", TEXT, OpenApiParameter.HEADER, description="Changes with whatever the answer shows.", response=[200, 201]
)
BOUNDS = {
    "_after": "From this on, itself included.",
    "_from": "From this on, itself included.",
    "_before": "Before this.",
    "_to": "Before this.",
}


def in_order(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Return the endpoints in the order of the URLconf; Django knows none among the methods of a route."""
    by_route = itertools.groupby(endpoints, key=lambda endpoint: endpoint[0])
    return [endpoint for _path, methods in by_route for endpoint in sorted(methods, key=lambda found: found[2])]


class PageShape(BasePagination):
    """The shape of a page, for the schema; `ListQuery.page` makes the pages."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a page of such rows."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "description": "A page of a list; follow `next` until it is null.",
            "properties": {"next": link, "previous": link, "results": schema},
            "required": ["next", "previous", "results"],
        }


class ProblemSchema(AutoSchema):
    """Describes a route by the maps of its viewset, and adds the problems that the operation can answer with."""

    view: Any

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """Return the operation with all of its answers."""
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation:
            operation["responses"] |= self.problems()
        return operation

    # --- Names and words

    def get_operation_id(self) -> str:
        """Return the verb and its object, by the path: `list_payments`, `confirm_payment`, `cancel_subscription`."""
        parts = self.path.removeprefix("/api/").strip("/").split("/")
        plural, *verbs = [part.replace("-", "_") for part in parts if not part.startswith("{")]
        noun = plural if len(parts) == 1 and self.method == "GET" else plural.removesuffix("s")
        if self.lists():
            return f"{self.view.action.replace('list', f'list_{plural}', 1)}"
        if not verbs:
            return f"{VERBS[self.method]}_{noun}"
        verb = "_".join(verbs) if self.method == "POST" else f"{VERBS[self.method]}_{'_'.join(verbs)}"
        of = "_of" if len(verbs[-1].split("_")) > 1 else ""
        return f"{verb}{of}_{noun}" if len(parts) > 1 + len(verbs) else verb

    def get_summary(self) -> str:
        """Return the operation's name as people write it."""
        return self.get_operation_id().replace("_", " ").capitalize()

    def get_description(self) -> str:  # type: ignore[override]
        """Return what the action does, and the right that it needs."""
        right = self.view.rights.get(self.view.action)
        return super().get_description() + (f"\n\nNeeds the right `{right}`." if right else "")

    # --- What is read

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters of a list, and the headers beside the usual."""
        action = self.view.action
        return [
            *([self.view.queries[action]] if self.lists() else []),
            *(KEY_PARAMETERS if self.takes_key() else []),
            *([IF_MATCH] if action in self.view.expects else []),
            *([ETAG] if action in self.view.etags else []),
        ]

    def takes_key(self) -> bool:
        """Tell whether the action can be repeated under an `Idempotency-Key`."""
        return self.method == "POST" and bool(self.view.authentication_classes)

    def get_request_serializer(self) -> Any:
        """Return what the action reads."""
        return self.view.requests.get(self.view.action)

    def _get_request_body(self, direction: str = "request") -> Any:
        """Return the body, where the action reads one."""
        return super()._get_request_body(direction) if self.get_request_serializer() else None

    # --- What is answered

    def get_response_serializers(self) -> Any:
        """Return what the action answers, by status."""
        default = (201,) if self.view.action == "create" else (200,)
        statuses = self.view.answers.get(self.view.action, default)
        shown = self.view.serializer_class
        return {code: OpenApiResponse(None if code == 204 else shown, description=DONE[code]) for code in statuses}

    def lists(self) -> bool:
        """Tell whether the action answers with a page."""
        return self.view.action in self.view.queries

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.lists()

    def _get_paginator(self) -> BasePagination | None:
        return PageShape() if self.lists() else None

    def get_paginated_name(self, serializer_name: str) -> str:
        """Return the name of a page of such rows."""
        return f"{serializer_name}Page"

    def problems(self) -> dict[str, Any]:
        """Return the problems that the operation can answer with, by status; they share one shape."""
        self.register("Problem", ResolvedComponent.SCHEMA, problem_component())
        refusals = [
            *self.view.refusals.get(self.view.action, ()),
            *([IdempotencyInProgress] if self.takes_key() else []),
        ]
        statuses = self.statuses() | {cls.status_code for cls in refusals}
        return {str(status): self.problem(status, refusals) for status in sorted(statuses)}

    def problem(self, status: int, refusals: list[Any]) -> dict[str, Any]:
        """Return the answer of this status: a reference to the usual one, unless the action has codes of its own."""
        own = [cls for cls in refusals if cls.status_code == status and issubclass(cls, Problem)]
        if own:
            return refusals_response(status, own, usual=status in self.statuses())
        return self.register(PROBLEMS[status].name, ResolvedComponent.RESPONSE, response_component(status))

    def statuses(self) -> set[int]:
        """Return the statuses that follow from the route itself."""
        action, writes = self.view.action, self.method in WRITES
        reads = self.view.requests.get(action)
        fields = reads().fields if reads else {}
        objects = [name for name in fields if name.endswith("_id") and name != "user_id"]
        authenticated = bool(self.view.authentication_classes)
        found = {
            400: True,
            401: authenticated,
            403: authenticated and (action in self.view.rights or "user_id" in fields),
            404: "{" in self.path or objects,
            406: True,
            412: action in self.view.expects,
            413: writes,
            415: writes,
            422: self.takes_key(),
            429: getattr(self.view, "rate", ""),
            503: True,
        }
        return {status for status, applies in found.items() if applies}

    def register(self, name: str, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
        """Put a component into the document, once; return the reference to it."""
        component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)
        self.registry.register_on_missing(component)
        return component.ref

    # --- Serializers and fields

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Any:
        """Return the object's schema: a body takes no unknown fields, and an answer always has every field."""
        schema = super()._map_basic_serializer(serializer, direction)
        serializer = force_instance(serializer)
        if direction == "request" and isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        if direction == "response":
            always = isinstance(serializer, serializers.ModelSerializer)
            schema["required"] = [name for name, field in serializer.fields.items() if always or field.required]
        return schema

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:
        """Return the field's schema; every id has the same one."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.SerializerMethodField):
            schema.pop("description", None)  # it speaks to who reads the code
        if schema and schema.get("type") == "integer" and f"_{field.field_name}".endswith("_id"):
            schema |= schema_fields.ID
        return schema

    def _get_serializer_field_meta(self, field: Any, direction: str) -> dict[str, Any]:
        """Return what is said about the field beside its type."""
        meta = super()._get_serializer_field_meta(field, direction)
        meta.pop("title", None)
        if direction == "response":
            meta = {name: value for name, value in meta.items() if name not in {"default", "readOnly"}}
            return meta | ({"nullable": True} if field.default is None else {})
        return ({"description": words} if (words := described(field)) else {}) | meta


def described(field: Any) -> str:
    """Return what the field's class says of itself; of a parameter, also on which side of it the rows are."""
    plain = type(field) in PLAIN or type(field).__module__.startswith("rest_framework")
    is_parameter = isinstance(field.parent, ListQuery)
    bound = next((words for end, words in BOUNDS.items() if is_parameter and field.field_name.endswith(end)), "")
    return " ".join(filter(None, ("" if plain else get_doc(type(field)).replace("\n", " "), bound)))
