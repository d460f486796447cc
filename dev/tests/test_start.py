"""The first steps of every verb: a Python that will do, words for what is wrong, settings that are all documented."""

import ast
import errno
import os
import re
import shutil
import subprocess
import sys

import pytest

from dev import environment, install, suite, verbs
from dev.environment import ROOT
from dev.say import Refusal

OLD_PYTHON = "import runpy, sys; sys.version_info = (3, 8, 18); runpy.run_module('dev', run_name='__main__')"


def test_an_old_python_is_told_what_is_needed():
    done = subprocess.run([sys.executable, "-c", OLD_PYTHON], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("This is Python 3.8, and the program needs 3.11 or newer.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_what_an_old_python_reads_is_written_for_it(name):
    tree = ast.parse((ROOT / "dev" / name).read_text(), feature_version=(3, 4))
    assert not any(isinstance(node, ast.JoinedStr) for node in ast.walk(tree))


def make_help(path, *variables: str) -> subprocess.CompletedProcess:
    command = [shutil.which("make"), "-f", ROOT / "Makefile", "help", *variables]
    env = {"PATH": str(path)}
    return subprocess.run(command, cwd=path, env=env, capture_output=True, text=True)


def put_program(path, name: str, text: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{text}\n")
    (path / name).chmod(0o755)


def test_make_passes_over_pythons_that_do_not_run(tmp_path):
    put_program(tmp_path, "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    put_program(tmp_path, "python3.12", 'echo "chosen: $*"')
    done = make_help(tmp_path)
    assert done.stdout == "chosen: -m dev help\n"
    assert done.stderr == ""


def test_make_without_any_python_says_what_to_install(tmp_path):
    put_program(tmp_path, "python3", "exit 1")
    done = make_help(tmp_path)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr


def test_make_takes_the_python_it_is_given(tmp_path):
    put_program(tmp_path, "mine", 'echo "mine: $*"')
    assert make_help(tmp_path, "PYTHON=mine").stdout == "mine: -m dev help\n"


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("error: failed to write: No space left on device (os error 28)", "no space left on the disk"),
        ("Caused by: dns error: failed to lookup address information", "package index cannot be reached"),
        ("error: hash mismatch for django", "hash mismatch for django"),
    ],
)
def test_an_installer_that_fails_is_explained(output, sentence):
    assert sentence in install.explain(output)


def test_a_full_disk_is_a_sentence(monkeypatch, capsys):
    def fill(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")

    monkeypatch.setattr(verbs, "start", fill)
    assert verbs.main(["run"]) == 1
    assert "no space left on the disk" in capsys.readouterr().err


def test_every_variable_that_is_read_is_documented():
    settings = (ROOT / "billing_project" / "settings.py").read_text()
    read = set(re.findall(r"""(?:env(?:\.\w+)?|rate|environ\.get)\(\s*["']([A-Z][A-Z_]+)["']""", settings))
    launcher = "".join(path.read_text() for path in (ROOT / "dev").glob("*.py"))
    read |= set(re.findall(r"""values(?:\.get\(|\[)["']([A-Z][A-Z_]+)["']""", launcher))
    assert {"SECRET_KEY", "DATABASE_URL", "PORT", "RATE_LOGIN_PER_NAME"} <= read
    documented = environment.read_env_file(ROOT / ".env.example", commented=True)
    assert read - set(documented) == set()


def test_the_env_file_is_read_as_django_environ_reads_it(tmp_path):
    from environ import Env

    text = "A=1\nexport B='two words'\nC=\"x#y\"\n#D=no\nE=a=b\n\nF=\nG=plain # kept\n"
    (tmp_path / ".env").write_text(text)

    class Apart(Env):
        ENVIRON = {}

    Apart.read_env(tmp_path / ".env")
    assert environment.read_env_file(tmp_path / ".env") == Apart.ENVIRON


def test_tests_do_not_see_a_developers_settings(monkeypatch):
    monkeypatch.setenv("PAYMENT_EXPIRES_DAYS", "1")
    monkeypatch.setenv("DEBUG", "on")
    env = suite.test_environment()
    assert "PAYMENT_EXPIRES_DAYS" not in env
    assert (env["DEBUG"], env["ENV_FILES"]) == ("off", "")


def test_browser_tests_are_left_out_with_a_line_where_there_is_no_browser(monkeypatch, capsys):
    monkeypatch.setenv("CI", "")
    assert suite.selection(None) == ["-m", "not browser"]
    assert "no chromium" in capsys.readouterr().out


def test_continuous_integration_refuses_to_leave_them_out(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(Refusal, match="no browser"):
        suite.selection(None)
    assert suite.selection("/usr/bin/chromium") == []


def test_production_never_runs_with_debug_on(monkeypatch):
    values = {"SECRET_KEY": "x", "DATABASE_URL": "y", "DEBUG": "on"}
    with pytest.raises(Refusal, match="DEBUG is on"):
        environment.production(values, needs=("SECRET_KEY", "DATABASE_URL"))
    env = environment.production(values | {"DEBUG": "off"}, needs=())
    assert (env["ENV_FILES"], env["DEBUG"]) == (".env", "off")
    assert os.environ.items() <= (env | dict(os.environ)).items()
