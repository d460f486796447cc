"""The API's description as OpenAPI, and the two pages that show it; all of it comes from this server."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from rest_framework import permissions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer, TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

# ReDoc asks for a logo from its maker's network, and starts a worker from a blob; nothing else leaves this server.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Yaml(BaseRenderer):
    """YAML under its OpenAPI name, the default."""

    media_type, format = "application/vnd.oai.openapi+yaml", "yaml"


class YamlWithoutSuffix(Yaml):
    """The name that older tools know."""

    media_type = "application/vnd.oai.openapi"


class PlainYaml(Yaml):
    """YAML as such."""

    media_type = "application/yaml"


class OpenApiJson(BaseRenderer):
    """JSON under its OpenAPI name."""

    media_type, format = "application/vnd.oai.openapi+json", "json"


class PlainJson(OpenApiJson):
    """JSON as such."""

    media_type = "application/json"


class DocumentView(APIView):
    """A page for anyone, whatever `Authorization` says; its errors are problems in JSON."""

    authentication_classes = []
    permission_classes = [permissions.AllowAny]
    content_negotiation_class = DefaultContentNegotiation
    http_method_names = ["get", "head"]
    schema = None

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Have a problem rendered as JSON, for the page's own renderer makes something else."""
        if getattr(response, "exception", False):
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "application/json"
        return super().finalize_response(request, response, *args, **kwargs)


class SchemaView(DocumentView):
    """The document itself."""

    renderer_classes = [Yaml, YamlWithoutSuffix, PlainYaml, OpenApiJson, PlainJson]

    def get(self, request: Request) -> HttpResponse:
        """Return the document, in YAML unless JSON is asked for."""
        kind = request.accepted_renderer.format
        return HttpResponse(document(kind), content_type=f"{request.accepted_renderer.media_type}; charset=utf-8")


class Page(DocumentView):
    """A page that shows the document."""

    renderer_classes = [TemplateHTMLRenderer]
    template_name = ""

    def get(self, request: Request) -> Response:
        """Return the page."""
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return Response(template_name=self.template_name, headers=headers)


@cache
def document(kind: str) -> bytes:
    """Return the document as YAML or JSON. It is made once in a process, in English, as `docs/openapi.yaml` is."""
    renderer = OpenApiYamlRenderer() if kind == "yaml" else OpenApiJsonRenderer()
    with translation.override("en"):
        return renderer.render(SchemaGenerator().get_schema(request=None, public=True), renderer_context={})
