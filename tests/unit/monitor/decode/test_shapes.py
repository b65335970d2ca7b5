"""Lines read all at once give the same rows as lines read one by one."""

from __future__ import annotations

import json
import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from detectors.layout import Column, Kind, Role
from monitor.decode.halves import HalvesReader
from monitor.decode.mapping import Records
from monitor.decode.ndjson import NdjsonReader
from monitor.decode.plan import compile_plan
from tests.thorough import examples

COLUMNS = (
    Column("age", Kind.NUMERIC, integer=True),
    Column("income", Kind.NUMERIC),
    Column("city", Kind.CATEGORICAL),
    Column("flag", Kind.CATEGORICAL),
    Column("y", Kind.CATEGORICAL, Role.PREDICTION, integer=True),
)
RECORDS = Records.model_validate(
    {
        "id": "$.id",
        "timestamp": "$.at",
        "features": "$.x",
        "prediction": "$.y",
        "status": "$.status",
        "latency": {"path": "$.ms", "unit": "ms"},
    }
)
PLAN = compile_plan(RECORDS, COLUMNS)
LIMIT = 400
HALVES = HalvesReader(PLAN, LIMIT, smallest=1)

numbers = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-1e6, 1e6),
)
texts = st.one_of(
    st.sampled_from(["Rome", "Oslo", "a,b", 'say "x"', "naïve", "\ufffd", "", "null", "1", "1.e5", "x:.e"]),
    st.text(max_size=8),
)
anything = st.one_of(numbers, texts, st.booleans(), st.none(), st.just({"deep": [1]}), st.just([]))
usual = st.fixed_dictionaries(
    {
        "id": st.one_of(texts, st.integers(-5, 10**12), st.integers(2**62, 2**64)),
        "at": st.one_of(st.integers(10**9, 2 * 10**9), st.just("2024-05-01T10:00:00Z")),
        "x": st.fixed_dictionaries(
            {"age": numbers, "income": numbers, "city": texts, "flag": st.booleans()},
            optional={"new": anything, "other": anything},
        ),
        "y": st.sampled_from([0, 1, 1.0, None]),
    },
    optional={"status": st.sampled_from([200, 503, "200", "error", True, None]), "ms": anything},
)
strange = st.dictionaries(st.sampled_from(["id", "at", "x", "y", "status"]), anything)
WRONG = [
    b"",
    b"   ",
    b"{",
    b"[1]",
    b"null",
    b'{"at": 1e400}',
    b'{"id":"1","at":1700000000,"x":{"age":01,"income":1,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":+1,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":1.,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":1.e5,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":.5,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":-01,"income":5,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":nan,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":NaN,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":"a"b","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":"a","flag":tru},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"age":2,"income":5,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":"\xff","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":"\\ud800","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":"a\tb","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":"a","flag":true},"y":1},',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":"a","flag":true},"y":1}}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":"5","city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":{"age":1,"income":5 ,"city":"a","flag":true},"y":1}\r',
    b' {"id":"1","at":1700000000,"x":{"age":1,"income":5,"city":"a","flag":true},"y":1}',
    b'{"id":"1","at":1700000000,"x":null,"y":1}',
    b'{"id":"1","at":null,"x":{"age":null,"income":null,"city":null,"flag":null},"y":null}',
    b'{"id":"' + b"x" * LIMIT + b'"}',
]


def dump(record: dict[str, Any], style: int) -> bytes:
    """A record as one of several writers would put it."""
    separators = [(",", ":"), (", ", ": "), (" ,", " : ")][style]
    return json.dumps(record, separators=separators, ensure_ascii=style == 1).encode("utf-8", "surrogatepass")


lines = st.lists(
    st.one_of(
        st.builds(dump, usual, st.sampled_from([0, 0, 0, 1, 2])),
        st.builds(dump, strange, st.just(0)),
        st.sampled_from(WRONG),
    ),
    max_size=40,
)


def read(data: bytes, worthwhile: int, offset: int = 7) -> Any:
    """Decode with templates for runs of at least so many lines."""
    reader = NdjsonReader(PLAN, LIMIT, worthwhile=worthwhile)
    reader.read(PLAIN, "warm", offset, 0)
    return reader.read(data, "p", offset, 100)


@examples(150)
@given(lines, st.lists(st.builds(dump, usual, st.just(0)), min_size=1, max_size=3))
def test_shapes_change_nothing(mixed: list[bytes], common: list[bytes]) -> None:
    """Rows, oddities, rejects and unknown columns are equal whether lines are read by their shape or one by one."""
    data = b"\n".join([*common * 5, *mixed, *common * 5])
    compare(data)


