"""Every format of values gives the rows that the same records give as JSON."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.decode.decoder import Decoder
from monitor.decode.formats import Format, ValueReader
from monitor.decode.mapping import Records
from monitor.decode.schemas import Schema
from monitor.records import ORDINAL
from monitor.sources.base import SourceError
from tests.unit.monitor.decode.sent import Sent, apart, same, sent
from tests.unit.monitor.decode.wire import (
    EVENTS,
    FIRST,
    LOAN,
    SCHEMAS,
    A,
    B,
    Known,
    avro,
    decode,
    framed,
    refusals,
    rows,
)


def test_all_formats_in_one_topic() -> None:
    """`auto` looks at each value: Avro, JSON with and without a schema's number, lines, pretty JSON, CloudEvents."""
    event = {"specversion": "1.0", "id": "e", "a": 5, "b": "event", "data_base64": "e30="}
    found = decode(
        "auto",
        b'{"a": 0, "b": "json"}',
        avro(LOAN, {"a": 1.5, "b": "avro"}),
        framed(b'{"a": 2, "b": "registry"}'),
        None,
        b'{"a": 3, "b": "first"}\n{"a": 3, "b": "second"}\r\n\n{"a": 3, "b": "third"}\n',
        json.dumps({"a": 4, "b": "pretty"}, indent=2).encode(),
        Sent(json.dumps(event).encode(), headers=EVENTS),
        avro(LOAN, {"a": None, "b": "none"}),
        framed(b"\x00\x08\x96\x01", 3),
        framed(b"{}", 99),
        b"\0\0\0",
        b"",
        ignore=["specversion", "id", "data"],
    )
    expected = [
        *((0.0, "json"), (1.5, "avro"), (2.0, "registry"), (3.0, "first"), (3.0, "second"), (3.0, "third")),
        *((4.0, "pretty"), (5.0, "event"), (None, "none")),
    ]
    assert expected == rows(found)
    assert refusals(found) == [
        *(("unknown_schema", 8), ("unknown_schema", 9), ("no_schema_id", 10), ("malformed_json", 11)),
    ]
    assert "PROTOBUF" in found.rejects[0].detail
    assert b"\0\0\0" == found.rejects[2].data
    assert {"tombstone": 1} == found.outcomes


kinds = st.sampled_from(
    ["json", "avro", "registry", "lines", "pretty", "null", "unknown", "event", "empty", "broken"]
)
MADE: dict[str, Sent | bytes | None] = {
    "json": b'{"a": 1, "b": "x"}',
    "avro": avro(LOAN, {"a": 2.5, "b": "y"}),
    "registry": framed(b'{"a": 3, "b": "z"}'),
    "lines": b'{"a": 4, "b": "x"}\n\n{"a": 5}\n{"a": ',
    "pretty": b'\n{\n"a": 6,\n"b": "x"}',
    "null": None,
    "unknown": framed(b"{}", 99),
    "event": Sent(b'{"a": 7, "b": "e", "data_base64": "e30="}', headers=EVENTS),
    "empty": b" \n ",
    "broken": b"\0\0\0\0\x01\x02",
}


@pytest.mark.parametrize("form", ["auto", "json", "lines", "avro", "registry-json", "cloudevents"])
@settings(max_examples=40)
@given(names=st.lists(kinds, max_size=12), at=st.integers(0, 12))
def test_neighbours_change_nothing(form: Format, names: list[str], at: int) -> None:
    """What becomes of a value does not depend on the values around it, and every message is accounted for."""
    messages = apart(sent(*(MADE[name] for name in names)))
    decoder = Decoder(Records.model_validate({"ignore": ["data"]}), (A, B))
    whole = decoder.messages(messages, ValueReader(form, SCHEMAS))
    parts = [
        decoder.messages(messages.take(part), ValueReader(form, SCHEMAS))
        for part in (slice(0, at), slice(at, None))
    ]
    assert rows(whole) == [row for part in parts for row in rows(part)]
    assert whole.frame[ORDINAL].to_list() == [o for part in parts for o in part.frame[ORDINAL].to_list()]
    assert whole.rejects == [reject for part in parts for reject in part.rejects]
    tombstones = whole.outcomes.get("tombstone", 0)
    told = {reject.offset for reject in whole.rejects} | {
        (o - FIRST) % 2**64 >> 20 for o in whole.frame[ORDINAL].to_list()
    }
    assert len(names) == len(told) + tombstones


