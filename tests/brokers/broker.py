"""One broker: what all kinds have in common."""

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from tests.brokers.operations import Operations
from tests.brokers.process import ServerProcess


class Broker(ABC, Operations):
    """A broker on loopback that a test may stop, kill and pause.

    Attributes:
        kind: a key of `tests.brokers.needs.WRONG`. address: `host:port`.
    """

    kind: ClassVar[str]

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(f"127.0.0.1:{port}")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, port
        self.process = ServerProcess(self.command(), port, folder / "broker.log", self.environment())

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs it; called once."""

    def environment(self) -> dict[str, str]:
        """Variables that the command needs."""
        return {}

    @property
    def runs(self) -> bool:
        """Whether its process is there, paused or not."""
        return self.process.runs

    def start(self) -> None:
        """Run it, on the same port and with the same data as before; return when it answers."""
        self.process.launch()
        self.process.wait_until_listening()
        self.forget_connections()
        self.wait_for_brokers()

    def stop(self) -> None:
        """End it in its own way."""
        self.process.stop()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()

    def remove(self) -> None:
        """End it at once and delete its data; its log stays."""
        self.kill()
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def pause(self) -> None:
        """SIGSTOP: its connections stay open, nobody answers."""
        self.process.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self.process.resume()
        self.forget_connections()

    def heal(self) -> None:
        """Undo what a test did to it: it runs and answers."""
        self.resume()
        if not self.runs:
            self.start()
