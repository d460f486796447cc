"""What a run left behind that was killed with -9. A process number alone is no proof: it may be a stranger's now."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from dev.environment import LOCAL, VENV, write_private
from dev.say import say

WEB_GROUP = LOCAL / "web.group"


def remember_server(group: int) -> None:
    write_private(WEB_GROUP, str(group))


def end_server() -> None:
    """End the web server of an earlier run, its workers included: they outlive their master."""
    try:
        group = int(WEB_GROUP.read_text())
    except (FileNotFoundError, ValueError):
        return
    found = members(group)
    if any(str(VENV) in " ".join(command_line(pid)) for pid in found):
        say("Stopping the web server that an earlier run left behind")
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        for pid in found:
            wait_for_end(pid)
    WEB_GROUP.unlink(missing_ok=True)


def end_postgres(data: Path) -> None:
    """End a PostgreSQL that still runs on these data; take away a note of a process that is another program's."""
    note = data / "postmaster.pid"
    try:
        pid = int(note.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    words = command_line(pid)
    if words and Path(words[0]).name == "postgres" and str(data) in words:
        say("Stopping the PostgreSQL that an earlier run left behind")
        for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)
            if wait_for_end(pid):
                break
    elif words:
        note.unlink(missing_ok=True)


def command_line(pid: int) -> list[str]:
    """Return the words a process was started with; empty if there is none of this number."""
    if has_proc():
        with suppress(FileNotFoundError, ProcessLookupError):
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
        return []
    return ps("-ww", "-o", "args=", "-p", str(pid))


def members(group: int) -> list[int]:
    """Return the processes of a group."""
    found = []
    for pid in every_process():
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) == group:
                found.append(pid)
    return found


def every_process() -> list[int]:
    names = [path.name for path in Path("/proc").iterdir()] if has_proc() else ps("-A", "-o", "pid=")
    return [int(name) for name in names if name.isdigit()]


def has_proc() -> bool:
    """Linux tells in /proc, and may have no `ps`; elsewhere it is the other way round."""
    return Path("/proc/self/cmdline").exists()


def ps(*options: str) -> list[str]:
    return subprocess.run(["ps", *options], capture_output=True, text=True, check=False).stdout.split()


def is_alive(pid: int) -> bool:
    """Return False for a zombie too: it has let go of its port and files, and only its parent can bury it."""
    if not has_proc():
        state = "".join(ps("-o", "stat=", "-p", str(pid)))
        return bool(state) and not state.startswith("Z")
    with suppress(FileNotFoundError, ProcessLookupError):
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        # The first thread is a zombie before the others have let go.
        return state not in "ZX" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    return False


def wait_for_end(pid: int, seconds: float = 5.0) -> bool:
    """Return True once the process has ended; what is not our child cannot be waited for in another way."""
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
