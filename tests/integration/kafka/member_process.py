"""A member of a group as a process of its own, which a test may kill: `python -m … FOLDER SOURCE-AS-JSON`."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import structlog

from monitor.logs import configure_logging
from monitor.state import State, StateError
from tests.brokers.process import halt
from tests.integration.kafka.members import MONITOR, Member


class MemberProcess:
    """The process; its state can be read while it runs and after."""

    def __init__(self, folder: Path, source: dict[str, Any]) -> None:
        """Start it."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", __name__, str(folder), json.dumps(source)]
        self._log = (folder / "log.txt").open("ab")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)

    def pause(self) -> None:
        """SIGSTOP."""
        halt(self._process)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def stop(self) -> None:
        """SIGTERM, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._log.close()

    def outcome(self, name: str = "accepted") -> int:
        """Rows with an outcome, in its state."""
        try:
            with State.open(self.folder / "driftd.state", read_only=True) as state:
                return state.counts.of(MONITOR).get(name, 0)
        except StateError:  # it is being made
            return 0


def main(folder: str, source: str) -> None:
    """Run until SIGTERM."""
    configure_logging(level="info", form="text")
    stop = Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    member = Member(Path(folder), json.loads(source))
    stop.wait()
    member.stop()
    structlog.get_logger().info("stopped")


if __name__ == "__main__":
    main(*sys.argv[1:])
