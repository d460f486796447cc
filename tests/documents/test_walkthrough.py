"""What docs/api.md says in curl and in Python is done as it stands, against the real server."""

import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.urls import get_resolver

from api.handlers import CODES
from api.problems import Problem
from subscriptions.models import Subscription

from .blocks import blocks, script

on_the_server = pytest.mark.django_db(transaction=True, serialized_rollback=True)
ENGLISH = (settings.BASE_DIR / "docs" / "api.md").read_text()


@on_the_server
@pytest.mark.curl
def test_the_documented_curl_does_the_main_job(server, demo):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script("sh", server)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    assert '"status":"active","has_access":true' in done.stdout
    assert Subscription.objects.get().user.username == "nina"


@on_the_server
def test_the_documented_python_does_the_main_job(server, demo):
    done = subprocess.run([sys.executable, "-c", script("python", server)], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("active\n", 0), done.stderr
    assert Subscription.objects.get().user.username == "rosa"


def test_the_russian_document_has_the_same_commands():
    for language in ("sh", "powershell", "python"):
        assert blocks(language, "api.ru.md") == blocks(language)


@pytest.mark.parametrize("name", ["api.md", "api.ru.md"])
def test_every_code_of_a_problem_is_explained(name):
    assert get_resolver().url_patterns  # which imports every view, and with it every problem
    codes = {cls.code for cls in known_problems(Problem)} | set(CODES.values())
    explained = re.findall(r"^\| \d{3} \| `(\w+)` \|", (settings.BASE_DIR / "docs" / name).read_text(), re.MULTILINE)
    assert set(explained) == codes


def known_problems(cls):
    yield cls
    for below in cls.__subclasses__():
        yield from known_problems(below)


def test_the_document_names_only_paths_that_exist():
    openapi = (settings.BASE_DIR / "docs" / "openapi.yaml").read_text()
    known = set(re.findall(r"^  (/api/\S*):$", openapi, re.MULTILINE)) | {"/api/docs", "/api/redoc", "/api/schema"}
    named = set(re.findall(r"/api/[\w/{}$().'\[\]-]*", ENGLISH))
    plain = {re.sub(r"\$\(?\$?[\w.]+\)?|\{[\w'\[\]]+\}", "{}", path) for path in named}
    assert plain <= {re.sub(r"\{\w+\}", "{}", path) for path in known}
