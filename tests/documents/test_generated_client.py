"""A client that openapi-python-client makes of docs/openapi.yaml does the main job."""

import compileall
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

PACKAGE = "billing_client"
WRITTEN = settings.BASE_DIR / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The package, and what its making said."""
    folder = tmp_path_factory.mktemp("generated")
    programs = Path(sys.executable).parent
    command = [str(programs / "openapi-python-client"), "generate", "--meta", "none", "--fail-on-warning"]
    command += ["--path", str(WRITTEN), "--output-path", str(folder / PACKAGE)]
    env = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}  # it calls ruff
    made = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env)
    return folder / PACKAGE, made


@pytest.fixture
def client(generated, server, monkeypatch):
    """Returns what one operation answers, as the generated types."""
    folder, _made = generated
    monkeypatch.syspath_prepend(str(folder.parent))
    top = importlib.import_module(PACKAGE)
    models = importlib.import_module(f"{PACKAGE}.models")

    def call(operation, *path, token=None, body=None, **query):
        module = importlib.import_module(f"{PACKAGE}.api.{operation}")
        known = {"base_url": server, "raise_on_unexpected_status": True}
        caller = top.AuthenticatedClient(**known, token=token, prefix="Token") if token else top.Client(**known)
        given = {"body": getattr(models, body[0])(**body[1])} if body else {}
        with caller:
            return module.sync(*path, client=caller, **given, **query)

    return call, models


def test_the_client_is_made_without_a_warning_and_with_every_operation(generated):
    folder, made = generated
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warning" not in (made.stdout + made.stderr).lower()
    operations = [
        operation for path in yaml.safe_load(WRITTEN.read_text())["paths"].values() for operation in path.values()
    ]
    for operation in operations:
        assert (folder / "api" / operation["tags"][0].replace("-", "_") / f"{operation['operationId']}.py").is_file()


def test_the_client_compiles(generated):
    folder, _made = generated
    assert compileall.compile_dir(folder, quiet=1, force=True)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_client_does_the_main_job(client, demo):
    call, models = client
    person = {"username": "sofia", "email": "sofia@example.com", "password": "correct horse battery"}
    user = call("auth.register", body=("RegisterRequest", person))
    login = {"username": "sofia", "password": "correct horse battery"}
    sofia = call("auth.login", body=("LoginRequest", login)).token
    olga = call("auth.login", body=("LoginRequest", {"username": "olga", "password": "try-the-demo"})).token

    assert [plan.name for plan in call("plans.list_plans").results] == ["pro"]
    subscription = call(
        "subscriptions.create_subscription", token=sofia, body=("SubscribeRequest", {"plan_name": "pro"})
    )
    assert subscription.status == models.SubscriptionStatus.PENDING
    order = {"plan_name": "pro", "amount": "990.00", "subscription_id": subscription.id}
    payment = call("payments.create_checkout_session", token=sofia, body=("CheckOutRequest", order))
    confirmed = call(
        "payments.confirm_payment",
        token=olga,
        body=("ConfirmRequest", {"payment_id": payment.id, "amount": "990.00", "evidence": "0117-22"}),
    )
    assert (confirmed.payment.status, confirmed.already_confirmed) == (models.PaymentStatus.CONFIRMED, False)

    page = call("subscriptions.list_subscriptions_of_user", user.id, token=sofia)
    assert [(found.id, found.status, found.has_access) for found in page.results] == [
        (subscription.id, models.SubscriptionStatus.ACTIVE, True)
    ]
    assert (
        call("payments.list_payments", token=sofia, status="pending,confirmed", page_size=1).results[0].id == payment.id
    )


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_client_reads_a_refusal_as_a_problem(client, demo):
    call, models = client
    problem = call("auth.login", body=("LoginRequest", {"username": "nobody", "password": "of any kind"}))
    assert isinstance(problem, models.Problem)
    assert (problem.status, problem.code) == (401, "invalid_credentials")
    problem = call("payments.get_payment", 1, token="of-nobody")
    assert (problem.status, problem.code) == (401, "not_authenticated")
