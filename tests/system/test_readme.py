"""The README's own examples, run in a folder that has what a reader would have."""

import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.needs import ROOT
from tests.system.loans import ROWS, environment, fill
from tests.system.process import counted, runs_on

pytestmark = pytest.mark.system
BLOCK = re.compile(r"<!-- run: (\S+) -->\n```sh\n(.*?)```", re.DOTALL)
BLOCKS = dict(BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")))


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A reader's folder."""
    fill(tmp_path, rng)
    return tmp_path


def test_ci_runs_the_first_two_commands() -> None:
    """Installation, demo and tests are run from the README's own text."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert {"demo", "tests"} == {name for name in BLOCKS if f"$(readme {name})" in script}


def test_commands_on_own_logs(folder: Path) -> None:
    """Each line of the block works as it stands; `run` counts every row and ends well on SIGTERM."""
    for line in BLOCKS["own-logs"].splitlines():
        if line.startswith("driftd run"):
            run_until_counted(line, folder)
        else:
            done = subprocess.run(
                ["sh", "-ec", line], cwd=folder, env=environment(), capture_output=True, text=True,
                timeout=120, check=False,
            )  # fmt: skip
            assert 0 == done.returncode, f"{line}\n{done.stdout}\n{done.stderr}"


def run_until_counted(line: str, folder: Path) -> None:
    """Start the daemon on a free port, let it count the log, stop it."""
    config, state = folder / "driftd.yaml", folder / "driftd.state"
    config.write_text(config.read_text(encoding="utf-8").replace("port: 9465", "port: 0"), encoding="utf-8")
    log = folder / "daemon.log"
    with log.open("wb") as out, subprocess.Popen(
        ["sh", "-ec", f"exec {line}"], cwd=folder, env=environment(), stdout=out, stderr=out
    ) as process:  # fmt: skip
        turns = iter(range(600))
        while counted(state) < ROWS and runs_on(process, 0.1) and next(turns, None) is not None:
            pass
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(30), log.read_text(encoding="utf-8")
    assert ROWS == counted(state), log.read_text(encoding="utf-8")
