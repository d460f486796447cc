"""The pages that belong to no app: where to go, what a problem means, and whether the program is well."""

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from operations.pages import page
from payments import demo

from .explanations import explained


@page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this is and where to go; in development also the login that everybody knows."""
    login = {"admin": demo.ADMIN, "operator": demo.OPERATOR, "password": demo.PASSWORD}
    return render(request, "home.html", {"demo": login if settings.DEBUG else None})


@page
@require_safe
def problem(request: HttpRequest, slug: str) -> HttpResponse:
    """Explain what the `type` of a problem points to."""
    found = explained(slug.replace("-", "_"))
    if found is None:
        raise Http404
    return render(request, "problem.html", {"problem": found})


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process lives."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 where the database answers and no migration is missing, else 503."""
    try:
        executor = MigrationExecutor(connection)
        missing = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Error:
        return unready("database")
    return unready("migrations") if missing else JsonResponse({"status": "ok"})


def unready(what: str) -> HttpResponse:
    """Answer 503, naming what is missing."""
    return JsonResponse({"status": "unavailable", "missing": what}, status=503, headers={"Retry-After": "2"})
