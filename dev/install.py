"""The virtual environment: made where it is missing, brought up to date where a pinned file changed."""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from dev.environment import LOGS, PYTHON, ROOT, VENV, lock
from dev.processes import Children, Failed
from dev.say import Refusal, last_lines, say

RUNTIME = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"
INSTALLER = "dev/uv.txt"
UNFINISHED = VENV / ".installing"

NO_SPACE = re.compile(r"No space left|Errno 28|os error 28|Disk quota", re.IGNORECASE)
NO_NETWORK = re.compile(
    r"(?:failed to|could not|couldn't) resolve|name resolution|Name or service|dns error|unreachable|refused"
    r"|timed? ?out|error sending request|Max retries|ConnectionError"
    r"|No matching distribution|not found in the package registry",
    re.IGNORECASE,
)
# Settings that would send packages to another place than the virtual environment.
ELSEWHERE = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
    "VIRTUAL_ENV",
    "UV_TARGET",
    "UV_PREFIX",
)


def inside() -> bool:
    """Return True where we run on the virtual environment's own Python."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def ensure(*wanted: str) -> None:
    """Install the first of the pinned files, unless one of them is installed as it stands."""
    if any(map(installed, wanted)):
        return
    with lock("install", waiting="Waiting for another make that is installing") as held:
        if any(map(installed, wanted)):
            return
        with Children(holding=(held,)) as children:
            if not usable():
                make_environment(children)
            UNFINISHED.touch()
            for old in VENV.glob(".installed-*"):
                old.unlink()
            install(children, wanted[0])
        stamp(wanted[0]).write_text(fingerprint(wanted[0]))
        UNFINISHED.unlink()


def installed(requirements: str) -> bool:
    try:
        return stamp(requirements).read_text() == fingerprint(requirements)
    except OSError:
        return False


def stamp(requirements: str) -> Path:
    return VENV / f".installed-{requirements}"


def fingerprint(requirements: str) -> str:
    """Name what is installed: the files, the Python, and the place, for scripts in it hold its path."""
    parts = [(ROOT / name).read_bytes() for name in (requirements, INSTALLER)]
    parts += [os.fsencode(VENV.resolve()), repr(sys.version_info[:2]).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def usable() -> bool:
    """Return True where the virtual environment runs, has pip, stands where it was made, and is of this Python.

    One whose installation was cut short is not: half a package can look like a whole one.
    """
    if UNFINISHED.exists():
        return False
    ask = [str(PYTHON), "-c", "import pip, sys; print(sys.version_info[:2], sys.prefix)"]
    try:
        answer = subprocess.run(ask, capture_output=True, check=False, text=True, timeout=60).stdout.strip()
        activation = (VENV / "bin" / "activate").read_text()
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer == f"{sys.version_info[:2]} {VENV}" and str(VENV) in activation


def make_environment(children: Children) -> None:
    base = getattr(sys, "_base_executable", sys.executable) if inside() else sys.executable
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        raise Refusal(
            f"This Python ({base}) cannot make virtual environments. On Debian and Ubuntu:\n"
            f"apt-get install python{version}-venv. Or name another Python: make PYTHON=/path/to/python3.12 run"
        )
    say(f"Making .venv with Python {sys.version.split()[0]}")
    step(children, "Making .venv", [base, "-m", "venv", "--clear", str(VENV)])


def install(children: Children, requirements: str) -> None:
    """Install exactly what the pinned file says, by uv in seconds, or without it by pip."""
    count = len(re.findall(r"^\S+==", (ROOT / requirements).read_text(), re.MULTILINE))
    say(f"Installing {count} packages from {requirements} into .venv")
    exact = ["--require-hashes", "--only-binary", ":all:"]
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--retries", "2", *exact]
    uv = [str(PYTHON), "-m", "uv", "pip", "sync", "--python", str(PYTHON), *exact]
    try:
        step(children, "Installing uv", [*pip, "-r", str(ROOT / INSTALLER)])
        step(children, "Installing", [*uv, str(ROOT / requirements)])
    except Failed as failure:
        if NO_SPACE.search(failure.output):
            raise Refusal(explain(failure.output)) from None
        say("uv could not do it; trying pip, which takes a minute")
        try:
            step(children, "Installing", [*pip, "-r", str(ROOT / requirements)])
        except Failed as second:
            raise Refusal(explain(second.output)) from None


def step(children: Children, name: str, command: list[str]) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    children.run(name, command, env=env, log=LOGS / "install.log", progress=name)


def explain(output: str) -> str:
    """Turn an installer's last words into what a person can do."""
    if NO_SPACE.search(output):
        return "There is no space left on the disk: about 600 MB are needed. Free some, then run the same again."
    if NO_NETWORK.search(output):
        return (
            "The package index cannot be reached, and the packages are needed once. Check the network (a proxy is\n"
            f"taken from HTTPS_PROXY), then run the same again. The last words were:\n{last_lines(output, 1)}"
        )
    return f"The packages could not be installed; the whole story is in .local/logs/install.log.\n{last_lines(output)}"
