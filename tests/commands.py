"""A way to run commands inside the test process, and a log to run them on."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.application import run
from monitor.demo.loans import loans, log_lines


@dataclass
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Driftd = Callable[..., Answer]


@pytest.fixture
def driftd(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Driftd:
    """Runs `driftd` with arguments, without the variables that the tests themselves are given."""
    given = {name: value for name, value in os.environ.items() if name.startswith("DRIFTD_")}

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        with monkeypatch.context() as alone:
            for name in (name for name, value in given.items() if os.environ.get(name) == value):
                alone.delenv(name)
            code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's reference and log: quiet for 15,000 rows, then broken."""
    folder = tmp_path_factory.mktemp("logs")
    (folder / "logs").mkdir()
    (folder / "reference.ndjson").write_bytes(b"".join(log_lines(loans("reference"), seed=1)))
    (folder / "logs" / "requests.ndjson").write_bytes(b"".join(log_lines(loans("requests"), seed=2)))
    return folder
