"""Where things are in the checkout, and what the environment and `.env` ask for."""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from dev.say import Refusal, say

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
LOGS = LOCAL / "logs"
RUN_ENV = LOCAL / "run.env"
# Apart from it, for the program reads that one.
OWNER_ENV = LOCAL / "owner.env"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MANAGE = [str(PYTHON), str(ROOT / "manage.py")]

LOOPBACK_NAMES = "localhost,127.0.0.1,[::1]"


class Database(NamedTuple):
    """Where the database is, for the program and for migrations: with two roles, or one and the same."""

    url: str
    owner_url: str

    @property
    def role(self) -> str:
        """The role that the program serves with."""
        return role_of(self.url)

    @property
    def has_two_roles(self) -> bool:
        return self.role != role_of(self.owner_url)


def role_of(url: str) -> str:
    if role := urlsplit(url).username:
        return unquote(role)
    raise Refusal(
        "DATABASE_URL and DATABASE_OWNER_URL must name their role: postgresql://USER:PASSWORD@HOST:PORT/NAME."
    )


def make_local() -> None:
    """Make the folder for everything that is written at run time.

    As root it can be crossed by others, for PostgreSQL runs as one of them; what is private in it says so itself.
    """
    for folder in (LOCAL, LOGS, LOCAL / "static"):
        folder.mkdir(exist_ok=True)
    LOCAL.chmod(0o711 if os.geteuid() == 0 else 0o700)
    LOGS.chmod(0o700)


@contextmanager
def lock(name: str, *, refusal: str = "", waiting: str = "") -> Iterator[int]:
    """Hold `.local/NAME.lock`; it frees itself however we end, unless a child was given the descriptor to hold it on.

    Where another process has it: refuse with `refusal`, or without one say `waiting` and wait.
    """
    make_local()
    with (LOCAL / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if refusal:
                raise Refusal(refusal) from None
            say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.rename(path)


def read_env_file(path: Path, *, commented: bool = False) -> dict[str, str]:
    """Read KEY=value lines the way django-environ does, or those behind a # alike; an absent file is empty."""
    if not path.is_file():
        return {}
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"(?:export )?([A-Za-z_0-9]+)=(.*)", line.removeprefix("#") if commented else line):
            name, value = match.groups()
            values[name] = re.sub(r"""^(["'])(.*)\1$""", r"\2", value)
    return values


def given() -> dict[str, str]:
    """Return what the environment and `.env` set to something; the environment wins."""
    values = read_env_file(ROOT / ".env") | dict(os.environ)
    return {name: value for name, value in values.items() if value.strip()}


def named_database(values: Mapping[str, str]) -> Database | None:
    """Return the database that the environment names, if it does."""
    url, owner_url = values.get("DATABASE_URL"), values.get("DATABASE_OWNER_URL")
    if owner_url and not url:
        raise Refusal("DATABASE_OWNER_URL is set, and DATABASE_URL is not: both are needed, or none.")
    return Database(url, owner_url or url) if url else None


def is_on(value: str) -> bool:
    return value.strip().lower() in ("true", "on", "ok", "y", "yes", "1")


def port(values: Mapping[str, str]) -> int:
    text = values.get("PORT", "8000")
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or not 1 <= int(text) <= 65535:
        raise Refusal(f"PORT must be a number from 1 to 65535; it is {text!r}.")
    return int(text)


def cores() -> int:
    """Count the cores that this process may use, which is not all of them in many containers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def web_processes(values: Mapping[str, str]) -> int:
    text = values.get("WEB_PROCESSES", str(cores()))
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text, re.ASCII):
        raise Refusal(f"WEB_PROCESSES must be a number, 1 or more; it is {text!r}.")
    return int(text)


def secret_key() -> str:
    """Return this checkout's own development key, made once so that sessions outlive a restart."""
    path = LOCAL / "secret_key"
    if not path.is_file():
        write_private(path, secrets.token_urlsafe(64))
    return path.read_text(encoding="utf-8")


def development(values: Mapping[str, str], database_url: str) -> dict[str, str]:
    """Return what `make run` sets; whatever the environment or `.env` ask for wins."""
    hosts = [values["ALLOWED_HOSTS"]] if "ALLOWED_HOSTS" in values else []
    return {
        "DEBUG": values.get("DEBUG", "on"),
        "SECRET_KEY": values.get("SECRET_KEY") or secret_key(),
        "DATABASE_URL": database_url,
        "RATE_LIMITS": values.get("RATE_LIMITS", "off"),
        "ALLOWED_HOSTS": ",".join([*hosts, LOOPBACK_NAMES]),
        "PORT": str(port(values)),
    }


def production(values: Mapping[str, str], *, needs: tuple[str, ...]) -> dict[str, str]:
    """Return the environment of a production command: never a development secret, never DEBUG."""
    if missing := [name for name in needs if name not in values]:
        raise Refusal(f"{', '.join(missing)} must be set in the environment or in .env; see .env.example.")
    if is_on(values.get("DEBUG", "off")):
        raise Refusal("DEBUG is on, which shows secrets to visitors. Take it out of the environment and .env.")
    return without_owner() | {"ENV_FILES": ".env", "DEBUG": "off"}


def without_owner() -> dict[str, str]:
    """Return the environment without the key to everything, which the program has no use for."""
    return {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}


def remember_running(settings: Mapping[str, str], database: Database) -> None:
    """Keep the settings of `make run` while it runs: for `manage.py`, and for `make migrate`."""
    write_private(OWNER_ENV, f"DATABASE_OWNER_URL={database.owner_url}\n")
    write_private(RUN_ENV, "".join(f"{name}={value}\n" for name, value in settings.items()))


def forget_running() -> None:
    for path in (RUN_ENV, OWNER_ENV):
        path.unlink(missing_ok=True)


def read_running() -> dict[str, str]:
    """Return the settings of the `make run` that is under way in this checkout; empty where none is."""
    try:
        with lock("run", refusal="running"):
            return {}
    except Refusal:
        return read_env_file(RUN_ENV)


def offline() -> dict[str, str]:
    """Return the environment of checks that load the settings but need no database."""
    return os.environ | {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "DEBUG": "off",
        "ENV_FILES": "",
        "SECRET_KEY": secrets.token_urlsafe(64),
    }
