from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import ConsumerRecord

from monitor.records import Gap
from monitor.sources.kafka.header_region import Header
from monitor.sources.kafka.messages import Messages

Fields = tuple[bytes | None, bytes | None, list[Header]]

BYTES = st.none() | st.binary(max_size=200)
HEADERS = st.lists(st.tuples(st.text(max_size=80), BYTES), max_size=3)
FIELDS = st.lists(st.tuples(BYTES, BYTES, HEADERS), min_size=1, max_size=20)


def record(offset: int, fields: Fields, time: int = 5, epoch: int = 7) -> ConsumerRecord:
    """A message as kafka-python gives it."""
    key, value, headers = fields
    return ConsumerRecord(
        "loans", 3, epoch, offset, time, 0, key, value, headers, None, len(key or b""), len(value or b""), -1
    )


def messages(*values: bytes | None, first: int = 0) -> Messages:
    """Messages with these values."""
    fields: list[Fields] = [(b"k%d" % i, value, [("n", b"%d" % i)]) for i, value in enumerate(values)]
    return Messages.from_records([record(first + i, f) for i, f in enumerate(fields)])


@given(FIELDS)
def test_fields_come_back(fields: list[Fields]) -> None:
    """Keys, values and headers of ConsumerRecords come back as they were, nulls and empty ones told apart."""
    found = Messages.from_records([record(2 * i, f) for i, f in enumerate(fields)])
    assert [key for key, _, _ in fields] == found.keys() == [found.key(i) for i in range(len(fields))]
    assert [value for _, value, _ in fields] == found.values() == [found.value(i) for i in range(len(fields))]
    assert [headers for _, _, headers in fields] == [found.headers(i) for i in range(len(fields))]
    assert [value is None for _, value, _ in fields] == found.nulls.tolist()


def test_a_record_keeps_its_place_and_time() -> None:
    """Offsets, the next offset, the leader's epoch and times in microseconds are those of the records."""
    found = Messages.from_records([record(4, (None, b"", []), 1_700), record(9, (None, b"", []), -1)])
    assert [4, 9] == found.offsets.tolist()
    assert 10 == found.next_offset
    assert [1_700_000, -1] == found.timestamps.tolist()
    assert 7 == found.leader_epoch
    assert "loans/3" == found.name
    assert 12 == Messages.from_records([record(4, (None, b"", []))], 12).next_offset


@given(FIELDS)
def test_lines_hold_the_values(fields: list[Fields]) -> None:
    """Each value that is not null is one line: bounds lead to it, a line end follows it, and rows name its message."""
    found = Messages.from_records([record(i, f) for i, f in enumerate(fields)])
    lines = found.block_parts()
    wanted = [(i, value) for i, (_, value, _) in enumerate(fields) if value is not None]
    assert b"".join(value + b"\n" for _, value in wanted) == lines.data
    assert [i for i, _ in wanted] == lines.rows.tolist()
    bounds = zip(lines.starts.tolist(), lines.ends.tolist(), strict=True)
    assert [value for _, value in wanted] == [lines.data[start:end] for start, end in bounds]


@given(
    st.lists(st.tuples(st.binary(max_size=30), st.none() | st.binary(max_size=40)), min_size=1, max_size=20)
)
def test_what_lies_between_values_is_no_part_of_lines(pieces: list[tuple[bytes, bytes | None]]) -> None:
    """Values that lie in their buffer with other bytes around them are the lines that they would be without these."""
    data, starts, ends = b"", [], []
    for before, value in pieces:
        data += before
        starts.append(-1 if value is None else len(data))
        data += value or b""
        ends.append(-1 if value is None else len(data))
    found = messages(*(value for _, value in pieces))
    lines = replace(found, data=data, starts=np.array(starts), ends=np.array(ends)).block_parts()
    wanted = [value for _, value in pieces if value is not None]
    places = list(zip(lines.starts.tolist(), lines.ends.tolist(), strict=True))
    assert wanted == [lines.data[start:end] for start, end in places]
    assert b"".join(value + b"\n" for value in wanted).replace(b" ", b"") == lines.data.replace(b" ", b"")
    between = [(0, start) for start, _ in places[:1]] + [(a[1] + 1, b[0]) for a, b in pairwise(places)]
    assert all(not lines.data[start:end].strip(b" ") for start, end in between)


