import inspect
import json
import re

import jsonschema
import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.urls import get_resolver
from django.utils import translation
from drf_spectacular.validation import validate_schema

from api.documents import document
from api.problems import Problem
from api.views import ApiViewSet
from billing_project.examples import EXAMPLES

WRITTEN = settings.BASE_DIR / "docs" / "openapi.yaml"
# Pages for people and the document itself: no operation of the API.
DOCUMENTS = {"/api/schema", "/api/docs", "/api/redoc"}
WITHOUT_BODY = {"StrictSerializer"}


@pytest.fixture(scope="module")
def schema():
    return json.loads(document("json"))


def operations_of(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def routes(resolver=None, prefix="/"):
    """Yield each path below /api as the schema writes it, with the viewset's class and what its methods do."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern, path)
        elif path.startswith("/api"):
            named = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path).replace("{pk}", "{id}")
            yield named, pattern.callback.cls, getattr(pattern.callback, "actions", {"get": "get"})


def actions():
    """Yield each viewset of the API with the names of its actions that are routed."""
    for _path, view, methods in routes():
        if issubclass(view, ApiViewSet):
            for action in methods.values():
                yield view, action


def resolved(schema, node):
    if "$ref" not in node:
        return node
    found = schema
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def is_valid(schema, node, value):
    """Raise ValidationError unless the value is what the part of the document describes."""
    jsonschema.Draft202012Validator(
        {"components": schema["components"]} | node, format_checker=jsonschema.FormatChecker()
    ).validate(value)


# --- The document


def test_the_written_document_is_what_the_code_gives(tmp_path):
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", file=str(made))
    assert WRITTEN.read_text() == made.read_text(), "Run `make schema`, and look at what changed."


def test_the_document_is_valid_openapi_3_1():
    written = yaml.safe_load(WRITTEN.read_text())
    assert written["openapi"].startswith("3.1.")
    validate_schema(written)


def test_the_document_that_is_served_is_the_written_one():
    assert document("yaml") == WRITTEN.read_bytes()


def test_the_document_is_the_same_whatever_language_is_active(schema):
    with translation.override("ru"):
        assert json.loads(document.__wrapped__("json")) == schema


def test_every_route_of_the_api_is_in_the_document_with_every_method_and_no_other(schema):
    described = {(path, method) for path, method, _ in operations_of(schema)}
    routed = {(path, method) for path, _view, methods in routes() for method in methods if path not in DOCUMENTS}
    routed = {(path, method) for path, method in routed if method != "head"}
    assert described == routed


def test_every_operation_has_a_name_of_its_own_that_reads_well(schema):
    names = [operation["operationId"] for _, _, operation in operations_of(schema)]
    assert len(set(names)) == len(names)
    assert {"register", "login", "list_subscriptions_of_user", "create_checkout_session", "confirm_payment"} <= set(
        names
    )
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in names)


def test_every_operation_has_its_words_and_a_tag_that_is_described(schema):
    tags = {tag["name"] for tag in schema["tags"]}
    for path, _method, operation in operations_of(schema):
        assert operation["summary"], path
        assert operation["description"], path
        assert set(operation["tags"]) <= tags, path


def test_every_id_in_a_path_is_a_positive_integer_of_64_bits(schema):
    for path, _method, operation in operations_of(schema):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" and parameter["name"].endswith("id"):
                found = parameter["schema"]
                assert (found["type"], found["format"], found["minimum"]) == ("integer", "int64", 1), path


# --- Answers


def test_every_operation_lists_the_statuses_that_follow_from_its_route(schema):
    for path, method, operation in operations_of(schema):
        listed = set(operation["responses"])
        where = f"{method} {path}"
        assert {"400", "406", "503"} <= listed, where
        assert ("401" in listed) == (operation["security"] != [{}]) or path.endswith("/login"), where
        assert ({"413", "415"} <= listed) == (method in {"post", "patch"}), where
        assert "404" in listed or "{" not in path, where


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("register", {201, 400, 406, 413, 415, 429, 503}),
        ("login", {200, 400, 401, 406, 413, 415, 429, 503}),
        ("logout", {204, 400, 401, 406, 413, 415, 503}),
        ("list_plans", {200, 400, 406, 503}),
        ("get_plan", {200, 400, 404, 406, 503}),
        ("create_subscription", {201, 400, 401, 403, 406, 409, 413, 415, 503}),
        ("list_subscriptions_of_user", {200, 400, 401, 404, 406, 503}),
        ("create_checkout_session", {200, 201, 400, 401, 403, 404, 406, 409, 413, 415, 503}),
        ("confirm_payment", {200, 400, 401, 403, 404, 406, 409, 413, 415, 503}),
        ("list_payments", {200, 400, 401, 406, 503}),
    ],
)
def test_an_operation_of_the_main_job_lists_exactly_what_it_answers(schema, name, statuses):
    listed = {operation["operationId"]: operation["responses"] for _, _, operation in operations_of(schema)}[name]
    assert statuses <= {int(status) for status in listed}
    # What section 5 of the contract adds to every write, where it is there: a stale `If-Match`, another body for a key.
    assert {int(status) for status in listed} - statuses <= {409, 412, 422}


def test_every_refusal_is_a_problem_in_problem_json_with_a_valid_example(schema):
    for path, _method, operation in operations_of(schema):
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                ((content_type, body),) = resolved(schema, response)["content"].items()
                assert content_type == "application/problem+json"
                assert body["schema"] == {"$ref": "#/components/schemas/Problem"}
                for problem in examples_of(body):
                    is_valid(schema, body["schema"], problem)
                    assert problem["status"] == int(status), path
                    assert status != "400" or problem["errors"]


def test_who_must_wait_or_log_in_is_told_so_in_a_header(schema):
    for _path, _method, operation in operations_of(schema):
        for status, header in {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}.items():
            if response := operation["responses"].get(status):
                assert header in resolved(schema, response)["headers"]


def test_whoever_is_logged_in_can_name_a_post_to_repeat_it_and_nobody_else_can(schema):
    for path, method, operation in operations_of(schema):
        named = {parameter["name"] for parameter in operation.get("parameters", [])}
        takes_key = method == "post" and operation["security"] != [{}]
        assert ("Idempotency-Key" in named) == takes_key, path
        assert ("422" in operation["responses"]) == takes_key, path
        if takes_key:
            done = next(response for status, response in operation["responses"].items() if status.startswith("2"))
            assert "Idempotent-Replayed" in done["headers"]
            assert "`idempotency_in_progress`" in operation["responses"]["409"]["description"]
            assert "Retry-After" in operation["responses"]["409"]["headers"]


def test_a_view_that_honours_if_match_says_so():
    with override_settings(ROOT_URLCONF="api.tests.counting"):
        schema = json.loads(document.__wrapped__("json"))
    post, get = schema["paths"]["/api/counts"]["post"], schema["paths"]["/api/counts/{name}"]["get"]
    assert {"If-Match", "Idempotency-Key"} <= {parameter["name"] for parameter in post["parameters"]}
    assert "412" in post["responses"]
    assert "ETag" in get["responses"]["200"]["headers"]


def test_every_code_of_a_refusal_stands_in_the_description_of_its_status(schema):
    described = {operation["operationId"]: operation for _, _, operation in operations_of(schema)}
    confirm = described["confirm_payment"]["responses"]
    for code in ("amount_mismatch", "payment_not_pending", "confirmed_differently", "evidence_already_used"):
        assert f"`{code}`" in confirm["409"]["description"]
    assert "`own_payment`" in confirm["403"]["description"]


def test_every_refusal_that_a_view_names_exists():
    for view, action in actions():
        for refusal in view.refusals.get(action, ()):
            assert refusal.status_code >= 400
            assert not issubclass(refusal, Problem) or refusal.code != Problem.code


def test_a_page_has_the_two_links_and_the_rows(schema):
    pages = {name: found for name, found in schema["components"]["schemas"].items() if name.endswith("Page")}
    assert {"PlanPage", "SubscriptionPage", "PaymentPage"} <= set(pages)
    assert all(list(page["properties"]) == ["next", "previous", "results"] for page in pages.values())


def test_an_answer_always_has_every_field(schema):
    for name in ("User", "Plan", "Subscription", "Payment"):
        component = schema["components"]["schemas"][name]
        assert component["required"] == list(component["properties"])


# --- What is read


def test_every_body_and_every_answer_has_a_valid_example(schema):
    for path, method, operation in operations_of(schema):
        for response in (operation.get("requestBody", {}), *operation["responses"].values()):
            for body in resolved(schema, response).get("content", {}).values():
                assert examples_of(body), f"{method} {path}: add an example to billing_project/examples.py"
                for example in examples_of(body):
                    is_valid(schema, body["schema"], example)


def test_every_example_is_one_of_a_component_that_exists(schema):
    assert set(EXAMPLES) <= set(schema["components"]["schemas"])


def examples_of(body):
    found = [body["example"]] if "example" in body else []
    return found + [example["value"] for example in body.get("examples", {}).values()]


def test_a_body_takes_no_field_that_it_does_not_know(schema):
    for path, _method, operation in operations_of(schema):
        for body in operation.get("requestBody", {}).get("content", {}).values():
            assert resolved(schema, body["schema"])["additionalProperties"] is False, path


def test_what_a_view_reads_is_what_it_says_that_it_reads():
    """The maps of a viewset make the schema; its methods do the reading. Neither may change without the other."""
    for view, action in actions():
        source = inspect.getsource(getattr(view, action))
        read = set(re.findall(r"self\.validated\((\w+)\)", source)) - WITHOUT_BODY
        queried = set(re.findall(r"(\w+)\.of\(self\)", source))
        where = f"{view.__name__}.{action}"
        assert read == {view.requests[action].__name__} if action in view.requests else not read, where
        assert queried == {view.queries[action].__name__} if action in view.queries else not queried, where


def test_a_view_says_nothing_about_actions_that_it_has_not():
    for view, _action in actions():
        named = {*view.rights, *view.requests, *view.queries, *view.answers, *view.refusals, *view.expects, *view.etags}
        assert all(callable(getattr(view, action, None)) for action in named), view.__name__


@pytest.mark.parametrize("name", ["list_payments", "list_subscriptions", "list_subscriptions_of_user"])
def test_the_states_that_a_list_can_be_narrowed_to_are_spelled_out(schema, name):
    operation = {operation["operationId"]: operation for _, _, operation in operations_of(schema)}[name]
    status = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}["status"]
    assert re.fullmatch(status["pattern"], "pending,expired")
    assert not re.fullmatch(status["pattern"], "pending,unheard_of")


def test_a_list_names_its_orderings_and_the_bounds_of_a_page(schema):
    operation = {operation["operationId"]: operation for _, _, operation in operations_of(schema)}["list_payments"]
    parameters = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    assert {"id", "-id", "amount", "-amount", "confirmed_at"} <= set(parameters["ordering"]["enum"])
    assert (parameters["page_size"]["minimum"], parameters["page_size"]["maximum"]) == (1, 200)
    assert parameters["received_from"]["format"] == "date"


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("RegisterRequest", {"username": "al", "email": "a@example.com", "password": "correct horse"}, False),
        ("RegisterRequest", {"username": "alice", "email": "a@example.com", "password": " correct horse"}, False),
        ("CheckOutRequest", {"plan_name": "pro", "amount": "990"}, True),
        ("CheckOutRequest", {"plan_name": "pro", "amount": 990}, True),
        ("CheckOutRequest", {"plan_name": "pro", "amount": "1_000"}, False),
        ("CheckOutRequest", {"plan_name": "pro", "amount": "1.234"}, False),
        ("CheckOutRequest", {"plan_name": "pro", "amount": "990.00", "is_staff": True}, False),
        ("ConfirmRequest", {"payment_id": 0}, False),
        ("ConfirmRequest", {"payment_id": "31"}, False),
        ("ConfirmRequest", {"payment_id": 31, "received_on": "2026-02-30"}, False),
    ],
)
def test_the_document_is_as_strict_as_the_api(schema, name, value, fits):
    node = {"$ref": f"#/components/schemas/{name}"}
    if fits:
        is_valid(schema, node, value)
    else:
        with pytest.raises(jsonschema.ValidationError):
            is_valid(schema, node, value)


# --- What the API answers is what the document says


def answer_is_described(schema, name, answer):
    operation = {operation["operationId"]: operation for _, _, operation in operations_of(schema)}[name]
    response = resolved(schema, operation["responses"][str(answer.status_code)])
    content_type = answer.headers["Content-Type"].partition(";")[0]
    is_valid(schema, response["content"][content_type]["schema"], answer.json())


def test_what_the_main_job_answers_is_what_the_document_says(schema, anyone, as_alice, as_staff, alice, plan):
    person = {"username": "nina", "email": "nina@example.com", "password": "correct horse battery"}
    answer_is_described(schema, "register", anyone.post("/api/auth/register", person))
    answer_is_described(schema, "register", anyone.post("/api/auth/register", person))
    del person["email"]
    answer_is_described(schema, "login", anyone.post("/api/auth/login", person))
    answer_is_described(schema, "login", anyone.post("/api/auth/login", person | {"password": "another"}))
    answer_is_described(schema, "list_plans", anyone.get("/api/plans/"))
    subscribed = as_alice.post("/api/subscriptions/", {"plan_name": "pro"})
    answer_is_described(schema, "create_subscription", subscribed)
    answer_is_described(schema, "create_subscription", as_alice.post("/api/subscriptions/", {"plan_name": "pro"}))
    order = {"plan_name": "pro", "amount": "990.00"}
    asked = as_alice.post("/api/payments/create-checkout-session", order)
    answer_is_described(schema, "create_checkout_session", asked)
    answer_is_described(
        schema, "create_checkout_session", as_alice.post("/api/payments/create-checkout-session", order)
    )
    money = {"payment_id": asked.json()["id"], "evidence": "0117-22"}
    answer_is_described(schema, "confirm_payment", as_alice.post("/api/payments/confirm-payment", money))
    answer_is_described(schema, "confirm_payment", as_staff.post("/api/payments/confirm-payment", money))
    answer_is_described(schema, "list_payments", as_staff.get("/api/payments/?status=confirmed"))
    answer_is_described(schema, "get_payment", as_alice.get(f"/api/payments/{money['payment_id']}"))
    answer_is_described(schema, "list_subscriptions_of_user", as_alice.get(f"/api/subscriptions/{alice.pk}"))
