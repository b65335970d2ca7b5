"""Messages become rows: numbers, rejects, tombstones, values beside the record."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from detectors.layout import Column, Kind, Odd, Role
from monitor.decode.assembly import Decoded
from monitor.decode.decoder import Decoder
from monitor.decode.formats import ValueReader
from monitor.decode.mapping import Records
from monitor.decode.messages import partition_hash
from monitor.records import ORDINAL, WEIGHT
from tests.thorough import examples
from tests.unit.monitor.decode.sent import HOUR, Sent, apart, same, sent
from tests.unit.monitor.decode.test_shapes import COLUMNS, LIMIT, PLAIN, RECORDS, WRONG, dump, strange, usual

A, B = Column("a", Kind.NUMERIC), Column("b", Kind.CATEGORICAL)


def decoder(options: dict[str, Any], *columns: Column) -> Decoder:
    """A decoder of a mapping."""
    return Decoder(Records.model_validate(options), columns)


def shapes(worthwhile: int) -> Decoder:
    """A decoder that knows the plain shape and reads runs of at least so many lines by it."""
    made = Decoder(RECORDS, COLUMNS, LIMIT)
    made._ndjson.worthwhile = worthwhile
    made.ndjson(PLAIN, "warm", 7, 0)
    return made


values = st.one_of(
    st.none(),
    st.builds(dump, usual, st.sampled_from([0, 0, 0, 1, 2])),
    st.builds(dump, strange, st.just(0)),
    st.sampled_from([w for w in WRONG if b"\n" not in w]),
    st.builds(lambda r: json.dumps(r, indent=1).encode(), usual),
    st.sampled_from([b"\xef\xbb\xbf" + PLAIN, PLAIN + b"\n", b"\n" + PLAIN, PLAIN.replace(b'"a"', b'"\n"')]),
    st.just(PLAIN),
)
topics = st.lists(st.tuples(values, st.integers(1, 3)), max_size=30)


def built(pairs: list[tuple[bytes | None, int]]) -> tuple[Sent, ...]:
    """Messages with holes between their offsets."""
    offsets = np.cumsum([step for _, step in pairs]).tolist()
    return tuple(Sent(value, offset=o) for (value, _), o in zip(pairs, offsets, strict=True))


@examples(150)
@given(topics)
def test_shapes_change_nothing(pairs: list[tuple[bytes | None, int]]) -> None:
    """Messages read by their shape and one by one give the same rows, rejects and outcomes, wherever values lie."""
    messages = sent(*built(pairs))
    wanted = shapes(10**9).messages(messages)
    same(wanted, shapes(1).messages(messages))
    same(wanted, shapes(1).messages(apart(messages)))


@examples(100)
@given(st.lists(topics, min_size=1, max_size=4), st.booleans())
def test_partitions_are_read_together(several: list[list[tuple[bytes | None, int]]], spread: bool) -> None:  # noqa: FBT001 - drawn
    """Messages of several partitions give in one go what each of them gives alone."""
    messages = [sent(*built(pairs), partition=i) for i, pairs in enumerate(several)]
    found = shapes(1).several([apart(m) if spread else m for m in messages], ValueReader())
    for one, alone in zip(found, messages, strict=True):
        same(shapes(1).messages(alone), one)


@examples(100)
@given(topics, st.lists(st.integers(1, 29), max_size=4))
def test_any_cut_gives_the_same(pairs: list[tuple[bytes | None, int]], cuts: list[int]) -> None:
    """However messages are cut into batches, rows, ordinals, rejects and outcomes are the same."""
    messages = sent(*built(pairs))
    bounds = sorted({0, len(messages), *(cut for cut in cuts if cut < len(messages))})
    parts = [shapes(1).messages(messages.take(slice(*bound))) for bound in pairwise(bounds)]
    whole = shapes(1).messages(messages)
    frames = [part.frame for part in parts if part.frame.height]
    if frames:
        joined = pl.concat(frames, how="diagonal_relaxed")
        odd = [name for name in joined.columns if name.startswith("@odd.")]
        joined = joined.with_columns(pl.col(odd).fill_null(0))
        assert_frame_equal(whole.frame, joined, check_column_order=False, check_exact=True)
    assert whole.rejects == [reject for part in parts for reject in part.rejects]
    assert whole.outcomes.get("tombstone", 0) == sum(p.outcomes.get("tombstone", 0) for p in parts)
    accounted = whole.frame.height + len(whole.rejects) + whole.outcomes.get("tombstone", 0)
    assert len(messages) == accounted


def test_messages_are_lines_elsewhere() -> None:
    """Values give the rows that the same lines in a file give."""
    lines = [dump({"id": i, "at": 1_700_000_000, "x": {"age": i}, "y": i % 2}, 0) for i in range(200)]
    by_message = Decoder(RECORDS, COLUMNS).messages(sent(*lines)).frame
    by_line = Decoder(RECORDS, COLUMNS).ndjson(b"\n".join(lines), "p", 0, 0).frame
    assert_frame_equal(by_line.drop(ORDINAL), by_message.drop(ORDINAL))


def test_ordinals_tell_partitions_and_offsets_apart() -> None:
    """An ordinal is the partition's hash + offset * 2^20 + place in the message, around the circle of 2^64."""
    messages = sent(b'{"a": 1}', None, b'{"a": [', b'{"a": 2}', first=2**43)
    found = decoder({}, A).messages(messages)
    start = partition_hash("loans/3")
    assert [(start + (2**43 + i) * 2**20) % 2**64 for i in (0, 3)] == found.frame[ORDINAL].to_list()
    assert start != partition_hash("loans/4")
    assert 11454125673802559261 == partition_hash("loans/3")


