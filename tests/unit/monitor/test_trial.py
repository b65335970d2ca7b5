"""The first records of a source under a mapping."""

import itertools
from pathlib import Path

import orjson
import polars as pl
import pytest

from detectors.layout import Column, Kind, Role
from monitor.decode.mapping import Records
from monitor.sources.base import SourceError, SourceReport
from monitor.sources.files import FilesSource
from monitor.sources.kafka.options import KafkaSource
from monitor.trial import LONGEST_SECONDS, Trial, try_mapping

COLUMNS = (
    Column("age", Kind.NUMERIC),
    Column("town", Kind.CATEGORICAL),
    Column("says", Kind.CATEGORICAL, Role.PREDICTION),
    Column("truth", Kind.CATEGORICAL, Role.LABEL),
)
FITTING = {"at": 1_700_000_000, "in": {"age": 31.5, "town": "Ulm"}, "says": "yes"}
MAPPING = {"timestamp": "$.at", "timestamp_format": "s", "features": "$.in", "prediction": "$.says"}


def tried(folder: Path, *records: object, **mapping: str) -> Trial | None:
    """What comes of records in a file."""
    lines = [record if isinstance(record, bytes) else orjson.dumps(record) for record in records]
    (folder / "log.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
    options = FilesSource.model_validate({"path": str(folder / "*.ndjson"), "follow": True})
    return try_mapping(options, Records.model_validate({**MAPPING, **mapping}), COLUMNS, "m")


def test_records_that_fit(tmp_path: Path) -> None:
    """Rows are counted; that they have no labels yet is no remark."""
    assert Trial(rows=100) == tried(tmp_path, *[FITTING] * 100)


def test_records_that_cannot_be_read(tmp_path: Path) -> None:
    """They are counted by their reasons, and the first is told."""
    found = tried(tmp_path, b"{", FITTING, {**FITTING, "at": None}, {**FITTING, "at": "noon"})
    assert found is not None
    assert 1 == found.rows
    assert {"malformed_json": 1, "missing_time": 1, "bad_time": 1} == found.rejected
    assert found.example.startswith("malformed_json: ")


@pytest.mark.parametrize(
    ("age", "state"),
    [
        ({}, "missing"),
        ({"age": None}, "null"),
        ({"age": "31"}, "number_as_string"),
        ({"age": [1]}, "wrong_type"),
    ],
)
def test_columns_without_a_value(tmp_path: Path, age: dict[str, object], state: str) -> None:
    """It is told what stands in their place; a value in some row is enough for none to be told."""
    odd = {**FITTING, "in": {"town": "Ulm", **age}}
    found = tried(tmp_path, *[odd] * 10)
    assert found is not None
    assert ({"age": state}, False) == (found.empty, found.featureless)
    found = tried(tmp_path, *[odd] * 10, FITTING)
    assert found is not None
    assert {} == found.empty


def test_features_of_another_place(tmp_path: Path) -> None:
    """Where no feature has a value the mapping is wrong, whatever else it finds."""
    found = tried(tmp_path, *[FITTING] * 10, features="$.out")
    assert found is not None
    assert found.featureless
    assert {"age", "town"} == found.empty.keys()


def test_nothing_to_read(tmp_path: Path) -> None:
    """No file yet, or an empty one."""
    assert tried(tmp_path) is None
    (tmp_path / "log.ndjson").unlink()
    options = FilesSource.model_validate({"path": str(tmp_path / "*.ndjson")})
    assert try_mapping(options, Records.model_validate(MAPPING), COLUMNS, "m") is None


def test_a_source_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look ends in bounded time, and the source tells why nothing came, where it knows."""

    class Mute:
        exhausted = False
        closed = 0
        trouble = ""

        def seek(self, position: object) -> None:
            """Anywhere."""

        def poll(self, seconds: float) -> None:
            """Nothing."""

        def before_commit(self) -> None:
            """It is a shared one."""

        def report(self) -> SourceReport:
            return SourceReport(trouble=self.trouble, hint="ask")

        def close(self) -> None:
            self.closed += 1

    mute = Mute()
    options = KafkaSource.model_validate({"brokers": "nobody", "topics": "loans"})
    monkeypatch.setattr(KafkaSource, "open", lambda *_: mute)
    for trouble, told in (("", "no record came within 10 s"), ("driftd's user may not", "may not")):
        mute.trouble = trouble
        clock = itertools.count(0.0, LONGEST_SECONDS / 10).__next__
        with pytest.raises(SourceError, match=told) as caught:
            try_mapping(options, Records.model_validate(MAPPING), COLUMNS, "m", clock=clock)
        assert "ask" == caught.value.hint
    assert 2 == mute.closed


def test_what_is_being_written_is_waited_for(tmp_path: Path) -> None:
    """As the daemon does: half a line and half a table are no bad records."""
    (tmp_path / "log.ndjson").write_bytes(b'{"at": 17000')
    pl.DataFrame({"at": [1], "says": ["yes"]}).write_parquet(tmp_path / "whole.parquet")
    half = (tmp_path / "whole.parquet").read_bytes()[:-50]
    (tmp_path / "whole.parquet").write_bytes(half)
    options = FilesSource.model_validate({"path": str(tmp_path)})
    assert try_mapping(options, Records.model_validate(MAPPING), COLUMNS, "m") is None
    (tmp_path / "log.ndjson").write_bytes(orjson.dumps(FITTING) + b'\n{"at": 17000')
    assert Trial(rows=1) == try_mapping(options, Records.model_validate(MAPPING), COLUMNS, "m")


def test_values_of_records_are_not_told(tmp_path: Path) -> None:
    """What `check` prints lies in the logs of pipelines."""
    card = b'{"at": 1, "card": ' + b"4111" * 200 + b"}"
    twice = b'{"at": 1, "alice@example.com": 1, "alice@example.com": 2}'
    for record in (card, twice):
        found = tried(tmp_path, record)
        assert found is not None
        assert found.first is not None
        assert found.first.reason == found.example
        assert found.first.detail not in str(found.to_json())


def test_a_bad_beginning_is_not_the_whole(tmp_path: Path) -> None:
    """Files that begin with something else are read on until there are rows."""
    (tmp_path / "a.ndjson").write_bytes(b"# a comment\n" * 10)
    (tmp_path / "b.ndjson").write_bytes((orjson.dumps({**FITTING, "in": {"age": 3}}) + b"\n") * 5)
    found = tried(tmp_path, *[FITTING] * 200)
    assert found is not None
    assert (205, {"malformed_json": 10}, {}) == (found.rows, found.rejected, found.empty)
