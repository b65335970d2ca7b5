"""Identifiers read alone are those that decoding gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from monitor.decode.decoder import Decoder
from monitor.decode.ids import IdReader
from monitor.decode.mapping import Records
from monitor.decode.messages import partition_hash
from monitor.records import ID, ORDINAL
from tests.unit.monitor.decode.sent import Sent, sent
from tests.unit.monitor.decode.test_messages import built, topics


@settings(max_examples=100, deadline=None)
@given(topics)
def test_ids_of_decoded_rows(pairs: list[tuple[bytes | None, int]]) -> None:
    """Each row that decoding gives has the identifier that is read alone; what gives no row has none."""
    messages = sent(*built(pairs))
    reader = IdReader("$.id", max_record_bytes=400)
    reader._lines.worthwhile = 1
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


@pytest.mark.parametrize("count", [3, 300])
def test_ids_of_values(count: int) -> None:
    """Texts and numbers are identifiers; values without one, null ones and broken ones have none."""
    values = [b'{"id": "a%d", "x": 1}' % i for i in range(count)]
    messages = sent(None, *values, b'{"x": 1}', b'{"id": 12.0}', b"{", b'{"id": {"a": 1}}')
    expected = [None, *(f"a{i}" for i in range(count)), None, "12", None, None]
    assert expected == IdReader("$.id").ids(messages).to_list()
