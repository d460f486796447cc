"""The FastAPI twin that `make bench` measures beside this program: its environment, its server."""

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from dev.environment import LOCAL, PYTHON, ROOT
from dev.install import explain, step
from dev.processes import Children, Failed
from dev.say import Refusal, say

OWN = ROOT / "benchmarks" / "twin"


def chosen(named: str) -> Path:
    """Return the folder of the twin: the one that is named, or else our own."""
    folder = Path(named).expanduser().resolve() if named else OWN
    for name in ("app.py", "requirements.txt"):
        if not (folder / name).is_file():
            raise Refusal(f"TWIN names a folder without {name}: {folder}")
    return folder


def install(children: Children, twin: Path) -> Path:
    """Return the Python of an environment with just what the twin's requirements.txt says, made where it is missing."""
    requirements = twin / "requirements.txt"
    home = LOCAL / f"twin-{fingerprint(requirements.read_bytes())}"
    python = home / "bin" / "python"
    if not python.exists():
        say(f"Installing the twin's packages from {requirements.relative_to(ROOT) if twin == OWN else requirements}")
        draft = home.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        uv = [str(PYTHON), "-m", "uv"]
        exact = ["--require-hashes"] if "--hash=" in requirements.read_text() else []
        wheels = ["--only-binary", ":all:"]
        make = [*uv, "venv", "--quiet", "--relocatable", "--python", str(PYTHON), str(draft)]
        fill = [*uv, "pip", "install", "--python", str(draft / "bin" / "python"), *wheels, *exact]
        try:
            step(children, "Making the twin's environment", make)
            step(children, "Installing", [*fill, "-r", str(requirements)])
        except Failed as failure:
            raise Refusal(explain(failure.output)) from None
        draft.rename(home)
    return python


def fingerprint(requirements: bytes) -> str:
    """Name what is installed, with the Python that it is for."""
    return hashlib.sha256(requirements + repr(sys.version_info[:2]).encode()).hexdigest()[:16]


def server(python: Path, port: int, workers: int) -> list[str]:
    """Return the server's command."""
    uvicorn = [str(python), "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port)]
    return [*uvicorn, "--workers", str(workers), "--no-access-log", "--log-level", "warning"]


def server_environment(twin: Path, database_url: str) -> dict[str, str]:
    """Return the environment of the server, which imports `app` from its folder."""
    url = re.sub(r"^postgresql:", "postgresql+asyncpg:", database_url)
    return {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(twin), "PYTHONDONTWRITEBYTECODE": "1"}
