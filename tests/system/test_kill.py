"""SIGKILL at any moment loses no row, counts none twice, loses no alert and starts no retraining twice."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.system.process import Receiver, counted, driftd, findings, runs_on, write_log

ROWS = 30_000
BREAK = 18_000
KILLS = 50
SEED = 7

CONFIG = """
state: {state}
commit_interval: 0.01s
http: {{port: 0}}
sinks:
  - {{type: webhook, name: ops, url: "{url}", secret: "${{HOOK_SECRET:-whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}"}}
monitors:
  - name: loans
    source: {{type: files, path: [{log}, {gone}], batch_bytes: 65536, max_record_bytes: 16384}}
    records:
      id: $.id
      timestamp: $.timestamp
      version: $.version
      features: [$.amount, $.region]
      prediction: $.prediction
      score: $.score
      label: $.label
      latency: {{path: $.latency_ms, unit: ms}}
      status: $.status
      segments: [$.region]
    reference: {{type: file, path: {reference}}}
    windows: [{{length: 15m}}, {{length: 30m, slide: 10m}}, {{rows: 1000}}]
    retraining:
      cooldown: 1h
      webhook: {{url: "{url}", secret: "${{HOOK_SECRET:-whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}"}}
"""


def run_undisturbed(folder: Path, config: Path) -> None:
    """One run from beginning to end."""
    process = driftd("run", "--once", "--config", str(config), log=folder / "log.txt")
    assert process.wait(timeout=300) == 0, (folder / "log.txt").read_text()[-3000:]


def run_with_kills(folder: Path, config: Path, state: Path) -> int:
    """Runs that are killed when so many rows were committed, and a little later; the last one ends by itself."""
    rng = np.random.default_rng(SEED)
    kills = 0
    for rows, moment in zip(np.sort(rng.integers(0, ROWS, KILLS)), rng.uniform(0, 0.02, KILLS), strict=True):
        process = driftd("run", "--once", "--config", str(config), log=folder / "log.txt")
        while counted(state) <= rows and runs_on(process):
            pass
        if runs_on(process, float(moment)):
            process.kill()
            kills += 1
        process.wait()
    run_undisturbed(folder, config)
    return kills


@pytest.mark.system
@pytest.mark.slow
def test_killed_runs_end_like_an_undisturbed_one(tmp_path: Path) -> None:
    """After 50 kills, counts, windows, results, alerts and calls are those of a run that nobody disturbed."""
    write_log(tmp_path / "reference.ndjson", 20_000, seed=1)
    write_log(tmp_path / "requests.ndjson", ROWS, seed=2, break_at=BREAK)
    found, calls, bodies = [], [], []
    for name in ("quiet", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        state, config = folder / "driftd.state", folder / "driftd.yaml"
        with Receiver() as receiver:
            config.write_text(
                CONFIG.format(
                    state=state,
                    url=receiver.url,
                    log=tmp_path / "requests.ndjson",
                    gone=folder / "later.ndjson",
                    reference=tmp_path / "reference.ndjson",
                )
            )
            if name == "quiet":
                run_undisturbed(folder, config)
            else:
                assert run_with_kills(folder, config, state) >= KILLS - 5
        found.append(findings(state))
        calls.append(receiver.calls)
        bodies.append(receiver.bodies)
    quiet, killed = found
    for what, expected in quiet.items():
        assert expected == killed[what], what
    assert quiet["transitions"], "the break is found"
    assert quiet["runs"], "retraining was called"
    assert {message[0] for message in quiet["messages"]} == set(calls[0]) == set(calls[1])
    assert set(calls[0].values()) == {1}
    for kinds in bodies[1].values():
        same = {re.sub(r"127\.0\.0\.1:[0-9]+", "here", body) for body in kinds}
        assert len(same) == 1, f"repeats carry the same body: {sorted(same)}"
