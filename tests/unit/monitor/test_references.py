"""Moving references: what was just before, or a week ago, is what a window is compared with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from monitor.replay import Replay
from monitor.settings.load import load

DAY = 86400
CONFIG = """
monitors:
  - name: m
    source: {{type: files, path: log.parquet}}
    records: {{timestamp: $.time, features: [$.x], segments: [$.region]}}
    reference: {{type: {kind}, path: reference.parquet}}
    windows: [{{length: 1d}}]
    change_detectors: []
"""


def rows(days: int, *, first: int, jump: int | None = None, weekend: float = 0.0) -> pl.DataFrame:
    """500 rows a day: x is normal, one higher from day `jump` on and `weekend` higher on two days of seven."""
    rng = np.random.default_rng(first)
    day = first + np.repeat(np.arange(days), 500)
    moved = np.zeros(len(day)) if jump is None else np.where(day >= jump, 1.0, 0.0)
    region = rng.choice(["eu", "us"], len(day))
    x = rng.normal(size=len(day)) + moved + weekend * (day % 7 >= 5) + 2.0 * (region == "us")
    seconds = day * DAY + np.tile(np.arange(500) * (DAY / 500), days)
    return pl.DataFrame({"time": seconds.astype(np.int64) * 1000, "x": x, "region": region})


def verdicts(folder: Path, kind: str, reference: pl.DataFrame, log: pl.DataFrame) -> dict[str, list[str]]:
    """The verdict of each day, in order, by segment."""
    reference.write_parquet(folder / "reference.parquet")
    log.write_parquet(folder / "log.parquet")
    (folder / "driftd.yaml").write_text(CONFIG.format(kind=kind))
    found: dict[str, list[str]] = {}

    def tell(line: dict[str, object]) -> None:
        if line["type"] == "window":
            found.setdefault(str(line["segment"]), []).append(str(line["verdict"]))
        json.dumps(line)

    Replay(load(folder / "driftd.yaml", {}).settings, tell).run()
    return found


@pytest.fixture
def quiet() -> pl.DataFrame:
    """Thirty days in which nothing happens."""
    return rows(30, first=19000)


def test_a_fixed_reference_goes_on_calling(tmp_path: Path, quiet: pl.DataFrame) -> None:
    """Against a fixed reference a shift is drift for as long as it lasts, in every segment; quiet days are quiet."""
    found = verdicts(tmp_path, "file", quiet, rows(10, first=19100, jump=19105))
    assert {"", "region=eu", "region=us"} == set(found)
    for days in found.values():
        assert "drift" not in days[:5]
        assert ["drift"] * 5 == days[5:]


def test_the_window_before_tells_of_the_jump_alone(tmp_path: Path, quiet: pl.DataFrame) -> None:
    """Against the window before, a shift is drift on its first day only."""
    found = verdicts(tmp_path, "previous", quiet, rows(10, first=19100, jump=19105))[""]
    assert [5] == [day for day, verdict in enumerate(found) if verdict == "drift"]


def test_a_week_ago_forgives_the_weekend(tmp_path: Path) -> None:
    """From the second week on a weekly rhythm is compared with itself, which the fixed reference cannot do."""
    weekdays = rows(30, first=19000)
    log = rows(21, first=19103, weekend=1.5)
    fixed = verdicts(tmp_path, "file", weekdays, log)[""]
    moving = verdicts(tmp_path, "week_ago", weekdays, log)[""]
    assert "drift" in fixed[7:]
    assert "drift" not in moving[7:]
