"""`driftd init` writes configurations that work."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from monitor.settings.load import load
from tests.commands import Driftd


def test_nested_logs(driftd: Driftd, logs: Path, tmp_path: Path) -> None:
    """Paths of a nested request log are found, and the replay alerts on the break."""
    config = tmp_path / "d.yaml"
    pattern = logs / "logs" / "*.ndjson"
    assert 0 == driftd("init", pattern, "--reference", logs / "reference.ndjson", "-o", config).code
    records = yaml.safe_load(config.read_text(encoding="utf-8"))["monitors"][0]["records"]
    expected = {
        "id": "$.id",
        "timestamp": "$.timestamp",
        "version": "$.model_version",
        "features": "$.inputs",
        "prediction": "$.outputs.y_pred",
        "score": "$.outputs.y_pred_proba",
        "label": "$.repaid",
        "latency": {"path": "$.latency_ms", "unit": "ms"},
        "status": "$.status",
    }
    assert expected == records
    answer = driftd("replay", "--config", config, "--fail-on", "drift", "--format", "json")
    assert 3 == answer.code
    fired = [line for line in answer.lines if line["type"] == "alert" and line["state"] == "firing"]
    assert "data_drift" in {line["cause"] for line in fired}
    assert all(line["at"] >= "2019-03-31" for line in fired)


def test_guesses_can_be_overridden(driftd: Driftd, logs: Path, tmp_path: Path) -> None:
    """Names and paths given on the command line stand in the configuration."""
    config = tmp_path / "d.yaml"
    given = ("--label", "-", "--score", "$.outputs.y_pred_proba", "--ignore", "driver_tenure,loan_length")
    answer = driftd("init", logs / "reference.ndjson", "-o", config, *given, "--window", "500rows")
    assert 0 == answer.code, answer.err
    monitor = load(config, {}).settings.monitors[0]
    assert monitor.records.label is None
    assert ("driver_tenure", "loan_length") == monitor.records.ignore
    assert ["500rows"] == [spec.name for spec in monitor.specs]
    assert "$.timestamp" == str(monitor.records.timestamp)  # alerts of windows of rows have the rows' time
    replayed = driftd("replay", "--config", config, "--format", "json").lines
    assert {"accepted": 20_000} == replayed[-1]["records"]
    assert 40 == replayed[-1]["windows"]


def test_nothing_is_overwritten(driftd: Driftd, logs: Path, tmp_path: Path) -> None:
    """A configuration that is there stays as it is, unless --force says otherwise."""
    config = tmp_path / "d.yaml"
    config.write_text("mine", encoding="utf-8")
    assert 2 == driftd("init", logs / "reference.ndjson", "-o", config).code
    assert "mine" == config.read_text(encoding="utf-8")
    assert 0 == driftd("init", logs / "reference.ndjson", "-o", config, "--force").code


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", "x,y\n1,2\n", "1 rows are too few"),
        ("a.ndjson", "{bad\n", "there is no row"),
        ("a.parquet", "PAR1", "cannot be read"),
        ("missing.csv", None, "there is no data"),
    ],
)
def test_data_that_is_of_no_use(
    driftd: Driftd, tmp_path: Path, name: str, data: str | None, words: str
) -> None:
    """The message says why; nothing is written."""
    if data is not None:
        (tmp_path / name).write_text(data, encoding="utf-8")
    answer = driftd("init", tmp_path / name, "-o", tmp_path / "d.yaml")
    assert 1 == answer.code
    assert words in answer.err
    assert not (tmp_path / "d.yaml").exists()


@pytest.mark.parametrize(
    "command", ["init {bad} -o {out}", "reference build {bad} -o {out}", "compare {good} {bad}"]
)
def test_table_whose_pages_are_missing(driftd: Driftd, tmp_path: Path, command: str) -> None:
    """A right footer does not make a table: what looks at it says what is wrong."""
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    pl.DataFrame({"x": [i * 7919 % 100_003 / 7 for i in range(3000)]}).write_parquet(good)
    whole = good.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    bad.write_bytes(whole[:4] + whole[-footer:])
    answer = driftd(*command.format(good=good, bad=bad, out=tmp_path / "out").split())
    assert 1 == answer.code
    assert "its pages are not where its footer says" in answer.err
    assert not (tmp_path / "out").exists()
