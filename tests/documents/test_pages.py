import re

import pytest
import yaml
from django.contrib.staticfiles import finders

from api.documents import CONTENT_SECURITY_POLICY

PAGES = ["/api/docs", "/api/redoc"]
EVERYWHERE = ["/api/schema", *PAGES]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", [None, "*/*", BROWSER, "application/*"])
def test_the_schema_comes_as_yaml_unless_json_is_asked_for(anyone, accept):
    answer = anyone.get("/api/schema", **({"Accept": accept} if accept else {}))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+yaml; charset=utf-8"
    assert yaml.safe_load(answer.content)["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    "name", ["application/yaml", "application/vnd.oai.openapi", "application/vnd.oai.openapi+yaml"]
)
def test_the_schema_comes_as_yaml_under_each_of_its_names(anyone, name):
    answer = anyone.get("/api/schema", Accept=name)
    assert answer.headers["Content-Type"] == f"{name}; charset=utf-8"
    assert yaml.safe_load(answer.content)["paths"]


@pytest.mark.parametrize(
    "accept",
    ["application/json", "application/json,*/*", "application/vnd.oai.openapi+json", "application/json; q=0.9"],
)
def test_the_schema_comes_as_json_by_accept(anyone, accept):
    answer = anyone.get("/api/schema", Accept=accept)
    assert answer.headers["Content-Type"].partition(";")[0].endswith("json")
    assert answer.json()["openapi"].startswith("3.1")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accept", [None, "*/*", BROWSER, "text/html"])
def test_a_browser_gets_a_page(anyone, path, accept):
    answer = anyone.get(path, **({"Accept": accept} if accept else {}))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'url="/api/schema"' in answer.text or 'schema="/api/schema"' in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_no_other_host_and_all_its_files_are_here(anyone, path):
    page = anyone.get(path)
    assert not re.search(r"(?:https?:)?//[\w.]", page.text)
    files = re.findall(r'(?:src|href)="/static/([^"]+)"', page.text)
    assert len(files) >= 2
    assert all(finders.find(name) for name in files)
    assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("authorization", ["Token of-nobody", "Token", "Token \xff", "Basic YTpi"])
def test_whatever_authorization_says_anyone_may_read(anyone, path, authorization):
    assert anyone.get(path, Authorization=authorization).status_code == 200
    assert anyone.get(f"{path}/", Authorization=authorization).status_code == 200


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_a_problem_in_json(anyone, path, method):
    answer = anyone.request(method, path, {}, Accept=BROWSER)
    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(("path", "accept"), [("/api/schema", "image/png"), ("/api/docs", "application/json")])
def test_what_there_is_not_is_a_problem_in_json(anyone, path, accept):
    answer = anyone.get(path, Accept=accept)
    assert answer.status_code == 406
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_acceptable"


@pytest.mark.parametrize("path", EVERYWHERE)
def test_head_is_get_without_the_body(anyone, path):
    answer = anyone.request("HEAD", path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_schema_is_made_once(anyone, django_assert_num_queries):
    anyone.get("/api/schema")
    with django_assert_num_queries(0):
        anyone.get("/api/schema")
