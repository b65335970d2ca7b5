"""`driftd replay` over several monitors and over files that people really have."""

import gzip
from pathlib import Path

import pytest

from monitor.demo.loans import loans
from tests.commands import Driftd

RECORDS = (
    "{timestamp: $.timestamp, features: $.*, prediction: $.y_pred, score: $.y_pred_proba, label: $.repaid}"
)


def monitor(name: str, path: str) -> str:
    """One monitor of flat records with windows of 1,000 rows."""
    return (
        f"  - name: {name}\n    source: {{type: files, path: {path}}}\n    records: {RECORDS}\n"
        f"    reference: {{type: file, path: reference.parquet}}\n    windows: [{{rows: 1000}}]\n"
    )


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A configuration: a folder of plain and gzip CSV, an empty file, records of another kind, and no file at all."""
    frame = loans("requests").head(4000)
    loans("reference").head(10_000).write_parquet(tmp_path / "reference.parquet")
    (tmp_path / "folder").mkdir()
    frame[:2000].write_csv(tmp_path / "folder" / "a.csv")
    (tmp_path / "folder" / "b.csv.gz").write_bytes(gzip.compress(frame[2000:].write_csv().encode()))
    (tmp_path / "empty.ndjson").touch()
    (tmp_path / "foreign.ndjson").write_text('{"a": {"b": 1}}\n' * 5, encoding="utf-8")
    places = {"folder": "folder", "empty": "empty.ndjson", "foreign": "foreign.ndjson", "absent": "no/*.csv"}
    config = tmp_path / "driftd.yaml"
    config.write_text("monitors:\n" + "".join(monitor(*place) for place in places.items()), encoding="utf-8")
    return config


def test_each_monitor_reads_what_is_there(driftd: Driftd, several: Path) -> None:
    """A folder is read file by file; what could not be read, and who got nothing, is told on standard error."""
    answer = driftd("replay", "--config", several, "--format", "json", "--fail-on", "drift")
    assert 0 == answer.code
    windows = [line for line in answer.lines if line["type"] == "window"]
    assert [("folder", 1000)] * 4 == [(line["monitor"], line["rows"]) for line in windows]
    assert {"accepted": 4000, "rejected": 5} == answer.lines[-1]["records"]
    assert "rejected: 5 of reason " in answer.err
    assert "empty: no records to read" in answer.err
    assert "absent: no records to read" in answer.err
    assert "folder" not in answer.err


def test_the_same_for_people(driftd: Driftd, several: Path) -> None:
    """The summary in words; `check` says where there is nothing yet, and where no record can be read."""
    answer = driftd("replay", "--config", several)
    assert 0 == answer.code
    assert "4,000 accepted, 5 rejected" in answer.out
    assert "absent: no records to read" in answer.err
    checked = driftd("check", "--config", several)
    assert 1 == checked.code
    assert ["problem: monitors.foreign.records: none of the first 5 records can be read"] == [
        line.partition(": empty_record")[0] for line in checked.err.splitlines()
    ]
    assert 2 == checked.out.count("nothing to read yet")
    assert "2 files" in checked.out
    assert "1 file," in checked.out
