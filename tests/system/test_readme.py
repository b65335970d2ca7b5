"""The README's own examples, run in a folder that has what a reader would have."""

import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest

from tests.needs import ROOT
from tests.system.process import counted, runs_on

pytestmark = pytest.mark.system
BLOCK = re.compile(r"<!-- run: (\S+) -->\n```sh\n(.*?)```", re.DOTALL)
BLOCKS = dict(BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
ROWS = 6_000


def loans(rng: np.random.Generator, rows: int, begin: datetime, minutes: float) -> pl.DataFrame:
    """A made-up table of loan applications with a model's answers, evenly spread over some minutes."""
    income = rng.lognormal(10, 0.5, rows)
    score = 1 / (1 + np.exp(-(income - 25_000) / 10_000 + rng.normal(0, 1, rows)))
    return pl.DataFrame(
        {
            "id": [f"{begin:%j%H}-{number}" for number in range(rows)],
            "timestamp": [begin + timedelta(minutes=minutes * number / rows) for number in range(rows)],
            "age": rng.integers(18, 90, rows),
            "income": income.round(2),
            "region": rng.choice(["north", "east", "south", "west"], rows),
            "y_pred": (score > 0.5).astype(int),
            "y_pred_proba": score.round(6),
        }
    )


def nested(table: pl.DataFrame) -> bytes:
    """The same as a request log: one JSON object a line, features and answers in objects of their own."""
    lines = []
    for row in table.iter_rows(named=True):
        inputs = {name: row[name] for name in ("age", "income", "region")}
        outputs = {name: row[name] for name in ("y_pred", "y_pred_proba")}
        head = {"id": row["id"], "timestamp": row["timestamp"].isoformat(), "model_version": "7"}
        service = {"latency_ms": 12.5, "status": 200}
        lines.append(orjson.dumps({**head, "inputs": inputs, "outputs": outputs, **service}))
    return b"\n".join(lines) + b"\n"


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A reader's folder: training data, today's data, and a log."""
    now = datetime.now(UTC).replace(microsecond=0)
    loans(rng, ROWS, now - timedelta(days=30), 1_440).write_parquet(tmp_path / "training.parquet")
    recent = loans(rng, ROWS, now - timedelta(hours=3), 179)
    recent.write_parquet(tmp_path / "today.parquet")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "requests.ndjson").write_bytes(nested(recent))
    return tmp_path


def environment() -> dict[str, str]:
    """The same installation first on the path."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


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
