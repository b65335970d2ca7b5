"""Records of many forms: nested, arrays, several rows in one, tables with objects."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from detectors.layout import Column, Kind, Odd, Role
from monitor.decode.assembly import Decoded
from monitor.decode.decoder import Decoder
from monitor.decode.inference import infer_from_table
from monitor.decode.mapping import Records

A, B = Column("a", Kind.NUMERIC), Column("b", Kind.CATEGORICAL)


def decode(options: dict[str, Any], columns: tuple[Column, ...], *records: object) -> Decoded:
    """Decode records."""
    block = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    return Decoder(Records.model_validate(options), columns).ndjson(block, "p", 0, 0)


def test_rows_of_a_batch_record() -> None:
    """One record with several rows: elements go with their row, the rest repeats, ids are told apart."""
    options = {
        "id": "$.id",
        "expand": "$.instances",
        "features": "$.instances",
        "prediction": "$.predictions[*]",
        "version": "$.model",
    }
    columns = (A, B, Column("predictions", Kind.NUMERIC, Role.PREDICTION))
    record = {
        "id": "r",
        "model": "v2",
        "instances": [{"a": 1, "b": "x"}, {"a": 2}],
        "predictions": [0.5, 0.7],
    }
    found = decode(options, columns, record, {"id": "s", "instances": 5}, {"id": "t", "instances": []})
    assert ["r#0", "r#1"] == found.frame["@id"].to_list()
    assert [1.0, 2.0] == found.frame["a"].to_list()
    assert [0.5, 0.7] == found.frame["predictions"].to_list()
    assert ["v2", "v2"] == found.frame["@version"].to_list()
    assert [Odd.NONE, Odd.MISSING] == found.frame["@odd.b"].to_list()
    assert ["bad_expand", "empty_record"] == [reject.reason for reject in found.rejects]


def test_rows_of_arrays() -> None:
    """Rows that are arrays have columns by position; arrays of unequal length make no rows."""
    options = {"expand": "$.data", "features": "$.data", "label": "$.labels[*]"}
    columns = (
        Column("data-0", Kind.NUMERIC),
        Column("data-1", Kind.NUMERIC),
        Column("labels", Kind.NUMERIC, Role.LABEL),
    )
    found = decode(
        options, columns, {"data": [[1, 2], [3, 4]], "labels": [0, 1]}, {"data": [[1, 2]], "labels": [1, 2]}
    )
    assert [1.0, 3.0] == found.frame["data-0"].to_list()
    assert [2.0, 4.0] == found.frame["data-1"].to_list()
    assert ["unequal_lengths"] == [reject.reason for reject in found.rejects]


def test_array_of_features() -> None:
    """An array of numbers has columns by position."""
    columns = (Column("x-0", Kind.NUMERIC), Column("x-1", Kind.NUMERIC))
    found = decode({"features": "$.in.x"}, columns, {"in": {"x": [1.5, 2]}}, {"in": {"x": [3, 4, 5]}})
    assert [1.5, 3.0] == found.frame["x-0"].to_list()
    assert {"x-2": 1} == found.unknown


def test_nested_features_and_unknown_ones() -> None:
    """Nested objects are joined by dots; what is neither mapped nor ignored is unknown."""
    options = {"id": "$.id", "features": "$.*", "label": "$.out.y", "ignore": ["debug"]}
    columns = (Column("p.a", Kind.NUMERIC), B, Column("y", Kind.CATEGORICAL, Role.LABEL, integer=True))
    found = decode(
        options, columns, {"id": 1, "p": {"a": 2, "new": 3}, "b": "x", "out": {"y": 1}, "debug": 9}
    )
    assert [2.0] == found.frame["p.a"].to_list()
    assert ["1"] == found.frame["y"].to_list()
    assert ["1"] == found.frame["@id"].to_list()
    assert {"p.new": 1} == found.unknown


def test_features_by_paths() -> None:
    """Features may be a list of paths or a mapping; columns that no row carries are absent."""
    by_list = decode({"features": ["$.x.a", "$.b"]}, (A, B), {"x": {"a": 1}, "b": "k"})
    by_name = decode({"features": {"a": "$.x.q", "b": "$['b b']"}}, (A, B), {"x": {"q": 1}, "b b": "k"})
    assert by_list.frame.equals(by_name.frame)
    assert frozenset({"b"}) == decode({"features": ["$.x.a", "$.b"]}, (A, B), {"x": {"a": 1}}).absent


def test_table_with_objects_and_arrays() -> None:
    """A table's objects and arrays are found by the same paths as those of records."""
    records = [
        {"id": "1", "in": {"a": 1.0, "b": "x"}, "v": [1, 2]},
        {"id": "2", "in": {"a": None, "b": "y"}, "v": [3, 4]},
    ]
    columns = (A, B, Column("v0", Kind.NUMERIC))
    options = {"id": "$.id", "features": {"a": "$.in.a", "b": "$.in.b", "v0": "$.v[0]"}}
    decoder = Decoder(Records.model_validate(options), columns)
    frame = pl.DataFrame(records)
    found = decoder.table(frame.select(decoder.table_map(frame.schema).wanted), (), "p", 0, 0)
    lines = decode(options, columns, *records)
    assert lines.frame.equals(found.frame)


def test_reference_tables_of_messages() -> None:
    """What messages bring beside their records, a table has in columns of the same name; they are no features."""
    options = {
        "id": "@key",
        "timestamp": "@request.timestamp",
        "features": "$.request.inputs",
        "label": "@label.headers.truth",
        "segments": ["@topic"],
    }
    frame = pl.DataFrame({"key": ["k"], "timestamp": [1_700_000_000], "a": [1.5], "truth": ["yes"]})
    records = Records.model_validate(options)
    columns = infer_from_table(records, frame)
    assert [("a", Role.FEATURE), ("truth", Role.LABEL)] == [(c.name, c.role) for c in columns]
    decoder = Decoder(records, columns)
    assert ("key", "timestamp", "a", "truth") == decoder.table_map(frame.schema).wanted
    (row,) = decoder.table(frame, (), "p", 0, 0).frame.to_dicts()
    assert {"@id": "k", "@time": 1_700_000_000_000_000, "a": 1.5, "truth": "yes", "@ordinal": 0} == row


def test_table_of_text() -> None:
    """CSV: quoted fields with separators and line ends, wrong numbers of fields, missing values."""
    from monitor.decode.delimited import read_header

    header = read_header(b"\xef\xbb\xbfid;a;b\r\n")
    block = b'1;1.5;"x;y"\r\n2;;plain\n3;4\n4;abc;"two\nlines"\n\n5;7;z\n'
    found = Decoder(Records.model_validate({"id": "$.id"}), (A, B)).csv(header, block, "p", 10, 0)
    assert ["1", "2", "4", "5"] == found.frame["@id"].to_list()
    assert [1.5, None, None, 7.0] == found.frame["a"].to_list()
    assert ["x;y", "plain", "two\nlines", "z"] == found.frame["b"].to_list()
    assert [0, 0, Odd.WRONG_TYPE, 0] == found.frame["@odd.a"].to_list()
    assert [("wrong_field_count", 10 + block.index(b"3;4"))] == [(r.reason, r.offset) for r in found.rejects]
