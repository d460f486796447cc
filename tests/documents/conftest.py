"""The real server on the test database: what stands in the documents is said to it over a socket."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection

from accounts.models import User
from accounts.tests.factories import UserFactory
from payments.demo import PASSWORD
from subscriptions.tests.factories import PlanFactory

READY_SECONDS = 30


@pytest.fixture(scope="session")
def server(django_db_setup, tmp_path_factory):
    """The address of granian, started as `make run` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "billing_project.wsgi:application", "--no-ws"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--blocking-threads", "4"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment(), stdout=out, stderr=out)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def environment():
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    return os.environ | {
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": url,
        "DEBUG": "off",
        "ENV_FILES": "",
        "RATE_LIMITS": "off",
        "SECRET_KEY": settings.SECRET_KEY,
    }


def wait_until_ready(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except (urllib.error.HTTPError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The server does not start:\n{log.read_text()}")


@pytest.fixture
def demo(transactional_db) -> User:
    """What the walk-through takes for granted: the plan, and Olga, who confirms payments."""
    PlanFactory(name="pro")
    olga = UserFactory(username="olga", with_password=True)
    olga.set_password(PASSWORD)
    olga.save()
    rights = ["confirm_payment", "view_payment", "view_subscription"]
    olga.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return olga
