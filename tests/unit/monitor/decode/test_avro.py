"""Avro records are the rows that the same records would be as JSON."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import uuid
from typing import Any

import pytest

from detectors.layout import Column, Kind, Odd, Role
from monitor.decode.decoder import Decoder
from monitor.decode.formats import ValueReader
from monitor.decode.mapping import Records
from monitor.decode.schemas import Schema
from monitor.sources.base import SourceError
from tests.unit.monitor.decode.sent import same, sent
from tests.unit.monitor.decode.wire import LOAN, Known, avro, decode, framed, refusals, rows

CENTS = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
EVERYTHING: dict[str, Any] = {
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
                    {"name": "amount", "type": CENTS},
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


def test_avro_types() -> None:
    """Logical types, unions, enums, bytes, records inside records and numbers that JSON does not have."""
    moment = dt.datetime(2024, 5, 1, 10, 0, 0, 250_000, dt.UTC)
    number = uuid.UUID("c0ffee00-0000-4000-8000-000000000001")
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
        sent(avro(EVERYTHING, value)), ValueReader("avro", Known(_1=Schema("AVRO", json.dumps(EVERYTHING))))
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


def test_numbers_as_texts_of_avro() -> None:
    """Odd types are told in Avro as they are in JSON."""
    schema = {**LOAN, "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "int"}]}
    by_avro = decode(
        "avro", avro(schema, {"a": "1", "b": 3}), schemas=Known(_1=Schema("AVRO", json.dumps(schema)))
    )
    by_json = decode("json", b'{"a": "1", "b": 3}')
    assert [Odd.NUMBER_AS_STRING] == by_avro.frame["@odd.a"].to_list()
    same(by_json, by_avro)
