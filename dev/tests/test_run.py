"""`make run`, from the first line it prints to the last process that ends."""

import os
import signal
import socket
import subprocess

import pytest

from dev.environment import read_env_file
from dev.tests.conftest import wait_until

MIGRATED = ["migrate --no-input as billing_owner", "grant_rights billing as billing_owner"]


def terminate_make(make: subprocess.Popen) -> None:
    make.terminate()


def terminate_group(make: subprocess.Popen) -> None:
    os.killpg(make.pid, signal.SIGTERM)


def terminate_twice(make: subprocess.Popen) -> None:
    make.terminate()
    make.terminate()


def press_ctrl_c(make: subprocess.Popen) -> None:
    os.killpg(make.pid, signal.SIGINT)


def kill_make(make: subprocess.Popen) -> None:
    make.kill()


@pytest.mark.parametrize("stop", [terminate_make, terminate_group, terminate_twice, press_ctrl_c, kill_make])
def test_it_serves_and_stops_without_leaving_a_process(checkout, stop):
    make = checkout.run()
    assert checkout.answer()[:3] == ["fine", "on", "-"]
    assert "Log in as demo." in checkout.said().splitlines()[-2]
    stop(make)
    make.wait(10)
    wait_until(lambda: not checkout.processes(), 10)
    assert not list((checkout.root / ".local").glob("*.env"))


def test_beside_a_run_there_are_its_settings_and_no_second_run(checkout):
    checkout.run()
    path = checkout.root / ".local" / "run.env"
    settings = read_env_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (settings["DEBUG"], settings["RATE_LIMITS"], settings["PORT"]) == ("on", "off", str(checkout.port))
    second = checkout.make("run")
    assert second.wait(20) != 0
    assert f"http://127.0.0.1:{checkout.port}/" in checkout.said()
    migrate = checkout.make("migrate")
    assert migrate.wait(20) == 0, checkout.said()
    assert checkout.commands()[-2:] == MIGRATED
    assert checkout.answer()[:3] == ["fine", "on", "-"]


def test_the_owner_migrates_and_the_program_serves_as_a_role_of_its_own(checkout):
    checkout.run()
    assert checkout.commands() == [*MIGRATED, "demo as billing"]
    assert read_env_file(checkout.root / ".local" / "run.env")["DATABASE_URL"].startswith("postgresql://billing:")
    assert "owner" not in (checkout.root / ".local" / "run.env").read_text().lower()


def test_a_database_of_ones_own_has_one_role_unless_an_owner_is_named(checkout, new_checkout):
    checkout.run()
    owner_env = read_env_file(checkout.root / ".local" / "owner.env")
    given = read_env_file(checkout.root / ".local" / "run.env") | owner_env
    one_role = new_checkout()
    one_role.run(DATABASE_URL=given["DATABASE_URL"])
    assert one_role.commands() == ["migrate --no-input as billing", "demo as billing"]
    assert one_role.make("migrate").wait(20) == 0
    assert one_role.commands()[2:] == ["migrate --no-input as billing"]
    two_roles = new_checkout()
    two_roles.run(DATABASE_URL=given["DATABASE_URL"], DATABASE_OWNER_URL=given["DATABASE_OWNER_URL"])
    assert two_roles.commands() == [*MIGRATED, "demo as billing"]
    assert two_roles.make("migrate").wait(20) == 0
    assert two_roles.commands()[3:] == MIGRATED


def test_a_run_after_kill_9_of_everything_works_again(checkout):
    checkout.run()
    checkout.kill_all()
    wait_until(lambda: not checkout.processes(), 10)
    checkout.run()
    assert checkout.answer()[:3] == ["fine", "on", "-"]


def test_a_run_after_kill_9_of_the_launcher_ends_what_it_left_and_works(checkout):
    make = checkout.run()
    for line in checkout.processes():
        if "-m dev run" in line or line.startswith(f"{make.pid} "):
            os.kill(int(line.split()[0]), signal.SIGKILL)
    make.wait(10)
    left = checkout.processes()
    assert any("granian" in line for line in left)
    assert any("postgres" in line for line in left)
    checkout.run()
    assert checkout.answer()[:3] == ["fine", "on", "-"]
    assert not set(left) & set(checkout.processes())


def test_two_checkouts_run_side_by_side(new_checkout):
    first, second = new_checkout(), new_checkout()
    first.run()
    stopped = second.run()
    assert first.answer()[0] == second.answer()[0] == "fine"
    stopped.terminate()
    stopped.wait(10)
    assert first.answer()[0] == "fine"


def test_when_the_database_dies_the_rest_is_stopped_with_a_sentence(checkout):
    make = checkout.run()
    postmaster = next((checkout.root / ".local" / "postgres").glob("*/postmaster.pid")).read_text().split()[0]
    os.kill(int(postmaster), signal.SIGKILL)
    assert make.wait(15) != 0
    assert "PostgreSQL has ended unexpectedly" in checkout.said()
    wait_until(lambda: not checkout.processes(), 10)


def test_a_port_in_use_is_refused_in_words(checkout):
    with socket.socket() as other:
        other.bind(("127.0.0.1", checkout.port))
        other.listen()
        assert checkout.make("run").wait(20) != 0
    assert f"Port {checkout.port} is in use" in checkout.said()
    assert "Traceback" not in checkout.said()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "٨٠٠٠"])
def test_a_port_that_is_none_is_refused_in_words(checkout, port):
    assert checkout.make("run", PORT=port).wait(20) != 0
    assert "PORT must be a number from 1 to 65535" in checkout.said()
    assert "Traceback" not in checkout.said()
