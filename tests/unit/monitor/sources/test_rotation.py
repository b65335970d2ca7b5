"""Growing, renamed, copied, truncated and compressed files: nothing is read twice or lost."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.unit.monitor.sources.reading import START, Start, ids, line, lines


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


def test_table_that_is_renamed_before_its_turn(tmp_path: Path, start: Start) -> None:
    """A table whose first times were looked at is read under the name that it has when its turn comes."""
    for name, first in (("a", 0), ("b", 500)):
        columns = {"id": ids(first, first + 500), "ts": range(START + first, START + first + 500)}
        pl.DataFrame({**columns, "a": range(500)}).write_parquet(tmp_path / f"{name}.parquet")
    reading = start(str(tmp_path / "*.parquet"))
    first_ids = next(reading.take()).frame["@id"].to_list()
    (tmp_path / "b.parquet").rename(tmp_path / "c.parquet")
    assert ids(0, 1000) == first_ids + reading.drain()


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
