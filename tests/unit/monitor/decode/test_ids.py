"""Identifiers read alone are those that decoding gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.decode.decoder import Decoder
from monitor.decode.ids import IdReader
from monitor.decode.mapping import Records
from monitor.decode.messages import partition_hash
from monitor.records import ID, ORDINAL
from tests.unit.monitor.decode.sent import Sent, sent
from tests.unit.monitor.decode.test_messages import built, topics
from tests.unit.monitor.decode.test_shapes import PLAIN, anything, dump


@settings(max_examples=100)
@given(topics)
def test_ids_of_decoded_rows(pairs: list[tuple[bytes | None, int]]) -> None:
    """Each row that decoding gives has the identifier that is read alone; what gives no row has none."""
    messages = sent(*built(pairs))
    reader = IdReader("$.id", max_record_bytes=400)
    reader.worthwhile = reader._lines.worthwhile = 1
    reader.ids(sent(PLAIN, b'{"x": "-", "id": 5}', b'{"x": {"deep": []}, "id": "a"}'))
    decoded = Decoder(Records.model_validate({"id": "$.id", "latency": "$.at"}), (), 400).messages(messages)
    found = dict(zip(messages.offsets.tolist(), reader.ids(messages).to_list(), strict=True))
    assert len(messages) == len(found)
    ordinals = (decoded.frame[ORDINAL] - partition_hash("loans/3")).to_list()
    for ordinal, identifier in zip(ordinals, decoded.frame[ID].to_list(), strict=True):
        assert identifier == found[ordinal >> 20]


def test_ids_beside_the_record() -> None:
    """Keys and headers are identifiers too; messages without one have none."""
    messages = sent(Sent(b"{}", b"k"), Sent(None, headers=[("ce-id", b"h")]))
    assert ["k", None] == IdReader("@key").ids(messages).to_list()
    assert [None, "h"] == IdReader("@headers.ce_id").ids(messages).to_list()
    assert ["0", "1"] == IdReader("@offset").ids(messages).to_list()


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from(["id", "x", "at", "y"]), anything), max_size=4, unique_by=lambda p: p[0]
    ),
    st.sampled_from(["$.id", "$.m.id"]),
)
def test_what_stands_before_an_identifier(pairs: list[tuple[str, object]], path: str) -> None:
    """Wherever the identifier stands and whatever stands before it, it is the one that parsing finds."""
    record: object = dict(pairs)
    line = dump({"m": record, "z": 1} if path == "$.m.id" else {**dict(pairs), "z": 1}, 0)
    messages = sent(*[line] * 3, b'{"id": 1, "m": {"id": 2}}')
    quick, slow = IdReader(path), IdReader(path)
    quick.worthwhile, slow.worthwhile = 1, 10**9
    assert slow.ids(messages).to_list() == quick.ids(messages).to_list() == quick.ids(messages).to_list()


def test_most_of_a_record_is_never_looked_at() -> None:
    """Records of a known shape are read by their beginning."""
    reader = IdReader("$.id")
    lines = [b'{"at": %d, "id": "r%d", "x": [1, 2]}' % (i, i) for i in range(40)]
    assert [f"r{i}" for i in range(40)] == reader.ids(sent(*lines)).to_list()
    found, left = reader._heads.read(b'{"at": 7, "id": "cut"}', np.array([0]), np.array([22]))
    assert ([b"cut"], []) == (found, left.tolist())


@pytest.mark.parametrize("count", [3, 300])
def test_ids_of_values(count: int) -> None:
    """Texts and numbers are identifiers; values without one, null ones and broken ones have none."""
    values = [b'{"id": "a%d", "x": 1}' % i for i in range(count)]
    long = [2**63 - 1, -(2**63), 8 * 10**18 + 1]
    values += [b'{"id": %d, "x": 1}' % number for number in long]
    messages = sent(None, *values, b'{"x": 1}', b'{"id": 12.0}', b"{", b'{"id": {"a": 1}}')
    expected = [None, *(f"a{i}" for i in range(count)), *map(str, long), None, "12", None, None]
    assert expected == IdReader("$.id").ids(messages).to_list()
