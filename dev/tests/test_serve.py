"""`make serve`, which is told everything and assumes nothing."""

import os
import signal

from dev.tests.conftest import PRODUCTION, wait_until


def test_it_serves_without_debug_or_development_files_and_stops(checkout):
    (checkout.root / ".local").mkdir()
    (checkout.root / ".local" / "run.env").write_text("DEBUG=on\n")
    make = checkout.serve()
    assert checkout.answer()[:3] == ["fine", "off", ".env"]
    make.terminate()
    make.wait(10)
    wait_until(lambda: not checkout.processes(), 10)


def test_a_worker_that_dies_is_replaced(checkout):
    checkout.serve()
    worker = checkout.answer()[3]
    os.kill(int(worker), signal.SIGKILL)
    wait_until(lambda: checkout.answer()[3:] not in ([], [worker]), 10)


def test_what_is_missing_is_named(checkout):
    assert checkout.make("serve", SECRET_KEY="x").wait(20) != 0
    assert "DATABASE_URL, ALLOWED_HOSTS must be set" in checkout.said()


def test_it_refuses_debug(checkout):
    assert checkout.make("serve", **PRODUCTION, DEBUG="on").wait(20) != 0
    assert "DEBUG is on" in checkout.said()


def test_it_refuses_a_database_without_its_migrations(checkout):
    (checkout.root / "unmigrated").touch()
    assert checkout.make("serve", **PRODUCTION).wait(20) != 0
    assert "Run `make migrate` first" in checkout.said()


def test_what_the_settings_complain_about_is_a_sentence(checkout):
    (checkout.root / "manage.py").write_text('raise ValueError("SECRET_KEY is weak. Choose another.")')
    assert checkout.make("serve", **PRODUCTION).wait(20) != 0
    assert "manage.py collectstatic failed: SECRET_KEY is weak. Choose another." in checkout.said()
    assert "Traceback" not in checkout.said()


def test_the_env_file_is_enough(checkout):
    (checkout.root / ".env").write_text("".join(f"{name}={value}\n" for name, value in PRODUCTION.items()))
    (checkout.root / "unmigrated").touch()
    assert checkout.make("serve").wait(20) != 0
    assert "Run `make migrate` first" in checkout.said()