def test_rows_of_one_message_are_numbered() -> None:
    """Several rows of one message have ordinals one after the other, and places behind an identifier of the message."""
    made = decoder({"expand": "$.rows", "features": "$.rows", "id": "@key"}, A)
    found = made.messages(
        sent(Sent(b'{"rows": [{"a": 1}, {"a": 2}]}', b"k"), Sent(b'{"rows": [{"a": 3}]}', b"m"))
    )
    ordinals = found.frame[ORDINAL] - partition_hash("loans/3")
    assert [0, 1, 2**20] == ordinals.to_list()
    assert ["k#0", "k#1", "m#0"] == found.frame["@id"].to_list()


def test_rejects_name_partition_and_offset() -> None:
    """A value that cannot be read is a reject with the message's offset and bytes; null is a tombstone."""
    found = decoder({"timestamp": "$.t"}, A).messages(
        sent(b"{", None, b"", b'{"t": 1, "a": 1}', b'{"a": 1}', first=70)
    )
    expected = [("malformed_json", 70, b"{"), ("malformed_json", 72, b""), ("missing_time", 74, b'{"a": 1}')]
    assert expected == [(r.reason, r.offset, r.data) for r in found.rejects]
    assert {"loans/3"} == {reject.partition for reject in found.rejects}
    assert {"tombstone": 1} == found.outcomes
    assert 1 == found.frame.height


def test_sampled_rows_carry_their_weight() -> None:
    """Rows that stand for others have the sampling's weight times their own."""
    made = decoder({"weight": "$.w"}, A)
    found = made.messages(sent(b'{"a": 1, "w": 2}', b'{"a": 2}', b'{"a": 3, "w": 0.5}'), weight=10.0)
    assert [20.0, 10.0, 5.0] == found.frame[WEIGHT].to_list()
    assert [10.0] == decoder({}, A).messages(sent(b'{"a": 1}'), weight=10.0).frame[WEIGHT].to_list()
    assert WEIGHT not in decoder({}, A).messages(sent(b'{"a": 1}')).frame.columns


