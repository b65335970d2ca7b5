"""The files source: what is read, in which order, and that nothing is read twice or lost."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.records import RecordBatch
from monitor.sources.base import Position
from monitor.sources.files import FilesSource
from monitor.sources.files.catalogue import Catalogue
from monitor.sources.files.stream import FileStream, Pace

COLUMNS = (Column("a", Kind.NUMERIC), Column("c", Kind.CATEGORICAL))
RECORDS = Records.model_validate({"timestamp": "$.ts", "id": "$.id", "features": "$.*"})
Start = Callable[..., "Reading"]
START = 1_700_000_000


def line(i: int, pod: str = "p") -> str:
    """One record."""
    return json.dumps({"ts": START + i, "id": f"{pod}{i}", "a": i / 2, "c": f"v{i % 3}"}) + "\n"


def lines(first: int, last: int, pod: str = "p") -> str:
    """Records first to last - 1."""
    return "".join(line(i, pod) for i in range(first, last))


@dataclass
class Reading:
    """A stream whose clock moves on with every look."""

    path: str
    follow: bool = True
    small: int = 4096
    records: Records = RECORDS
    now: float = 0.0
    position: Position | None = None
    batches: list[RecordBatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream = self.open()

    def open(self) -> FileStream:
        """A new stream at the last position."""
        decoder = Decoder(self.records, COLUMNS, max_record_bytes=2048)
        catalogue = Catalogue((self.path,), "auto", final=not self.follow)
        stream = FileStream(
            catalogue,
            decoder,
            Pace(100, self.small, 1.0, self.follow),
            monotonic=self.clock,
            wait=lambda _: None,
        )
        if self.position is not None:
            stream.seek(Position(json.loads(json.dumps(self.position.to_json()))))
        return stream

    def clock(self) -> float:
        """Every look is later than the last."""
        self.now += 10.0
        return self.now

    def close(self) -> None:
        """Give the files back."""
        self.stream.close()

    def restart(self) -> None:
        """Go on in a new process."""
        self.stream.close()
        self.stream = self.open()

    def drain(self, *, restart_each: bool = False) -> list[str]:
        """Ids of everything that can be read now."""
        return [
            name for batch in self.take(restart_each=restart_each) for name in batch.frame["@id"].to_list()
        ]

    def take(self, *, restart_each: bool = False) -> Iterator[RecordBatch]:
        """Batches until there is nothing."""
        while (batch := self.stream.poll(0.0)) is not None:
            self.position = batch.position
            self.batches.append(batch)
            yield batch
            if restart_each:
                self.restart()


@pytest.fixture(name="start")
def _start() -> Iterator[Callable[..., Reading]]:
    """Makes readings and closes their files at the end."""
    with ExitStack() as stack:

        def start(path: str, **options: Any) -> Reading:
            reading = Reading(path, **options)
            stack.callback(reading.close)
            return reading

        yield start


def ids(first: int, last: int, pod: str = "p") -> list[str]:
    """Ids of records first to last - 1."""
    return [f"{pod}{i}" for i in range(first, last)]


def test_growing_file(tmp_path: Path, start: Start) -> None:
    """Appended lines are read once; half a line waits for its end."""
    file = tmp_path / "a.ndjson"
    file.write_text(lines(0, 100))
    reading = start(str(tmp_path / "*.ndjson"))
    assert ids(0, 100) == reading.drain()
    half = line(100)
    with file.open("a") as out:
        out.write(half[:20])
    assert [] == reading.drain()
    with file.open("a") as out:
        out.write(half[20:] + line(101))
    assert ids(100, 102) == reading.drain()
    assert reading.stream.exhausted


def test_last_line_without_end(tmp_path: Path, start: Start) -> None:
    """A file that is read to its end as it is now has a whole last line even without a line end."""
    file = tmp_path / "a.ndjson"
    file.write_text(lines(0, 3).rstrip("\n"))
    assert ids(0, 3) == start(str(file), follow=False).drain()
    file.write_text(line(0).rstrip("\n"))
    assert ids(0, 1) == start(str(file), follow=False).drain()
    assert [] == start(str(file)).drain()


@pytest.mark.parametrize("restart", [False, True])
def test_rotation_by_rename(tmp_path: Path, start: Start, *, restart: bool) -> None:
    """A renamed file goes on where it was; the new file under the old name is read from its start."""
    file = tmp_path / "app.ndjson"
    file.write_text(lines(0, 50))
    reading = start(str(tmp_path / "app.ndjson*"))
    assert ids(0, 50) == reading.drain()
    with file.open("a") as out:
        out.write(lines(50, 60))
    file.rename(tmp_path / "app.ndjson.1")
    file.write_text(lines(60, 80))
    if restart:
        reading.restart()
    assert ids(50, 80) == sorted(reading.drain(), key=lambda name: int(name[1:]))
    (tmp_path / "app.ndjson.1").rename(tmp_path / "app.ndjson.2")
    file.rename(tmp_path / "app.ndjson.1")
    if restart:
        reading.restart()
    assert [] == reading.drain()


@pytest.mark.parametrize("restart", [False, True])
def test_rotation_out_of_sight(tmp_path: Path, start: Start, *, restart: bool) -> None:
    """The end of a file that was renamed to a name outside of the pattern is still read by a running daemon."""
    file = tmp_path / "app.log"
    file.write_text(lines(0, 50))
    reading = start(str(tmp_path / "*.log"))
    assert ids(0, 50) == reading.drain()
    with file.open("a") as out:
        out.write(lines(50, 55))
    file.rename(tmp_path / "app.log.1")
    file.write_text(lines(60, 70))
    if restart:
        reading.restart()
    expected = ids(60, 70) if restart else ids(50, 55) + ids(60, 70)
    assert expected == sorted(reading.drain(), key=lambda name: int(name[1:]))


@pytest.mark.parametrize("restart", [False, True])
def test_rotation_by_copy_and_truncate(tmp_path: Path, start: Start, *, restart: bool) -> None:
    """The copy is the old file, the truncated one is new; nothing is read twice, whatever is seen in between."""
    file, copy = tmp_path / "app.ndjson", tmp_path / "app.ndjson.1"
    file.write_text(lines(0, 50))
    reading = start(str(tmp_path / "app.ndjson*"))
    assert ids(0, 50) == reading.drain()
    shutil.copy(file, copy)
    assert [] == reading.drain()
    if restart:
        reading.restart()
    with file.open("r+") as out:
        out.truncate()
    assert [] == reading.drain()
    with file.open("a") as out:
        out.write(lines(50, 150))
    assert ids(50, 150) == reading.drain()


def test_unread_end_of_a_copy(tmp_path: Path, start: Start) -> None:
    """Lines that were appended just before copy and truncate are read from the copy."""
    file, copy = tmp_path / "app.ndjson", tmp_path / "app.ndjson.1"
    file.write_text(lines(0, 50))
    reading = start(str(tmp_path / "app.ndjson*"))
    reading.drain()
    with file.open("a") as out:
        out.write(lines(50, 60))
    shutil.copy(file, copy)
    file.write_text(lines(60, 65))
    assert ids(50, 65) == sorted(reading.drain(), key=lambda name: int(name[1:]))


def test_compressed_rotation(tmp_path: Path, start: Start) -> None:
    """A file that was compressed after it was read is the same file."""
    file = tmp_path / "app.ndjson.1"
    file.write_text(lines(0, 80))
    reading = start(str(tmp_path / "app.ndjson*"))
    assert ids(0, 80) == reading.drain()
    (tmp_path / "app.ndjson.1.gz").write_bytes(gzip.compress(file.read_bytes()))
    assert [] == reading.drain()
    file.unlink()
    assert [] == reading.drain()
    reading.restart()
    assert [] == reading.drain()


def test_files_that_overlap_are_read_side_by_side(tmp_path: Path, start: Start) -> None:
    """The next block comes from the file whose newest row so far is the oldest."""
    (tmp_path / "pod-1.ndjson").write_text(lines(0, 1000, "x"))
    (tmp_path / "pod-2.ndjson").write_text(lines(0, 1000, "y"))
    reading = start(str(tmp_path), follow=False)
    newest: dict[str, int] = {}
    for batch in reading.take():
        first = int(batch.frame["@time"].min())  # type: ignore[arg-type]
        others = [
            t for name, t in newest.items() if name != batch.partition and name in reading.stream.behind
        ]
        assert all(first <= other + 10**6 for other in others)
        newest[batch.partition] = int(batch.frame["@time"].max())  # type: ignore[arg-type]
    assert 2 == len(newest)
    assert 2000 == sum(batch.frame.height for batch in reading.batches)
    assert frozenset() == reading.stream.behind


def test_later_file_does_not_hold_back_before_its_time(tmp_path: Path, start: Start) -> None:
    """A file that begins after everything read so far is not behind; it is read in its turn."""
    (tmp_path / "day-2.ndjson").write_text(lines(5000, 5300))
    (tmp_path / "day-1.ndjson").write_text(lines(0, 300))
    reading = start(str(tmp_path), follow=False)
    first = reading.stream.poll(0.0)
    assert first is not None
    assert {first.partition} == set(reading.stream.behind)
    rest = reading.drain()
    assert ids(0, 300) + ids(5000, 5300) == first.frame["@id"].to_list() + rest


def test_without_times_files_follow_one_another(tmp_path: Path, start: Start) -> None:
    """Without event times the order is that of the last change, then the natural order of names."""
    for name, first in (("b-10.ndjson", 20), ("b-9.ndjson", 10), ("z.ndjson", 0)):
        (tmp_path / name).write_text(lines(first, first + 10))
        os.utime(tmp_path / name, (1, 1) if name == "z.ndjson" else (2, 2))
    reading = start(str(tmp_path), follow=False, records=Records.model_validate({"id": "$.id"}))
    assert ids(0, 30) == reading.drain()


def formats(folder: Path) -> dict[str, Path]:
    """The same 500 rows in every format."""
    frame = pl.read_ndjson(lines(0, 500).encode())
    (folder / "a.ndjson").write_text(lines(0, 500))
    (folder / "b.ndjson.gz").write_bytes(
        gzip.compress(lines(0, 250).encode()) + gzip.compress(lines(250, 500).encode())
    )
    frame.write_csv(folder / "c.csv")
    (folder / "d.csv.gz").write_bytes(gzip.compress((folder / "c.csv").read_bytes()))
    frame.write_parquet(folder / "e.parquet", row_group_size=70)
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["a.ndjson", "b.ndjson.gz", "c.csv", "d.csv.gz", "e.parquet"])
@pytest.mark.parametrize("restart", [False, True])
def test_every_format_from_every_position(tmp_path: Path, start: Start, name: str, *, restart: bool) -> None:
    """All rows come once and in order, also when each batch is read by a new process from the stored position."""
    path = formats(tmp_path)[name]
    reading = start(str(path), follow=False)
    assert ids(0, 500) == reading.drain(restart_each=restart)
    rows = pl.concat([batch.frame for batch in reading.batches])
    assert [i / 2 for i in range(500)] == rows["a"].to_list()
    assert 500 == rows["@ordinal"].n_unique()
    assert [(START + i) * 10**6 for i in range(500)] == rows["@time"].to_list()
    assert not any(batch.rejects or batch.unknown or batch.absent for batch in reading.batches)


def test_line_that_is_too_long(tmp_path: Path, start: Start) -> None:
    """A line beyond the limit is one reject, however it is cut into blocks, and the lines after it are read."""
    file = tmp_path / "a.ndjson"
    file.write_text(
        line(0) + '{"id": "' + "x" * 50_000 + '"}\n' + line(1) + '{"c": "' + "y" * 3000 + '"}\n' + line(2)
    )
    for restart in (False, True):
        reading = start(str(file), follow=False)
        assert ids(0, 3) == reading.drain(restart_each=restart)
        rejects = [reject for batch in reading.batches for reject in batch.rejects]
        assert ["too_long", "too_long"] == [reject.reason for reject in rejects]
        assert [len(line(0)), len(line(0)) + 50_011 + len(line(1))] == [reject.offset for reject in rejects]
        assert all(len(reject.data) <= 4096 for reject in rejects)


def test_unfinished_files_wait(tmp_path: Path, start: Start) -> None:
    """A Parquet file without its footer and a gzip file without its end are waited for."""
    whole = formats(tmp_path)
    table, zipped = whole["e.parquet"].read_bytes(), whole["b.ndjson.gz"].read_bytes()
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "e.parquet").write_bytes(table[:-100])
    (folder / "b.ndjson.gz").write_bytes(zipped[: len(zipped) // 2])
    reading = start(str(folder), small=2**20)
    early = reading.drain()
    assert early == ids(0, len(early))
    assert not any(batch.rejects for batch in reading.batches)
    (folder / "e.parquet").write_bytes(table)
    with (folder / "b.ndjson.gz").open("ab") as out:
        out.write(zipped[len(zipped) // 2 :])
    assert sorted(2 * ids(0, 500)) == sorted(early + reading.drain())


def test_damaged_files_are_given_up(tmp_path: Path, start: Start) -> None:
    """A file that cannot be unpacked ends in a reject with the reason, and the others are read."""
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" + b"x" * 5000 + b"PAR1")
    (tmp_path / "bad.ndjson.gz").write_bytes(gzip.compress(lines(0, 500).encode())[:600] + b"garbage" * 50)
    (tmp_path / "good.ndjson").write_text(lines(1000, 1010))
    reading = start(str(tmp_path), follow=False)
    found = reading.drain()
    assert set(ids(1000, 1010)) <= set(found)
    reasons = {r.partition.split("/")[-1].split("#")[0]: r.reason for b in reading.batches for r in b.rejects}
    assert "corrupt_file" == reasons["bad.parquet"]
    assert "bad.ndjson.gz" in reasons
    assert reading.stream.exhausted


def test_headers_alone_are_no_identity(tmp_path: Path, start: Start) -> None:
    """CSV files with the same header are different files; one that holds nothing else stops no other."""
    header = "ts,id,a,c," + ",".join(f"column_{i}" for i in range(300)) + "\n"
    (tmp_path / "empty.csv").write_text(header)
    for day in range(3):
        rows = "".join(f"{START + i},p{i},1,x{',' * 300}\n" for i in range(day * 10, day * 10 + 10))
        (tmp_path / f"day-{day}.csv").write_text(header + rows)
    assert ids(0, 30) == start(str(tmp_path), follow=False).drain()


def test_position_is_bounded(tmp_path: Path, start: Start) -> None:
    """Files that are read and gone are forgotten in the end."""
    reading = start(str(tmp_path / "*.ndjson"))
    for i in range(300):
        file = tmp_path / f"{i}.ndjson"
        file.write_text(lines(i, i + 1))
        assert ids(i, i + 1) == reading.drain()
        file.unlink()
    assert reading.position is not None
    assert 260 > len(reading.position.partitions)


def test_sizes(tmp_path: Path, start: Start) -> None:
    """Progress goes from nothing to everything."""
    file = tmp_path / "a.ndjson"
    file.write_text(lines(0, 500))
    reading = start(str(file), follow=False)
    seen = [reading.stream.size_bytes for _ in reading.take()]
    size = file.stat().st_size
    assert all(total == size for _, total in seen)
    assert (size, size) == seen[-1]
    assert sorted(seen) == seen


def test_options() -> None:
    """The path may be one or several; a replay does not follow."""
    options: Any = FilesSource.model_validate({"path": "logs/*.ndjson"})
    assert ("logs/*.ndjson",) == options.path
    assert not options.once().follow
    assert options.follow
