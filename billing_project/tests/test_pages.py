import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from billing_project.explanations import EXPLANATIONS, all_codes

KNOWN = sorted(all_codes())


def test_the_start_page_says_where_to_go(anyone):
    shown = anyone.get("/").content.decode()
    for address in ("/api/docs", "/api/redoc", "/api/schema", "/admin/"):
        assert f'href="{address}"' in shown


@pytest.mark.parametrize("debug", [True, False])
def test_the_demo_login_stands_there_in_development_only(anyone, settings, debug):
    settings.DEBUG = debug
    assert ("try-the-demo" in anyone.get("/").content.decode()) is debug


def test_it_needs_no_database(client):
    assert Client().get("/", headers={"Host": "localhost"}).status_code == 200


@pytest.mark.parametrize("code", KNOWN)
def test_every_code_that_the_api_answers_is_explained(anyone, code):
    answer = anyone.get(f"/problems/{code.replace('_', '-')}")
    assert answer.status_code == 200
    assert f"<code>{code}</code>" in answer.content.decode()
    assert code in EXPLANATIONS, "say in billing_project/explanations.py what it means and what to do"
    assert "What to do" in answer.content.decode()


def test_the_type_of_a_problem_leads_to_its_page(anyone):
    problem = anyone.post("/api/auth/login", {"username": "nobody", "password": "wrong password"}).json()
    path = problem["type"].removeprefix("http://localhost")
    assert problem["title"] in anyone.get(path).content.decode()


@pytest.mark.parametrize("slug", ["nonsense", "amount-mismatch-2", "__class__"])
def test_an_unknown_problem_is_404(anyone, slug):
    assert anyone.get(f"/problems/{slug}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/problems/amount-mismatch"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_pages_have_a_language_and_a_switch(anyone, path, language):
    for answer in (anyone.get(path, Accept_Language=language), anyone.get(f"{path}?language={language}")):
        shown = answer.content.decode()
        assert f'<html lang="{language}">' in shown
        assert answer["Content-Language"] == language
        assert {"English", "Русский"} <= set(re.findall(r"English|Русский", shown))
        assert 'name="viewport"' in shown


def test_pages_load_nothing_from_elsewhere(anyone):
    answer = anyone.get("/")
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    for name in re.findall(r'(?:src|href)="/static/([^"]+)"', answer.content.decode()):
        assert finders.find(name), name


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/no/such/page", {}, 404, "There is nothing here"),
        ("/?x=%00", {}, 400, "The request was not understood"),
        ("/", {"Host": "elsewhere.example.org"}, 400, "The request was not understood"),
    ],
)
def test_people_get_pages_for_errors(db, path, headers, status, words):
    answer = Client(HTTP_HOST="localhost", raise_request_exception=False).get(path, headers=headers)
    assert answer.status_code == status
    assert f"<h1>{words}</h1>" in answer.content.decode()


def test_a_form_without_its_token_gets_a_page(db):
    answer = Client(HTTP_HOST="localhost", enforce_csrf_checks=True).post("/admin/login/", {"username": "x"})
    assert answer.status_code == 403
    assert "<h1>The form was not accepted</h1>" in answer.content.decode()


@pytest.mark.parametrize("fault", [PermissionError, "forbidden"])
def test_faults_and_refusals_get_pages(anyone, monkeypatch, fault):
    from django.core.exceptions import PermissionDenied

    def fail(_request):
        raise PermissionDenied if fault == "forbidden" else fault

    monkeypatch.setattr("billing_project.views.render", lambda *_: fail(None))
    answer = anyone.get("/")
    words = "This is not for you" if fault == "forbidden" else "Something went wrong here"
    assert f"<h1>{words}</h1>" in answer.content.decode()