def test_the_last_header_of_a_name_counts() -> None:
    """A header column has the last value of the name in each message, None where it is null or missing."""
    fields: list[Fields] = [
        (None, b"", [("type", b"a"), ("type", b"b")]),
        (None, b"", []),
        (None, b"", [("type", None), ("other", b"c")]),
    ]
    found = Messages.from_records([record(i, f) for i, f in enumerate(fields)])
    assert [b"b", None, None] == found.header_column("type")
    assert [None, None, b"c"] == found.header_column("other")


@given(FIELDS, st.data())
def test_taken_messages_are_the_same(fields: list[Fields], data: st.DataObject) -> None:
    """Messages taken by a mask or by numbers are those messages."""
    found = Messages.from_records([record(i, f) for i, f in enumerate(fields)])
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(fields), max_size=len(fields))))
    for part in (found.take(mask), found.take(np.flatnonzero(mask))):
        chosen = np.flatnonzero(mask).tolist()
        assert chosen == part.offsets.tolist()
        assert [fields[i] for i in chosen] == [
            (part.key(i), part.value(i), part.headers(i)) for i in range(len(part))
        ]
        assert 0 == part.sampled_out
        assert found.next_offset == part.next_offset


@given(FIELDS, st.data())
def test_parts_are_the_whole(fields: list[Fields], data: st.DataObject) -> None:
    """Parts of a split, put together again, are the same messages, and each part ends where the next one begins."""
    found = Messages.from_records([record(i, f) for i, f in enumerate(fields)])
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(fields), max_size=len(fields))))
    found = found.sample(mask)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(found) - 1, 1)))) if len(found) > 1 else ())
    parts, rest = [], found
    for cut in reversed(cuts):
        rest, part = rest.split(cut)
        assert rest.next_offset == part.offsets[0]
        parts.append(part)
    whole = Messages.concat([rest, *reversed(parts)])
    assert found.values() == whole.values()
    assert found.keys() == whole.keys()
    assert [found.headers(i) for i in range(len(found))] == [whole.headers(i) for i in range(len(found))]
    assert found.offsets.tolist() == whole.offsets.tolist()
    assert found.next_offset == whole.next_offset
    assert found.left_out.tolist() == whole.left_out.tolist()


def test_left_out_messages_count_where_they_lay() -> None:
    """A part counts the messages that sampling has left out before its end, so that no split counts one twice."""
    found = messages(*(b"%d" % i for i in range(10)))
    kept = found.sample(np.isin(found.offsets, [2, 6, 7]))
    assert 7 == kept.sampled_out
    first, second = kept.split(1)
    assert [2] == first.offsets.tolist()
    assert 6 == first.next_offset
    assert 5 == first.sampled_out
    assert [6, 7] == second.offsets.tolist()
    assert 10 == second.next_offset
    assert 2 == second.sampled_out
    again = second.sample(np.array([False, True]))
    assert 3 == again.sampled_out


def test_nothing_kept_is_counted_still() -> None:
    """Where sampling keeps no message, the count of all is there."""
    none = messages(b"a", b"b").sample(np.array([False, False]))
    assert 0 == len(none)
    assert 2 == none.sampled_out
    assert 2 == none.next_offset
    assert b"" == none.block_parts().data


def test_a_gap_goes_with_its_stretch() -> None:
    """A gap belongs to the part in whose stretch of offsets it lies, and to the whole again."""
    found = messages(b"a", b"b", b"c", b"d").take(np.array([0, 2, 3]))
    inside, behind = Gap("loans/3", 1, 2, "corrupt", 70), Gap("loans/3", 4, 9, "corrupt", 900)
    first, second = replace(found, gaps=(inside, behind), next_offset=9).split(1)
    assert 2 == first.next_offset
    assert (inside,) == first.gaps
    assert (behind,) == second.gaps
    assert (inside, behind) == Messages.concat([first, second]).gaps
