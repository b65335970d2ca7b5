"""Every registered source: rows in order, once each, and from any position on the same rows again.

A new source gets a line in `OPENED`: a function that makes it over 1,000 rows in several batches. That of Kafka stands
apart, as it needs a broker.
"""

import json
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.records import ORDINAL, TIME, RecordBatch
from monitor.sources.base import Position, Source
from monitor.sources.files import FilesSource
from monitor.sources.kafka import KafkaSource
from monitor.sources.memory import MemorySource
from tests.brokers.operations import Operations
from tests.conformance.registered import SOURCE_TYPES

ROWS = 1000
COLUMNS = (Column("x", Kind.NUMERIC),)


def _numbers() -> pl.DataFrame:
    times = [f"2024-05-01T{i // 60 % 24:02d}:{i % 60:02d}:00Z" for i in range(ROWS)]
    return pl.DataFrame({"x": np.arange(ROWS, dtype=np.float64), "t": times})


def _write(frame: pl.DataFrame, path: Path) -> None:
    match path.suffix:
        case ".ndjson":
            frame.write_ndjson(path)
        case ".csv":
            frame.write_csv(path)
        case _:
            frame.write_parquet(path)


def _files(folder: Path, ending: str) -> Source:
    """Three files of the same rows, one after the other."""
    for k, (a, b) in enumerate(((0, 400), (400, 401), (401, ROWS))):
        path, part = folder / f"{k}.{ending}", _numbers()[a:b]
        if not path.exists():
            _write(part, path)
    options = {"path": str(folder / f"*.{ending}"), "follow": False, "batch_bytes": 4096, "batch_rows": 100}
    records = Records.model_validate({"timestamp": "$.t", "features": ["$.x"]})
    return FilesSource.model_validate(options).open(
        Decoder(records, COLUMNS, max_record_bytes=1024), "conformance"
    )


def _memory(folder: Path) -> Source:
    """The same rows as batches that are there already."""
    del folder
    frame = _numbers().select(
        "x",
        pl.int_range(pl.len(), dtype=pl.Int64).alias(TIME),
        pl.int_range(pl.len(), dtype=pl.UInt64).alias(ORDINAL),
    )
    return MemorySource([RecordBatch(frame[a : a + 100], Position({})) for a in range(0, ROWS, 100)])


def _kafka(folder: Path, kafka: Operations) -> Source:
    """A topic of one partition with the same rows, large ones, so that they come in several batches."""
    topic = f"conformance-{zlib.crc32(str(folder).encode())}"
    if not (folder / topic).exists():
        rows = _numbers().with_columns(padding=pl.lit("." * 20_000)).to_dicts()
        kafka.create_topic(topic, 1)
        kafka.produce(topic, [json.dumps(row).encode() for row in rows])
        (folder / topic).touch()
    options = KafkaSource.model_validate({"brokers": kafka.address, "topics": topic})
    records = Records.model_validate({"timestamp": "$.t", "features": ["$.x"]})
    return options.once().open(Decoder(records, COLUMNS), "conformance")


OPENED: dict[str, Callable[[Path], Source]] = {
    "files ndjson": lambda folder: _files(folder, "ndjson"),
    "files csv": lambda folder: _files(folder, "csv"),
    "files parquet": lambda folder: _files(folder, "parquet"),
    "memory": _memory,
}
"""Sources over the same 1,000 rows, made anew by each call."""

NAMES = [
    *sorted(OPENED),
    pytest.param("kafka", marks=[pytest.mark.integration, pytest.mark.kafka]),
]
Opened = Callable[[], Source]


@pytest.fixture
def opened(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
    """Makes the source anew, each time over the same rows."""
    if name == "kafka":
        kafka: Operations = request.getfixturevalue("kafka")
        return lambda: _kafka(tmp_path, kafka)
    return lambda: OPENED[name](tmp_path)


def drained(source: Source) -> list[RecordBatch]:
    """All batches until the source says that it has no more; then it is closed."""
    batches = []
    with closing(source):
        while not source.exhausted:
            batch = source.poll(0.1)
            if batch is not None:
                batches.append(batch)
    return batches


def values(batches: list[RecordBatch]) -> list[float]:
    """The rows' x, in the order in which they came."""
    return [x for batch in batches for x in batch.frame["x"].to_list()]


def test_every_registered_source_is_here() -> None:
    """A source without a line above is tested by nobody."""
    assert set(SOURCE_TYPES) <= {"kafka", *(name.split()[0] for name in OPENED)}


@pytest.mark.parametrize("name", NAMES)
def test_all_rows_come_once(opened: Opened) -> None:
    """In several batches, in order, with a running number and an event time that do not go back."""
    batches = drained(opened())
    assert len(batches) > 2
    assert [float(i) for i in range(ROWS)] == values(batches)
    assert all(batch.frame.schema[ORDINAL] == pl.UInt64 for batch in batches)
    times = [t for batch in batches for t in batch.frame[TIME].to_list()]
    assert times == sorted(times)


@pytest.mark.parametrize("name", NAMES)
def test_any_position_leads_to_the_rest(opened: Opened) -> None:
    """A new source that was sent to a batch's position, through JSON, gives the rows after it, numbered alike."""
    batches = drained(opened())
    for k, batch in enumerate(batches):
        source = opened()
        source.seek(Position(json.loads(json.dumps(batch.position.to_json()))))
        rest = drained(source)
        assert values(batches[k + 1 :]) == values(rest)
        expected = [n for b in batches[k + 1 :] for n in b.frame[ORDINAL].to_list()]
        assert expected == [n for b in rest for n in b.frame[ORDINAL].to_list()]


@pytest.mark.parametrize("name", NAMES)
def test_progress_ends_where_the_data_ends(opened: Opened) -> None:
    """What was read grows up to what there is; nothing is behind then, and a poll gives nothing."""
    with closing(opened()) as source:
        read = [0]
        while not source.exhausted:
            source.poll(0.1)
            done, known = source.size_bytes
            assert read[-1] <= done <= known
            read.append(done)
        assert read[-1] == source.size_bytes[1] > 0
        assert source.behind == frozenset()
        assert source.poll(0.0) is None


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_closed_twice(opened: Opened) -> None:
    """Before the first poll, in the middle, again."""
    opened().close()
    source = opened()
    source.poll(0.0)
    source.close()
    source.close()
