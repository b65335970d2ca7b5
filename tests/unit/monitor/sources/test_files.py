"""The files source: what is read, in which order, and that nothing is read twice or lost."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from monitor.decode.assembly import Decoded
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.sources.base import SourceError
from monitor.sources.files import FilesSource, readers
from monitor.sources.files.footer import row_group_sizes
from tests.unit.monitor.sources.reading import START, Start, formats, ids, line, lines


def test_last_line_without_end(tmp_path: Path, start: Start) -> None:
    """A file that is read to its end as it is now has a whole last line even without a line end."""
    file = tmp_path / "a.ndjson"
    file.write_text(lines(0, 3).rstrip("\n"))
    assert ids(0, 3) == start(str(file), follow=False).drain()
    file.write_text(line(0).rstrip("\n"))
    assert ids(0, 1) == start(str(file), follow=False).drain()
    assert [] == start(str(file)).drain()


@pytest.mark.parametrize("pattern", ["", "*.ndjson", "a.ndjson"])
def test_a_closed_folder_is_out_of_reach(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    """It is told, and reading goes on when it is open again; without a word it would look empty."""
    (tmp_path / "a.ndjson").write_text(lines(0, 3))
    reading = start(str(tmp_path / pattern))
    with monkeypatch.context() as closed:
        closed.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
        real = os.stat

        def stat(path: Any, **options: Any) -> os.stat_result:
            if Path(path).parent == tmp_path:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, **options)

        closed.setattr(os, "stat", stat)
        with pytest.raises(SourceError, match="Permission denied") as caught:
            reading.stream.poll(0.0)
    assert "may this user read it?" == caught.value.hint
    assert ids(0, 3) == reading.drain()


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


def test_first_times_are_looked_up_in_few_lines(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many large logs only the beginning is read before the first one has its turn."""
    long = json.dumps({"ts": START, "id": "p0", "a": 1.0, "c": "v", "more": "x" * 300_000}) + "\n"
    monkeypatch.setattr(readers, "LOOK_BYTES", 1000)
    for i in range(3):
        (tmp_path / f"{i}.ndjson").write_text(lines(100 * (3 - i), 100 * (3 - i) + 1000, f"f{i}-"))
    (tmp_path / "long.ndjson").write_text(long)
    reading = start(str(tmp_path), follow=False, small=2**20, longest=2**19)
    read: list[int] = []
    decode = Decoder.ndjson

    def counted(decoder: Decoder, block: bytes, *place: Any) -> Decoded:
        read.append(len(block))
        return decode(decoder, block, *place)

    monkeypatch.setattr(Decoder, "ndjson", counted)
    first = next(reading.take())
    assert ["p0"] == first.frame["@id"].to_list()
    assert [True] * 3 + [False] == [size <= 1000 for size in sorted(read)[:4]]
    assert 3000 == len(reading.drain())


@pytest.mark.parametrize(
    ("rows", "parts", "held"),
    [(100, [34, 33, 33], 1), (640, [40, 40], 2), (1200, [34, 34, 32], 3)],
    ids=["read anew for each part", "an eighth at once", "as much at once as is allowed"],
)
def test_row_groups_come_in_parts(
    tmp_path: Path, start: Start, rows: int, parts: list[int], held: int
) -> None:
    """What was decompressed is handed out to its end, in equal parts, before another file has its turn.

    Of a small row group no more is read at once than is handed out, of a larger one an eighth.
    """
    for pod in ("x", "y"):
        frame = pl.read_ndjson(lines(0, rows, pod).encode())
        frame.write_parquet(tmp_path / f"{pod}.parquet", row_group_size=rows)
    reading = start(str(tmp_path))
    assert {*ids(0, rows, "x"), *ids(0, rows, "y")} == set(reading.drain())
    for pod in {batch.partition for batch in reading.batches}:
        own = [batch.frame.height for batch in reading.batches if batch.partition == pod]
        assert parts * (rows // sum(parts)) == own
    turns = [batch.partition for batch in reading.batches]
    assert all(len(set(turns[i : i + held])) == 1 for i in range(0, len(turns), held))


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


@pytest.mark.parametrize("damage", ["pages are broken", "pages are missing"])
def test_damaged_table_leaves_the_others_their_order(tmp_path: Path, start: Start, damage: str) -> None:
    """First times are looked up of many tables together; one that is damaged costs no other its turn."""
    for name, first in (("a", 2000), ("b", 1000), ("c", 0), ("d", 3000)):
        frame = pl.read_ndjson(lines(first, first + 500).encode())
        frame.write_parquet(tmp_path / f"{name}.parquet", compression="uncompressed")
    broken = bytearray((tmp_path / "b.parquet").read_bytes())
    footer = int.from_bytes(broken[-8:-4], "little") + 8
    broken[4:-footer] = bytes(len(broken) - footer - 4) if damage == "pages are broken" else b""
    (tmp_path / "b.parquet").write_bytes(broken)
    reading = start(str(tmp_path), follow=False)
    assert ids(0, 500) + ids(2000, 2500) + ids(3000, 3500) == reading.drain()
    (reject,) = (reject for batch in reading.batches for reject in batch.rejects)
    assert ("corrupt_file", True) == (reject.reason, "b.parquet" in reject.partition)


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


@pytest.mark.parametrize("nested", [False, True])
def test_tables_are_read_in_the_order_of_their_times(tmp_path: Path, start: Start, *, nested: bool) -> None:
    """Of tables that are not begun the times alone are looked at, wherever in the record they are."""
    for name, first in (("a", 600), ("b", 300), ("c", 0)):
        rows = range(first, first + 300)
        times = [START + i for i in rows]
        columns = {"meta": [{"ts": t} for t in times]} if nested else {"ts": times}
        frame = pl.DataFrame({**columns, "id": [f"p{i}" for i in rows], "a": [i / 2 for i in rows]})
        frame.write_parquet(tmp_path / f"{name}.parquet")
    path = "$.meta.ts" if nested else "$.ts"
    records = Records.model_validate({"timestamp": path, "id": "$.id", "features": "$.*"})
    assert ids(0, 900) == start(str(tmp_path), follow=False, records=records).drain()


@pytest.mark.parametrize("group", [7, 100, 10**6])
@pytest.mark.parametrize("compression", ["zstd", "uncompressed"])
def test_row_groups(tmp_path: Path, group: int, compression: Any) -> None:
    """The footer tells how many rows each row group has; a file that is no table has none."""
    file = tmp_path / "a.parquet"
    columns = {f"c{i}": [None if j % 3 else str(j) for j in range(250)] for i in range(20)}
    pl.DataFrame({**columns, "n": range(250)}).write_parquet(
        file, row_group_size=group, compression=compression
    )
    sizes = row_group_sizes(file)
    assert 250 == sum(sizes)
    assert group >= 250 or len(sizes) > 1
    file.write_bytes(b"no table at all")
    assert [] == row_group_sizes(file)
