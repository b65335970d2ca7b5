"""Reading one batch ahead: the same batches, and what is said of the source is as old as the batch at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from monitor.records import RecordBatch
from monitor.sources.base import Position, SourceError
from monitor.sources.files.ahead import ReadAhead
from tests.unit.monitor.sources.reading import Start, formats, ids, lines

Seen = tuple[RecordBatch | None, bool, frozenset[str], tuple[int, int]]


def say(source: ReadAhead, *, polled: bool = True) -> Seen:
    """A batch, and what the source says of itself after it."""
    batch = source.poll(0.0) if polled else None
    return batch, source.exhausted, source.behind, source.size_bytes


@pytest.mark.parametrize("name", ["a.ndjson", "b.ndjson.gz", "c.csv", "e.parquet"])
def test_same_as_without(tmp_path: Path, start: Start, name: str) -> None:
    """Batches, positions and what the source says between them are those of the source itself."""
    path = str(formats(tmp_path)[name])
    plain, ahead = start(path, follow=False).stream, ReadAhead(start(path, follow=False).stream)
    polls = 0
    while (expected := plain.poll(0.0)) is not None:
        batch, exhausted, behind, size_bytes = say(ahead)
        assert batch is not None
        assert_frame_equal(expected.frame, batch.frame)
        assert expected.position == batch.position
        assert (plain.exhausted, plain.behind, plain.size_bytes) == (exhausted, behind, size_bytes)
        polls += 1
    assert polls > 1
    assert ahead.poll(0.0) is None
    assert ahead.exhausted
    ahead.close()
    ahead.close()


def test_goes_on_from_any_position(tmp_path: Path, start: Start) -> None:
    """What was read ahead and not handed out is read again after a restart."""
    path = str(formats(tmp_path)["a.ndjson"])
    found: list[str] = []
    position: Position | None = None
    while True:
        ahead = ReadAhead(start(path, follow=False).stream)
        if position is not None:
            ahead.seek(position)
        batch = ahead.poll(0.0)
        ahead.close()
        if batch is None:
            break
        found += batch.frame["@id"].to_list()
        position = batch.position
    assert ids(0, 500) == found


def test_seek_forgets_what_was_read_ahead(tmp_path: Path, start: Start) -> None:
    """After a seek the next batch is the one behind that position."""
    file = tmp_path / "a.ndjson"
    file.write_text(lines(0, 500))
    ahead = ReadAhead(start(str(file), follow=False).stream)
    first, second = ahead.poll(0.0), ahead.poll(0.0)
    assert first is not None
    assert second is not None
    ahead.seek(first.position)
    again = ahead.poll(0.0)
    assert again is not None
    assert_frame_equal(second.frame, again.frame)
    ahead.close()


class Failing:
    """A source whose second poll fails once."""

    exhausted = False
    behind: frozenset[str] = frozenset()
    size_bytes = (0, 0)

    def __init__(self, batch: RecordBatch) -> None:
        self.batch = batch
        self.polls = 0

    def poll(self, timeout_seconds: float) -> RecordBatch | None:
        """A batch, an error, a batch."""
        assert timeout_seconds == 0.0
        self.polls += 1
        if self.polls == 2:
            raise SourceError("gone")
        return self.batch

    def seek(self, position: Position) -> None:
        """Not used."""

    def close(self) -> None:
        """Nothing is held open."""


def test_errors_come_where_their_batch_would_have_come(tmp_path: Path, start: Start) -> None:
    """An error is raised by the poll that asks for the batch, and the poll after it goes on."""
    (tmp_path / "a.ndjson").write_text(lines(0, 10))
    batch = start(str(tmp_path), follow=False).stream.poll(0.0)
    assert batch is not None
    ahead = ReadAhead(Failing(batch))
    assert ahead.poll(0.0) is batch
    with pytest.raises(SourceError, match="gone"):
        ahead.poll(0.0)
    assert ahead.poll(0.0) is batch
    ahead.close()