@pytest.mark.parametrize("form", ["auto", "json", "lines", "avro", "registry-json", "cloudevents"])
@settings(max_examples=25)
@given(several=st.lists(st.lists(kinds, max_size=4), min_size=2, max_size=3), numbered=st.booleans())
def test_partitions_of_all_formats_are_read_together(
    form: Format,
    several: list[list[str]],
    numbered: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever their formats, with columns beside the records too, partitions give in one go what each gives alone."""
    beside = {"id": "@key", "version": "@partition"} if numbered else {}
    decoder = Decoder(Records.model_validate({"ignore": ["data"], **beside}), (A, B))
    messages = [
        sent(*(replace(m, key=b"k%d" % i) for i, m in enumerate(map(_message, names))), partition=p)
        for p, names in enumerate(several)
    ]
    for alone, one in zip(messages, decoder.several(messages, ValueReader(form, SCHEMAS)), strict=True):
        same(decoder.messages(alone, ValueReader(form, SCHEMAS)), one)


def _message(name: str) -> Sent:
    made = MADE[name]
    return made if isinstance(made, Sent) else Sent(made)


def test_lines() -> None:
    """Each line is a record; wrong ones are told with their own bytes, values without any line too."""
    found = decode(
        "lines", b'{"a": 1}\n\n{"a": ', None, b'{"a": 2}', b"\n \n", b'\r\n{"a": 3}\r\n', id="@key"
    )
    assert [1.0, 2.0, 3.0] == found.frame["a"].to_list()
    assert [("malformed_json", 0, b'{"a":'), ("empty_record", 3, b"\n \n")] == [
        (r.reason, r.offset, r.data) for r in found.rejects
    ]


def test_rows_of_lines_have_places() -> None:
    """Rows of one message are numbered in the order of its lines, and its key is no identifier of several."""
    found = decode("lines", Sent(b'{"a": 1}\n{"a": 2}', b"k"), Sent(b'{"a": 3}', b"m"), id="@key")
    assert [0, 1, 2**20] == [o - FIRST for o in found.frame[ORDINAL].to_list()]
    assert ["k#0", "k#1", "m"] == found.frame["@id"].to_list()


def test_formats_that_are_said() -> None:
    """Where a format is said, values of another one are refused."""
    found = decode("avro", avro(LOAN, {"a": 1.0, "b": "x"}), b'{"a": 2}')
    assert ([(1.0, "x")], [("no_schema_id", 1)]) == (rows(found), refusals(found))
    found = decode("registry-json", framed(b'{"a": 1, "b": "x"}', 12345), b'{"a": 2}', schemas=None)
    assert ([(1.0, "x")], [("no_schema_id", 1)]) == (rows(found), refusals(found))
    found = decode("json", avro(LOAN, {"a": 1.0, "b": "x"}), b'{"a": 2, "b": "y"}')
    assert ([(2.0, "y")], [("invalid_utf8", 0)]) == (rows(found), refusals(found))


def test_schema_numbers_without_a_registry() -> None:
    """JSON behind a schema's number needs no registry; Avro does, and the reject says so."""
    found = decode("auto", framed(b'{"a": 1, "b": "x"}'), avro(LOAN, {"a": 1.0, "b": "x"}), schemas=None)
    assert [(1.0, "x")] == rows(found)
    assert [("unknown_schema", "schema 1: no registry is configured")] == [
        (reject.reason, reject.detail) for reject in found.rejects
    ]


def test_registry_away_loses_nothing() -> None:
    """While a schema cannot be had decoding fails as a whole; the same messages are decoded later."""
    schemas = Known(_1=Schema("AVRO", json.dumps(LOAN)))
    reader = ValueReader("auto", schemas)
    decoder, messages = (
        Decoder(Records(), (A, B)),
        sent(b'{"a": 0, "b": "x"}', avro(LOAN, {"a": 1.0, "b": "y"})),
    )
    schemas.away = True
    with pytest.raises(SourceError, match="away"):
        decoder.messages(messages, reader)
    schemas.away = False
    assert [(0.0, "x"), (1.0, "y")] == rows(decoder.messages(messages, reader))
    schemas.away = True
    assert 2 == decoder.messages(messages, reader).frame.height


def test_cloud_events_binary() -> None:
    """In binary mode attributes are headers, `ce-` ones of a bridge too, and the value is the data."""
    headers = [("ce_id", b"e1"), ("ce_time", b"2024-05-01T10:00:00Z"), ("content-type", b"application/json")]
    bridged = [("ce-id", b"e2"), ("ce-time", b"2024-05-01T10:00:01Z")]
    found = decode(
        "auto",
        Sent(b'{"a": 1, "b": "x"}', headers=headers),
        Sent(b'{"a": 2, "b": "y"}', headers=bridged),
        id="@headers.ce_id",
        timestamp="@headers.ce_time",
    )
    assert ["e1", "e2"] == found.frame["@id"].to_list()
    assert [1_714_557_600_000_000, 1_714_557_601_000_000] == found.frame["@time"].to_list()
    assert [(1.0, "x"), (2.0, "y")] == rows(found)


@pytest.mark.parametrize("form", ["auto", "cloudevents"])
def test_cloud_events_structured(form: Format) -> None:
    """In structured mode the envelope is the record and its data stand at `$.data`, whether as JSON or in base64."""
    data = {"a": 1, "b": "x"}
    plain = {"specversion": "1.0", "id": "e1", "time": "2024-05-01T10:00:00Z", "data": data}
    encoded = {**plain, "id": "e2", "data_base64": base64.b64encode(json.dumps(data).encode()).decode()}
    del encoded["data"]
    opaque = {**encoded, "id": "e3", "data_base64": base64.b64encode(b"\xff\xfe").decode()}
    wrong = {**encoded, "id": "e4", "data_base64": "§"}
    batch = Sent(
        json.dumps([plain, encoded]).encode(),
        headers=[("Content-Type", b"application/cloudevents-batch+json")],
    )
    events = [Sent(json.dumps(event).encode(), headers=EVENTS) for event in (plain, encoded, opaque, wrong)]
    options: dict[str, Any] = {"id": "$.id", "timestamp": "$.time", "features": "$.data"}
    found = decode(form, *events, batch, Sent(b"[1]", headers=batch.headers), **options)
    assert ["e1", "e2", "e1", "e2"] == found.frame["@id"].to_list()
    assert [(1.0, "x")] * 4 == rows(found)
    assert [("empty_record", 2), ("malformed_base64", 3), ("not_an_object", 5)] == refusals(found)
