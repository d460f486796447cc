"""`make test`: the tests, with a PostgreSQL of their own unless DATABASE_URL names one."""

import os
import secrets
import shlex
import shutil
import signal
from contextlib import ExitStack

from dev import environment, postgres
from dev.environment import PYTHON, ROOT
from dev.processes import Children
from dev.say import Refusal, say

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Of all variables that the program reads, those that may come in from outside; the rest would change what is tested.
LET_IN = {"DATABASE_URL", "RATE_LIMITS", "SECRET_KEY"}


def main(_: list[str]) -> int:
    browser = find_browser()
    command = [str(PYTHON), "-m", "pytest", "-n", str(environment.cores()), *selection(browser)]
    command += shlex.split(os.environ.get("ARGS", ""))
    with Children() as children, ExitStack() as stack:
        env = test_environment() | ({"CHROMIUM": browser} if browser else {})
        if not env.get("DATABASE_URL"):
            env["DATABASE_URL"] = stack.enter_context(postgres.for_tests(children))
        # Interrupted, pytest still sums up what it has seen.
        tests = children.start("pytest", command, env=env, stop_signal=signal.SIGINT, foreground=True)
        return children.wait(tests)


def selection(browser: str | None) -> list[str]:
    """Return what leaves out the tests whose program is not here, having said so; in CI nothing is left out."""
    missing = without_browser(browser) + without_curl()
    return ["-m", " and ".join(f"not {marker}" for marker in missing)] if missing else []


def without_curl() -> list[str]:
    if shutil.which("curl") or environment.is_on(os.environ.get("CI", "")):
        return []
    say("Leaving out the test of the documented curl commands: no curl here.")
    return ["curl"]


def without_browser(browser: str | None) -> list[str]:
    if browser:
        return []
    if environment.is_on(os.environ.get("CI", "")):
        raise Refusal("CI runs the browser tests too, and no browser is here: .ci/run installs Debian's chromium.")
    say("Leaving out the browser tests: no chromium here (Debian: apt-get install chromium, or CHROMIUM=/path/to/it).")
    return ["browser"]


def find_browser() -> str | None:
    if named := os.environ.get("CHROMIUM"):
        if found := shutil.which(named):
            return found
        raise Refusal(f"CHROMIUM names no program that can be run: {named}")
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def test_environment() -> dict[str, str]:
    """Return the environment of the tests, in which a developer's own settings change nothing."""
    known = environment.read_env_file(ROOT / ".env.example", commented=True)
    env = {name: value for name, value in os.environ.items() if name in LET_IN or name not in known}
    return (
        {"RATE_LIMITS": "off", "SECRET_KEY": secrets.token_urlsafe(64)}
        | env
        | {
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "DEBUG": "off",
            "ENV_FILES": "",
        }
    )
