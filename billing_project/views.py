"""The pages that belong to no app: where to go, what a problem means, and whether the program is well."""

import sys

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from api.faults import leave_demoted, problem_of_database_error
from api.problems import Unavailable
from operations.pages import page
from payments import demo
from transactions.acting import OutcomeUnknown

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


def server_error(request: HttpRequest) -> HttpResponse:
    """Show the page for what nobody foresaw; where it is the database that is away or busy, say that, with 503."""
    error = sys.exception()
    known = problem_of_database_error(error) if isinstance(error, Error) else None
    if error is None or not isinstance(known, Unavailable):
        return defaults.server_error(request)
    leave_demoted(error)
    said = render_to_string("503.html", {"in_doubt": isinstance(error, OutcomeUnknown)})
    return HttpResponse(said, status=503, headers={"Retry-After": str(known.wait)})
