"""Child processes that end with us, whichever way we end."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from dev.environment import ROOT
from dev.say import Refusal, complaint, say

TICK = 0.05
PATIENCE = 4.0


class Stopped(Exception):
    """Somebody asked us to stop: Ctrl-C, SIGTERM, a closed terminal, or a parent that is gone."""


@dataclass(frozen=True)
class User:
    """Whom to run a child as, where we are root."""

    uid: int
    gid: int


@dataclass
class Child:
    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals = signal.SIGTERM
    leads_group: bool = True

    def send(self, signum: signal.Signals) -> None:
        """Signal the child, with its own children where it leads a group."""
        with suppress(ProcessLookupError, PermissionError):
            if self.leads_group:
                os.killpg(self.process.pid, signum)
            elif self.process.poll() is None:
                self.process.send_signal(signum)

    def stop(self) -> None:
        """Ask, wait, then insist; a group is emptied even if its leader left workers behind."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
        self.send(signal.SIGKILL)
        self.process.wait()


class Children:
    """A context that runs children, notices when we are asked to stop, and stops the last started first.

    Signals only raise a flag, which every wait looks at: nothing is interrupted half-way, and asking twice is the
    same as asking once.
    """

    def __init__(self, *, holding: tuple[int, ...] = ()) -> None:
        """`holding` are descriptors, of locks, that children keep open should they outlive us after a kill -9."""
        self._holding = holding
        self._children: list[Child] = []
        self._asked = False
        self._parent = os.getppid()
        self._handlers = ExitStack()

    def __enter__(self) -> Self:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signum == signal.SIGHUP and signal.getsignal(signum) == signal.SIG_IGN:
                continue  # nohup
            self._handlers.callback(signal.signal, signum, signal.signal(signum, self._ask))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with self._handlers:
            while self._children:
                self._children.pop().stop()

    def _ask(self, _signum: int, _frame: FrameType | None) -> None:
        self._asked = True

    def pause(self, seconds: float = TICK) -> None:
        """Wait; raise `Stopped` where we were asked to stop, also by a `make` that was killed with -9."""
        time.sleep(seconds)
        if self._asked or os.getppid() != self._parent:
            raise Stopped

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        user: User | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        foreground: bool = False,
    ) -> Child:
        """Start a child in a group of its own, out of reach of the terminal's Ctrl-C: we stop it in our order.

        A `foreground` child stays in ours, for it talks to the terminal itself.
        """
        with ExitStack() as stack:
            output = stack.enter_context(log.open("wb")) if log else None
            process = subprocess.Popen(
                command,
                cwd="/" if user else ROOT,
                env=env,
                stdin=None if foreground else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=not foreground,
                pass_fds=self._holding,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
            )
        child = Child(name, process, stop_signal, leads_group=not foreground)
        self._children.append(child)
        return child

    def wait(self, child: Child, *, progress: str = "") -> int:
        """Wait for a child to end by itself and return its exit status; say `progress` now and then."""
        beat = Heartbeat(progress)
        while child.process.poll() is None:
            self.pause()
            beat.tick()
        beat.end()
        self.stop(child)
        return child.process.returncode

    def stop(self, child: Child) -> None:
        self._children.remove(child)
        child.stop()

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        user: User | None = None,
        progress: str = "",
    ) -> str:
        """Run a command to its end and return what it wrote into `log`; refuse to go on where it failed."""
        status = self.wait(self.start(name, command, env=env, log=log, user=user), progress=progress)
        output = log.read_text(errors="replace") if log else ""
        if status:
            raise Failed(name, output, log)
        return output

    def watch(self) -> None:
        """Wait until we are asked to stop; a child that ends before that is an error."""
        while True:
            self.pause(0.2)
            self.check()

    def check(self) -> None:
        for child in self._children:
            if child.process.poll() is not None:
                raise Refusal(f"{child.name} has ended unexpectedly (status {child.process.returncode}).")


class Failed(Refusal):
    """A command ended with an error."""

    def __init__(self, name: str, output: str, log: Path | None) -> None:
        super().__init__(
            f"{name} failed: {complaint(output)}\nThe whole story is in {log}." if log else f"{name} failed."
        )
        self.output = output


class Heartbeat:
    """Shows that a long step still runs: one line that counts on a terminal, a line each ten seconds in a log."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.started = self.said = time.monotonic()
        self.on_terminal = os.isatty(1)

    def tick(self) -> None:
        now = time.monotonic()
        if self.text and now - self.said >= (1 if self.on_terminal else 10):
            self.said = now
            line = f"  {self.text} {now - self.started:.0f} s"
            say(f"\r{line}", end="") if self.on_terminal else say(line)

    def end(self) -> None:
        if self.text and self.on_terminal and self.said != self.started:
            say()
