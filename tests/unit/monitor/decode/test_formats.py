"""Every format of values gives the rows that the same records give as JSON."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import io
import json
import uuid
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.layout import Column, Kind, Odd, Role
from monitor.decode.decoder import Decoder
from monitor.decode.formats import Format, ValueReader
from monitor.decode.mapping import Records
from monitor.decode.messages import partition_hash
from monitor.decode.schemas import Schema, Schemas, UnknownSchemaError
from monitor.records import ORDINAL
from monitor.sources.base import SourceError
from tests.unit.monitor.decode.sent import Sent, same, sent

FIRST = partition_hash("loans/3")
A, B = Column("a", Kind.NUMERIC), Column("b", Kind.CATEGORICAL)
LOAN = {
    "type": "record",
    "name": "Loan",
    "fields": [{"name": "a", "type": ["null", "double"]}, {"name": "b", "type": "string"}],
}
EVENTS = [("content-type", b"application/cloudevents+json; charset=UTF-8")]


class Known:
    """Schemas by number."""

    def __init__(self, **schemas: Schema) -> None:
        self._schemas = {int(name[1:]): schema for name, schema in schemas.items()}
        self.away = False

    def schema(self, number: int) -> Schema:
        """The schema."""
        if self.away:
            raise SourceError("away")
        if number not in self._schemas:
            raise UnknownSchemaError(f"schema {number}: Schema {number} not found")
        return self._schemas[number]

    def close(self) -> None:
        """Nothing to give back."""


SCHEMAS = Known(
    _1=Schema("AVRO", json.dumps(LOAN)), _2=Schema("JSON", "{}"), _3=Schema("PROTOBUF", "message A {}")
)


def avro(schema: Any, value: Any, number: int = 1) -> bytes:
    """A value in the wire format."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)
    return b"\0" + number.to_bytes(4, "big") + stream.getvalue()


def framed(value: bytes, number: int = 2) -> bytes:
    """JSON behind a schema's number."""
    return b"\0" + number.to_bytes(4, "big") + value


def decode(
    form: Format, *messages: Sent | bytes | None, schemas: Schemas | None = SCHEMAS, **options: Any
) -> Any:
    """Decode values of a format."""
    decoder = Decoder(Records.model_validate(options), (A, B))
    return decoder.messages(sent(*messages), ValueReader(form, schemas))


def rows(found: Any) -> list[tuple[Any, Any]]:
    """Columns a and b."""
    return list(zip(found.frame["a"].to_list(), found.frame["b"].to_list(), strict=True))


def refusals(found: Any) -> list[tuple[str, int]]:
    """Reasons and offsets."""
    return [(reject.reason, reject.offset) for reject in found.rejects]


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
MADE = {
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
@settings(max_examples=40, deadline=None)
@given(names=st.lists(kinds, max_size=12), at=st.integers(0, 12))
def test_neighbours_change_nothing(form: Format, names: list[str], at: int) -> None:
    """What becomes of a value does not depend on the values around it, and every message is accounted for."""
    messages = sent(*(MADE[name] for name in names))
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


def test_avro_types() -> None:
    """Logical types, unions, enums, bytes, records inside records and numbers that JSON does not have."""
    moment = dt.datetime(2024, 5, 1, 10, 0, 0, 250_000, dt.UTC)
    number = uuid.UUID("c0ffee00-0000-4000-8000-000000000001")
    cents = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    schema = {
        "type": "record",
        "name": "All",
        "fields": [
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "day", "type": {"type": "int", "logicalType": "date"}},
            {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
            {"name": "ms", "type": ["null", "int"]},
            {
                "name": "in",
                "type": {
                    "type": "record",
                    "name": "In",
                    "fields": [
                        {"name": "amount", "type": cents},
                        {"name": "nan", "type": "double"},
                        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["NEW", "OLD"]}},
                        {"name": "either", "type": ["null", "string", "boolean"]},
                        {"name": "raw", "type": "bytes"},
                        {"name": "fixed", "type": {"type": "fixed", "name": "F", "size": 2}},
                        {"name": "list", "type": {"type": "array", "items": "float"}},
                        {"name": "map", "type": {"type": "map", "values": "long"}},
                    ],
                },
            },
        ],
    }
    inner = {"amount": decimal.Decimal("12.34"), "nan": float("nan"), "kind": "OLD", "either": True}
    inner |= {"raw": b"text", "fixed": b"\xff\x00", "list": [1.5, 2.5], "map": {"k": 2**60}}
    value = {"at": moment, "day": moment.date(), "id": number, "ms": None, "in": inner}
    columns = (
        *(Column(name, Kind.NUMERIC) for name in ("amount", "nan", "list-0", "list-1", "map.k")),
        *(Column(name, Kind.CATEGORICAL) for name in ("kind", "either", "raw", "fixed")),
        Column("day", Kind.CATEGORICAL, Role.LABEL),
    )
    options = {"id": "$.id", "timestamp": "$.at", "features": "$.in", "label": "$.day", "latency": "$.ms"}
    decoder = Decoder(Records.model_validate(options), columns)
    found = decoder.messages(
        sent(avro(schema, value)), ValueReader("avro", Known(_1=Schema("AVRO", json.dumps(schema))))
    )
    (row,) = found.frame.to_dicts()
    assert (str(number), round(moment.timestamp() * 1e6), None) == (row["@id"], row["@time"], row["@latency"])
    assert (12.34, 1.5, 2.5, 2.0**60) == tuple(row[name] for name in ("amount", "list-0", "list-1", "map.k"))
    assert str(row["nan"]) == "nan"
    assert ("OLD", "true", "text", "/wA=", "2024-05-01") == tuple(
        row[name] for name in ("kind", "either", "raw", "fixed", "day")
    )


