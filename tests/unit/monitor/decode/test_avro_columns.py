"""Avro records read side by side give the same rows as records read one by one."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.layout import Column, Kind, Role
from monitor.decode.avro import AvroReader
from monitor.decode.avro_columns import AvroColumns
from monitor.decode.avro_leaves import Leaf, leaves_of
from monitor.decode.decoder import Decoder
from monitor.decode.formats import ValueReader
from monitor.decode.mapping import Records
from monitor.decode.schemas import Schema
from monitor.sources.kafka.messages import Messages
from tests.thorough import examples
from tests.unit.monitor.decode.sent import Sent, same, sent
from tests.unit.monitor.decode.wire import Known, avro

RECORDS = {
    "id": "$.id",
    "timestamp": "$.at",
    "features": "$.in",
    "prediction": "$.y",
    "latency": "$.in.ms",
    "segments": ["@key"],
}
CENTS = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}
FIXED = {"type": "fixed", "logicalType": "decimal", "precision": 21, "scale": 3, "size": 9, "name": "Big"}
doubles = st.one_of(st.floats(), st.integers(-5, 5).map(float))
longs = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-70, 70))
moments = st.datetimes(dt.datetime(1890, 1, 1), dt.datetime(2210, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
texts = st.one_of(st.text(max_size=5), st.sampled_from(["a", "1", "\ufffd", "2024-05-01"]))
KINDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "double": ("double", doubles),
    "float": ("float", st.floats(width=32)),
    "long": ("long", longs),
    "int": ("int", st.integers(-(2**31), 2**31 - 1)),
    "boolean": ("boolean", st.booleans()),
    "string": ("string", texts),
    "enum": ({"type": "enum", "name": "E{n}", "symbols": ["A", "B", "C"]}, st.sampled_from(["A", "B", "C"])),
    "null": ("null", st.none()),
    "uuid": ({"type": "string", "logicalType": "uuid"}, st.uuids()),
    "bytes": ("bytes", st.binary(max_size=4)),
    "fixed": ({"type": "fixed", "name": "F{n}", "size": 3}, st.binary(min_size=3, max_size=3)),
    "cents": (CENTS, st.integers(-999_999, 999_999).map(lambda i: decimal.Decimal(i).scaleb(-2))),
    "big": (
        {**FIXED, "name": "Big{n}"},
        st.integers(-(10**20), 10**20).map(lambda i: decimal.Decimal(i).scaleb(-3)),
    ),
    "millis": ({"type": "long", "logicalType": "timestamp-millis"}, moments),
    "local": (
        {"type": "long", "logicalType": "local-timestamp-micros"},
        moments.map(lambda m: m.replace(tzinfo=None)),
    ),
    "date": ({"type": "int", "logicalType": "date"}, st.dates(dt.date(1890, 1, 1), dt.date(2210, 1, 1))),
    "time": (
        {"type": "int", "logicalType": "time-millis"},
        st.times().map(lambda t: t.replace(microsecond=0)),
    ),
    "list": ({"type": "array", "items": "int"}, st.lists(st.integers(0, 3), max_size=2)),
}
anything = [name for name in KINDS if name != "list"]
quick = ["double", "float", "long", "int", "boolean", "string", "enum", "null", "uuid", "cents", "big"]


Field = tuple[dict[str, Any], st.SearchStrategy[Any]]
numbers = iter(range(10**9))
"""Types need names of their own."""


@st.composite
def fields(draw: st.DrawFn, name: str, kinds: list[str]) -> Field:
    """A field of one of some kinds, that may be null or not, and its values."""
    kind = draw(st.sampled_from(kinds))
    schema, values = KINDS[kind]
    if isinstance(schema, dict) and "name" in schema:
        schema = {**schema, "name": schema["name"].format(n=next(numbers))}
    form = draw(st.sampled_from(["bare", "null first", "null last", "alone"]))
    if kind == "null" or form == "bare":
        return {"name": name, "type": schema}, values
    if form == "alone":
        return {"name": name, "type": [schema]}, values
    both = ["null", schema] if form == "null first" else [schema, "null"]
    return {"name": name, "type": both}, st.none() | values


def records_of(name: str, members: list[Field]) -> Field:
    """A record of fields as the type of another field, and its values."""
    kind = {"type": "record", "name": name.title(), "fields": [field for field, _ in members]}
    values = st.fixed_dictionaries({field["name"]: strategy for field, strategy in members})
    return {"name": name, "type": kind}, values


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], list[Any], tuple[Column, ...]]:
    """A schema, records of it, and modelled columns."""
    mostly = quick * 4 + anything
    inner = [draw(fields(f"f{i}", mostly)) for i in range(draw(st.integers(1, 3)))]
    inner += [draw(fields(f"u{i}", anything)) for i in range(draw(st.integers(0, 3)))]
    if draw(st.booleans()):
        inner.append(draw(fields("ms", ["double", "long", "string"])))
    inner.append(records_of("deep", [draw(fields("d", mostly))]))
    outer = [
        draw(fields("id", ["string", "uuid", "long"])),
        draw(fields("at", ["millis", "local", "date", "long", "string", "millis"])),
        draw(fields("y", ["int", "double", "enum", "boolean", "string"])),
        records_of("in", inner),
    ]
    field, values = records_of("out", outer)
    kinds = st.sampled_from([Kind.NUMERIC, Kind.CATEGORICAL])
    columns = [
        Column(name, draw(kinds), integer=draw(st.booleans())) for name in ("f0", "f1", "f2", "deep.d")
    ]
    columns.append(Column("y", Kind.CATEGORICAL, Role.PREDICTION, integer=draw(st.booleans())))
    return field["type"], draw(st.lists(values, max_size=8)), tuple(columns)


edits = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 2), st.binary(max_size=2)), max_size=2)


@examples(200)
@given(cases(), st.lists(edits, max_size=8))
def test_side_by_side_is_one_by_one(
    case: tuple[dict[str, Any], list[Any], tuple[Column, ...]], damages: list[list[tuple[int, int, bytes]]]
) -> None:
    """Rows, oddities, unknown columns and rejects are equal, whole records and damaged ones."""
    schema, records, columns = case
    values = [avro(schema, record) for record in records]
    for i, damage in enumerate(damages[: len(values)]):
        for place, cut, put in damage:
            at = 5 + place % max(len(values[i]) - 5, 1)
            values[i] = values[i][:at] + put + values[i][at + cut :]
    messages = sent(*(Sent(value, b"k") for value in values))
    decoder = Decoder(Records.model_validate(RECORDS), columns)
    compare(decoder, messages, schema)


def compare(decoder: Decoder, messages: Messages, schema: dict[str, Any]) -> int:
    """Check that both ways agree; the number of records that were read side by side."""
    known = Known(_1=Schema("AVRO", json.dumps(schema)))
    with patch.object(AvroColumns, "read", autospec=True, side_effect=AvroColumns.read) as read:
        fast = decoder.messages(messages, ValueReader("avro", known))
    with patch.object(AvroReader, "columns", return_value=None):
        slow = decoder.messages(messages, ValueReader("avro", known))
    same(slow, fast)
    return sum(len(call.args[2]) for call in read.call_args_list)


EDGES = [
    0,
    1,
    -1,
    86_399_999,
    86_400_000,
    2**31,
    -(2**31),
    2**53,
    2**62,
    -(2**62),
    -62_135_596_800_000,
    4_102_444_800_000,
]


@pytest.mark.parametrize(
    "logical", ["timestamp-millis", "timestamp-micros", "local-timestamp-millis", "date", "time-millis"]
)
@pytest.mark.parametrize("role", ["timestamp", "label"])
def test_times_at_the_edges(logical: str, role: str) -> None:
    """Times that do not exist, or that few clocks show, come out as they do one by one, looked for or not."""
    bare = record("long", "double")
    kind = "int" if logical in {"date", "time-millis"} else "long"
    schema = record({"type": kind, "logicalType": logical}, "double")
    messages = sent(*(avro(bare, {"f0": edge, "f1": 1.0}) for edge in EDGES))
    options = {"features": ["$.f1"], role: "$.f0"} if role == "timestamp" else {"features": ["$.f1"]}
    decoder = Decoder(Records.model_validate(options), (Column("f1", Kind.NUMERIC),))
    expected = 0 if (role, logical) == ("timestamp", "time-millis") else len(EDGES)
    assert expected == compare(decoder, messages, schema)


@pytest.mark.parametrize("precision", [3, 9, 18])
def test_decimals_at_the_edges(precision: int) -> None:
    """Decimals of any length, too long and empty ones too, are the same numbers."""
    schema = record({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": 2})
    numbers = [0, 1, -1, 127, 128, -128, -129, 999, 1000, 2**53, 2**53 + 1, -(2**55), 2**60, 10**9]
    raw = [number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True) for number in numbers]
    raw += [b"", b"\0" * 9 + b"\1", b"\xff" * 3]
    messages = sent(*(avro(record("bytes"), {"f0": data}) for data in raw))
    decoder = Decoder(Records(), (Column("f0", Kind.NUMERIC),))
    assert len(raw) == compare(decoder, messages, schema)


@pytest.mark.parametrize(
    "text", ["C0FFEE00-0000-4000-8000-000000000001", "c0ffee00000040008000000000000001", "no uuid", "\xff"]
)
def test_identifiers_of_other_forms(text: str) -> None:
    """A uuid in another form is written as one by one reading writes it; what is none is refused, wanted or not."""
    schema = record({"type": "string", "logicalType": "uuid"}, "double")
    for options in ({"id": "$.f0"}, {"features": ["$.f1"]}):
        decoder = Decoder(Records.model_validate(options), (Column("f1", Kind.NUMERIC),))
        data = text.encode("latin-1")
        assert 2 == compare(
            decoder, sent(*[avro(record("bytes", "double"), {"f0": data, "f1": 1.0})] * 2), schema
        )


def leaves(schema: Any) -> tuple[Leaf, ...] | None:
    """The values of a schema."""
    import fastavro

    names: dict[str, Any] = {}
    return leaves_of(fastavro.parse_schema(schema, named_schemas=names), names)


def record(*kinds: Any, name: str = "R") -> dict[str, Any]:
    """A record with fields of some types."""
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": f"f{i}", "type": kind} for i, kind in enumerate(kinds)],
    }


@pytest.mark.parametrize(
    "schema",
    [
        "string",
        record(),
        record({"type": "array", "items": "int"}),
        record({"type": "map", "values": "int"}),
        record(["null", "int", "string"]),
        record(["null", record("int", name="I")]),
        record(record(["null", "R"], name="I")),
        record(["null"]),
    ],
)
def test_schemas_without_a_fixed_order(schema: Any) -> None:
    """Records whose values have no fixed order are read one by one."""
    assert leaves(schema) is None


def test_leaves() -> None:
    """Values have the path of their fields, named types are found again, and unions know their null."""
    inner = record({"type": "enum", "name": "E", "symbols": ["A"]}, name="n.I")
    found = leaves(record(inner, ["n.E", "null"], CENTS, {"type": "long", "logicalType": "odd"}, name="n.R"))
    assert found is not None
    assert [("f0", "f0"), ("f1",), ("f2",), ("f3",)] == [leaf.path for leaf in found]
    assert ["enum", "enum", "bytes", "long"] == [leaf.kind for leaf in found]
    assert [(0, -1), (2, 1), (0, -1), (0, -1)] == [(leaf.branches, leaf.null) for leaf in found]
    assert ["", "", "bytes-decimal", ""] == [leaf.logical for leaf in found]
    assert (6, 2) == (found[2].precision, found[2].scale)


def test_objects_are_made_for_none_of_them() -> None:
    """Records of an ordinary schema are not read one by one."""
    schema = record("double", ["null", "string"], {"type": "long", "logicalType": "timestamp-millis"})
    moment = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
    values = [avro(schema, {"f0": float(i), "f1": None, "f2": moment}) for i in range(5)]
    decoder = Decoder(Records.model_validate({"timestamp": "$.f2"}), (Column("f0", Kind.NUMERIC),))
    reader = ValueReader("auto", Known(_1=Schema("AVRO", json.dumps(schema))))
    with patch.object(AvroReader, "text", side_effect=AssertionError):
        found = decoder.messages(sent(*values), reader)
    assert [0.0, 1.0, 2.0, 3.0, 4.0] == found.frame["f0"].to_list()
    assert {"f1": 5} == found.unknown
