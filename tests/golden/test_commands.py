"""Commands on real data sets and on the examples, from the configuration to the last window."""

from pathlib import Path

import polars as pl
import pytest

from tests import needs
from tests.commands import Driftd

pytestmark = pytest.mark.slow

EXAMPLES = sorted((needs.ROOT / "config" / "examples").glob("*.yaml"))
SETS = (
    "acs_employment_ma", "adult_census", "bank_marketing", "bike_sharing_hour", "elec2", "nab_known_cause",
    "nannyml_car_loan", "nasa_http_19950801", "noaa_weather", "nycflights13", "phishing", "titanic",
)  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_checked_and_run(driftd: Driftd, logs: Path, example: Path) -> None:
    """Each example passes the check beside the demo's files, and its replay finds the break."""
    config = logs / example.name
    config.write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    checked = driftd("check", "--offline", "--config", config, "--format", "json")
    assert 0 == checked.code, checked.out
    (monitor,) = checked.json["monitors"]
    assert monitor["reference"]["rows"] > 0
    assert monitor["source"]["tried"]["rows"] > 0
    assert ({}, {}) == (monitor["source"]["tried"]["rejected"], monitor["source"]["tried"]["empty"])
    answer = driftd("replay", "--config", config, "--format", "json", "--fail-on", "drift")
    assert 3 == answer.code
    assert 25_000 == answer.lines[-1]["records"]["accepted"]


@pytest.mark.parametrize("name", SETS)
def test_real_data_without_editing(driftd: Driftd, tmp_path: Path, name: str) -> None:
    """On each of the shared sets: init, then check passes, then replay runs and counts every row."""
    data = needs.shared(f"data/{name}.parquet")
    config = tmp_path / "driftd.yaml"
    made = driftd("init", data, "--output", config)
    assert 0 == made.code, made.err
    checked = driftd("check", "--config", config, "--format", "json")
    assert 0 == checked.code, checked.out
    replayed = driftd("replay", "--config", config, "--format", "json")
    assert 0 == replayed.code, replayed.err
    summary = replayed.lines[-1]
    assert {"accepted": _rows(data)} == summary["records"]
    assert summary["windows"] == sum(line["type"] == "window" for line in replayed.lines)


def _rows(data: Path) -> int:
    return int(pl.scan_parquet(data).select(pl.len()).collect().item())