def test_avro_with_references() -> None:
    """A schema may use types of other schemas."""
    inner = {"type": "record", "name": "n.In", "fields": [{"name": "a", "type": "int"}]}
    outer = {
        "type": "record",
        "name": "n.Out",
        "fields": [{"name": "in", "type": "n.In"}, {"name": "b", "type": "string"}],
    }
    both = [inner, {**outer}]
    value = avro(both, ("n.Out", {"in": {"a": 3}, "b": "x"}))
    body = value[:5] + value[6:]
    schemas = Known(_1=Schema("AVRO", json.dumps(outer), (json.dumps(inner),)))
    found = decode("auto", body, schemas=schemas, features={"a": "$.in.a", "b": "$.b"})
    assert [(3.0, "x")] == rows(found)


@pytest.mark.parametrize("text", ["{", '{"type": "nope"}', '{"type": "record"}', "3", "null"])
def test_schemas_that_are_none(text: str) -> None:
    """A schema that cannot be used is the fault of its records."""
    found = decode("auto", framed(b"\x02"), schemas=Known(_2=Schema("AVRO", text)))
    assert [("unknown_schema", 0)] == refusals(found)


def test_broken_avro() -> None:
    """Bytes that are no record of their schema, too few or too many, are dead letters."""
    good = avro(LOAN, {"a": 1.0, "b": "x"})
    found = decode("avro", good[:-1], good + b"\0", good, b"\0\0\0\0\x01\x09", b"\0\0\0\0\x01")
    assert [(1.0, "x")] == rows(found)
    assert [
        ("malformed_avro", 0),
        ("malformed_avro", 1),
        ("malformed_avro", 3),
        ("malformed_avro", 4),
    ] == refusals(found)


def test_missing_fastavro(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional package Avro records wait, with a hint."""
    monkeypatch.setitem(__import__("sys").modules, "fastavro", None)
    with pytest.raises(SourceError, match="fastavro") as caught:
        decode("auto", avro(LOAN, {"a": 1.0, "b": "x"}))
    assert "driftd[avro]" in caught.value.hint


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


def test_numbers_as_texts_of_avro() -> None:
    """Odd types are told in Avro as they are in JSON."""
    schema = {**LOAN, "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "int"}]}
    by_avro = decode(
        "avro", avro(schema, {"a": "1", "b": 3}), schemas=Known(_1=Schema("AVRO", json.dumps(schema)))
    )
    by_json = decode("json", b'{"a": "1", "b": 3}')
    assert [Odd.NUMBER_AS_STRING] == by_avro.frame["@odd.a"].to_list()
    same(by_json, by_avro)
