"""A server as a child process that never outlives the test process."""

import atexit
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

_running: weakref.WeakSet["ServerProcess"] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for process in list(_running):
        process.kill()


def free_ports(count: int) -> list[int]:
    """TCP ports on loopback below the range that the system gives to outgoing connections.

    A server that is down for a while finds its port free when it comes back.
    """
    rng = random.Random(os.urandom(8))
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", rng.randrange(16_000, 32_000)))
                ports.append(probe.getsockname()[1])
        return ports


def guard() -> list[str]:
    """Words before a command that end it with the process that started it, also when that one is killed; on Linux."""
    return [path, "--pdeathsig", "KILL", "--"] if (path := shutil.which("setpriv")) else []


def halt(child: subprocess.Popen[bytes]) -> None:
    """Halt a child process where it is (SIGSTOP), and return when none of its threads runs any more."""
    child.send_signal(signal.SIGSTOP)
    with contextlib.suppress(ChildProcessError):  # it has ended
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


class ServerProcess:
    """A command that serves on a port of loopback; ended by its process id, at the latest with this process.

    Args:
        command: what to run. port: where it listens when it is ready. log: file that takes its output.
        environment: variables beside this process's own.
    """

    def __init__(
        self, command: Sequence[str], port: int, log: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.command, self.port, self.log = list(command), port, log
        self._environment = {**os.environ, **(environment or {})}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """The process id."""
        if self._child is None:
            raise RuntimeError(f"{self.command[0]} was not started")
        return self._child.pid

    def launch(self) -> None:
        """Start the process; it is not ready yet."""
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                [*guard(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self._environment,
            )
        _running.add(self)

    def wait_until_listening(self, seconds: float = 60) -> None:
        """Return when the port takes connections.

        Raises:
            RuntimeError: the process ended, or took too long; with the end of its output.
        """
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self._child is not None:
                    self._child.wait(timeout=0.02)
                    break
        raise RuntimeError(f"{self.command[0]} does not listen on {self.port}: {self.output()}")

    def output(self, characters: int = 4000) -> str:
        """The end of what the process wrote."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    def stop(self, seconds: float = 30) -> None:
        """End the process in its own way (SIGTERM), and by force when that takes too long."""
        if self._child is None:
            return
        self.resume()
        self._child.terminate()
        try:
            self._child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        _running.discard(self)

    def kill(self) -> None:
        """End the process with SIGKILL."""
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()
        _running.discard(self)

    def pause(self) -> None:
        """Halt the process where it is (SIGSTOP); its connections stay open and silent."""
        if self._child is not None:
            halt(self._child)

    def resume(self) -> None:
        """Let a paused process go on."""
        if self._child is not None:
            self._child.send_signal(signal.SIGCONT)
