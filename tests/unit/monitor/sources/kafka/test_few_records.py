"""Records read one by one are those that passes over arrays find."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.sources.kafka import record_table
from monitor.sources.kafka.few_records import read_few
from monitor.sources.kafka.record_batches import batch_end, read_header, records_of
from monitor.sources.kafka.record_table import RecordTable, Section, read_records
from monitor.sources.kafka.value_lines import Longs
from tests.thorough import examples
from tests.unit.monitor.sources.kafka.batches import Batch, write
from tests.unit.monitor.sources.kafka.test_fast_records import BATCHES

MARK = bytes(3)


def buffered(*batches: Batch, offset: int = 0) -> tuple[bytes, list[Section]]:
    """The records of batches in one buffer, with something else between them."""
    written, data, sections = write(*batches, offset=offset), b"", []
    place = 0
    while place < len(written):
        header, end = read_header(written, place), batch_end(written, place)
        found, first, last = records_of(written, place, end, header.codec)
        data += MARK + found[first:last]
        sections.append(Section(len(data) - last + first, len(data), header))
        place = end
    return data, sections


def read(
    data: bytes, sections: list[Section], few: int, above: int = -1
) -> tuple[list[list[int]], list[int], set[int]]:
    """The columns of the records beyond an offset, all offsets, and the broken sections."""

    def wanted(offsets: Longs) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.asarray(offsets > above)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_table, "FEW", few)
        table, offsets, broken = read_records(data, sections, wanted)
    return [getattr(table, field.name).tolist() for field in fields(RecordTable)], offsets.tolist(), broken


@examples(150)
@given(st.lists(BATCHES, max_size=4), st.integers(0, 2**40), st.integers(-1, 20))
@example([], 0, -1)
def test_both_ways_find_the_same(batches: list[Batch], first: int, above: int) -> None:
    """All columns, all offsets; none of the content is odd, so the slower way is not asked."""
    data, sections = buffered(*batches, offset=first)
    assert read_few(data, sections) is not None
    assert read(data, sections, 0, first + above) == read(data, sections, 10**6, first + above)


@examples(300)
@given(st.lists(BATCHES, min_size=1, max_size=3), st.data())
def test_broken_content_is_told_alike(batches: list[Batch], draw: st.DataObject) -> None:
    """Whatever bytes are other than they were: the same sections are broken, and the same records are read."""
    data, sections = buffered(*batches)
    wrong = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        wrong[draw.draw(st.integers(0, len(wrong) - 1))] = draw.draw(
            st.sampled_from([0, 1, 2, 127, 128, 255])
        )
    cut = draw.draw(st.sampled_from([len(wrong), len(wrong) - 1, sections[-1].start + 1]))
    broken = bytes(wrong[:cut])
    assert read(broken, sections, 0) == read(broken, sections, 10**6)


@pytest.mark.parametrize("count", [record_table.FEW, record_table.FEW + 1])
def test_the_way_is_chosen_by_the_number(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a few records go over arrays."""
    asked: list[int] = []

    def noted(data: bytes, sections: list[Section]) -> list[Longs] | None:
        asked.append(len(sections))
        return read_few(data, sections)

    monkeypatch.setattr(record_table, "read_few", noted)
    data, sections = buffered(*[Batch()] * count)
    table, _, broken = read_records(data, sections, lambda offsets: offsets >= 0)
    assert (count, set()) == (len(table), broken)
    assert ([count] if count == record_table.FEW else []) == asked