PLAIN = b'{"id":"1","at":1700000000,"x":{"age":1,"income":5.25,"city":"a","flag":true},"y":1}'
edits = st.tuples(
    st.integers(0, len(PLAIN) - 1),
    st.sampled_from([0, 0, 1, 2]),
    st.sampled_from(
        [
            b"",
            b'"',
            b",",
            b".",
            b"0",
            b"-",
            b"+",
            b"e",
            b" ",
            b"}",
            b"{",
            b":",
            b"n",
            b"\\",
            b"1",
            b"null",
            b"\xc3",
        ]
    ),
)


@examples(150)
@given(st.lists(st.lists(edits, min_size=1, max_size=2), min_size=1, max_size=40))
def test_damaged_lines_of_a_known_shape(damages: list[list[tuple[int, int, bytes]]]) -> None:
    """A line of a known shape with a few wrong bytes has the same outcome as when it is read by itself."""
    damaged = []
    for damage in damages:
        line = PLAIN
        for place, cut, put in damage:
            line = line[:place] + put + line[place + cut :]
        damaged.append(line)
    compare(b"\n".join([PLAIN, *damaged, PLAIN]))


def test_long_numbers_as_identifiers() -> None:
    """Identifiers of 64 bits keep every digit, in whatever way their line is read."""
    numbers = [2**63 - 1 - i for i in range(70)]
    for extra in (b"", b',"x":{"city":"\\n"}', b',"ms":NaN'):
        data = b"\n".join(b'{"id":%d,"at":1700000000,"y":1%b}' % (number, extra) for number in numbers)
        found = NdjsonReader(PLAN, LIMIT).read(data, "p", 7, 0).frame["@id"].to_list()
        assert [str(number) for number in numbers] == found


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_line_among_good_ones(wrong: bytes) -> None:
    """A line that is wrong, or merely unusual, costs no other line and has one outcome of its own."""
    compare(b"\n".join([PLAIN, PLAIN, wrong, PLAIN]))


def compare(data: bytes) -> None:
    """Check that all ways of reading agree where a shape is known."""
    slow = read(data, 10**9)
    for fast in (read(data, 1), HALVES.read(data, "p", 7, 100)):
        assert_frame_equal(slow.frame, fast.frame, check_column_order=False, check_exact=True)
        assert [(r.reason, r.offset, r.data) for r in slow.rejects] == [
            (r.reason, r.offset, r.data) for r in fast.rejects
        ]
        assert slow.unknown == fast.unknown
        assert slow.absent == fast.absent


@examples(50)
@given(lines)
def test_every_line_has_one_outcome(mixed: list[bytes]) -> None:
    """Each line that is not blank becomes one row or one reject."""
    data = b"\n".join(mixed)
    found = read(data, 1)
    wanted = sum(1 for line in data.split(b"\n") if line.strip(b" \t\r"))
    assert wanted == found.frame.height + len(found.rejects)
    offsets = [r.offset for r in found.rejects]
    assert len(set(offsets)) == len(offsets)


def test_usual_lines_are_read_by_their_shape() -> None:
    """One shape is learnt from ordinary lines, and all of them fit it."""
    data = b"".join(
        dump(
            {
                "id": f"r{i}",
                "at": 1700000000 + i,
                "x": {"age": i, "income": i / 7, "city": "Rome", "flag": True},
                "y": i % 2,
            },
            1,
        )
        + b"\n"
        for i in range(200)
    )
    reader = NdjsonReader(PLAN, LIMIT)
    found = reader.read(data, "p", 0, 0)
    assert 1 == len(reader.templates)
    assert 200 == found.frame.height
    assert [i / 7 for i in range(200)] == found.frame["income"].to_list()
    assert ["0", "1"] == found.frame["y"].head(2).to_list()
    assert ["true"] == found.frame["flag"].unique().to_list()
    assert math.isclose(1_700_000_199e6, float(found.frame["@time"].max()))  # type: ignore[arg-type]
    assert pl.Float64 == found.frame["age"].dtype


def test_halves_of_a_block_are_one_block() -> None:
    """Two halves that are read side by side give the rows, running numbers, rejects and places of one block."""
    good = [PLAIN.replace(b'"1"', b'"%d"' % i, 1) for i in range(500)]
    data = b"\r\n".join([*good[:250], b'{"id":', *good[250:], b'{"id":"x","at":"no","y":1}', b""])
    whole = NdjsonReader(PLAN, LIMIT).read(data, "p", 7, 100)
    halves = HALVES.read(data, "p", 7, 100)
    assert_frame_equal(whole.frame, halves.frame, check_exact=True)
    assert whole.rejects == halves.rejects
    assert 2 == len(halves.rejects)