def test_every_role_beside_the_record() -> None:
    """Key, headers, time, partition, offset and topic of a message can be any role."""
    options = {
        "id": "@key",
        "timestamp": "@timestamp",
        "timestamp_format": "s",
        "version": "@headers.model",
        "latency": {"path": "@headers['x-ms']", "unit": "ms"},
        "status": "@headers.status",
        "weight": "@headers.weight",
        "prediction": "@headers.answer",
        "features": ["$.a", "@headers.b", "@headers.n", "@offset"],
        "segments": ["@partition", "@topic"],
    }
    columns = (
        *(A, B, Column("n", Kind.NUMERIC), Column("offset", Kind.NUMERIC)),
        Column("answer", Kind.CATEGORICAL, Role.PREDICTION),
    )
    headers = [
        *(("model", b"v2"), ("x-ms", b"250"), ("status", b"ok"), ("weight", b"3")),
        *(("answer", b"yes"), ("b", b"old"), ("b", b"new"), ("n", b"1.5")),
    ]
    found = decoder(options, *columns).messages(
        sent(
            Sent(b'{"a": 1}', b"k1", headers),
            Sent(b'{"a": [', b"lost"),
            Sent(b'{"a": 2}', b"\xff", [("n", b"x")]),
        )
    )
    first, second = found.frame.to_dicts()
    assert ("k1", HOUR, "v2", 0.25, 200, 3.0) == tuple(
        first[name] for name in ("@id", "@time", "@version", "@latency", "@status", "@weight")
    )
    assert ("3", "loans", "yes", "new", 1.5, 0.0) == tuple(
        first[name] for name in ("@segment.partition", "@segment.topic", "answer", "b", "n", "offset")
    )
    assert ("ff", None, None, 2.0) == tuple(second[name] for name in ("@id", "@version", "n", "offset"))
    assert [Odd.NONE, Odd.MISSING] == found.frame["@odd.b"].to_list()
    assert [Odd.NONE, Odd.WRONG_TYPE] == found.frame["@odd.n"].to_list()


def test_message_without_a_time() -> None:
    """A message without a timestamp is rejected where that is the event time."""
    found = decoder({"timestamp": "@timestamp"}, A).messages(sent(b'{"a": 1}', Sent(b'{"a": 2}', time=-1)))
    assert [1.0] == found.frame["a"].to_list()
    assert [("missing_time", 1)] == [(reject.reason, reject.offset) for reject in found.rejects]


def test_sides_of_a_join() -> None:
    """In a join, values beside the record belong to a side, and the latency is the time between two."""
    options = {
        "id": "@request.key",
        "timestamp": "@request.timestamp",
        "latency": {"path": "@join.latency", "unit": "ms"},
        "version": "@response.headers.model",
        "features": "$.request",
        "prediction": "$.response.y",
        "label": "@label.headers.truth",
    }
    columns = (A, Column("y", Kind.NUMERIC, Role.PREDICTION), Column("truth", Kind.CATEGORICAL, Role.LABEL))
    joined = sent(b'{"request": {"a": 1}, "response": {"y": 2}}', b'{"request": {"a": 3}}')
    sides = {
        "request": sent(Sent(b"", b"r1"), Sent(b"", b"r2")),
        "response": sent(Sent(b"", headers=[("model", b"7")], time=HOUR + 1_500_000), Sent(None, time=-1)),
    }
    found: Decoded = decoder(options, *columns).messages(joined, sides=sides)
    assert ["r1", "r2"] == found.frame["@id"].to_list()
    assert [1.5, None] == pytest.approx(found.frame["@latency"].to_list())
    assert ["7", None] == found.frame["@version"].to_list()
    assert {"truth"} == found.absent


@pytest.mark.parametrize(
    "path", ["@", "@id", "@headers", "@headers.", "@key.x", "@join.key", "@other.key", "@key "]
)
def test_paths_that_are_none(path: str) -> None:
    """What is no value beside a record is refused, with the forms that there are."""
    with pytest.raises(ValueError, match=r"@headers\.name"):
        Records.model_validate({"id": path})
