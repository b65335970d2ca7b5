"""Times, statuses, latencies, categories and paths."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.layout import Odd
from monitor.decode.cells import categorical_cells, is_ascii, numeric_cells
from monitor.decode.mapping import Records
from monitor.decode.paths import ABSENT, format_path, parse_path
from monitor.decode.service import latencies, statuses
from monitor.decode.times import microseconds

NOON = 1_714_564_800 * 10**6


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00.000Z",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01 12:00:00",
        "2024-05-01 12:00:00+00:00",
        "2024-05-01t12:00:00z",
        "2024-05-01T12:00",
        "2024-05-01T12:00:00.000000",
        " 2024-05-01T12:00:00Z ",
        "1714564800",
        "1714564800000",
        "1714564800.0",
    ],
)
def test_texts_of_noon(text: str) -> None:
    """All usual writings of a moment are that moment, also beside other writings."""
    assert [NOON] == microseconds(pl.Series([text])).to_list()
    assert [NOON, NOON, None] == microseconds(pl.Series(["2024-05-01T12:00:00Z", text, "soon"])).to_list()


def test_dates_and_formats() -> None:
    """A date is its midnight; a format of one's own is used as it stands."""
    assert [NOON - 43_200 * 10**6] == microseconds(pl.Series(["2024-05-01"])).to_list()
    assert [NOON] == microseconds(pl.Series(["01/05/2024 12:00:00"]), "%d/%m/%Y %H:%M:%S").to_list()
    assert [None] == microseconds(pl.Series(["2024-05-01T12:00:00Z"]), "%d/%m/%Y %H:%M:%S").to_list()
    zone = dt.timezone(dt.timedelta(hours=2))
    assert [NOON] == microseconds(pl.Series([dt.datetime(2024, 5, 1, 14, tzinfo=zone)])).to_list()


@given(st.integers(10**8, 4 * 10**9), st.integers(0, 999_999))
def test_numbers_of_every_unit(seconds: int, micro: int) -> None:
    """The size of a number tells its unit, and no digit is lost, whatever stands beside it."""
    moment = seconds * 10**6 + micro
    numbers = pl.Series([seconds, moment // 1000, moment, moment * 1000 + 7])
    expected = [seconds * 10**6, moment // 1000 * 1000, moment, moment]
    assert expected[2:] == microseconds(numbers, "auto").to_list()[2:]
    for number, wanted, unit in zip(numbers, expected, ("s", "ms", "us", "ns"), strict=True):
        assert [wanted] == microseconds(pl.Series([number]), unit).to_list()


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(10**10, 10**12) | st.none(), min_size=1))
def test_numbers_beside_others(numbers: list[int | None]) -> None:
    """A column of times reads each number as it reads it alone."""
    for time_format in ("auto", "s", "ms", "us", "ns"):
        alone = [
            microseconds(pl.Series([number], dtype=pl.Int64), time_format).to_list()[0] for number in numbers
        ]
        assert alone == microseconds(pl.Series(numbers, dtype=pl.Int64), time_format).to_list()


def test_no_times() -> None:
    """What is no time is null: NaN, far too large numbers, booleans, words."""
    assert [None, None, None] == microseconds(pl.Series([float("nan"), float("inf"), 1e300])).to_list()
    assert [None] == microseconds(pl.Series([True])).to_list()
    assert [None, None] == microseconds(pl.Series(["", "tomorrow"])).to_list()


def test_statuses() -> None:
    """HTTP codes as they are, gRPC codes and words as their HTTP codes, anything else null."""
    assert [200, 503, 504, 200, None] == statuses(pl.Series([200, 503, 4, 0, 77])).to_list()
    words = ["200", "OK", "error", "DEADLINE_EXCEEDED", "Not Found", "Timed out", "who knows", None]
    assert [200, 200, 500, 504, 404, 504, None, None] == statuses(pl.Series(words)).to_list()
    assert [200, 500, None] == statuses(pl.Series([True, False, None])).to_list()
    assert [None] == statuses(pl.Series([b"x"])).to_list()


def test_latencies() -> None:
    """Seconds; negative and endless ones are none."""
    assert [0.25, None, None, None] == latencies(pl.Series([250.0, -1.0, float("inf"), None]), "ms").to_list()
    assert [pytest.approx(1.5e-6)] == latencies(pl.Series(["1.5"]), "us").to_list()


def test_numbers_in_text() -> None:
    """A number in text is null with its code where the source knows types, and a number where it does not."""
    series = pl.Series(["42", "4x", None, "NA"])
    typed, plain = numeric_cells(series), numeric_cells(series, text=True)
    assert [None] * 4 == typed.values.to_list()
    assert typed.odd is not None
    assert [Odd.NUMBER_AS_STRING, Odd.WRONG_TYPE, Odd.NONE, Odd.WRONG_TYPE] == typed.odd.tolist()
    assert [42.0, None, None, None] == plain.values.to_list()
    assert plain.odd is not None
    assert [Odd.NONE, Odd.WRONG_TYPE, Odd.NONE, Odd.NONE] == plain.odd.tolist()


def test_categories() -> None:
    """Numbers are categories only where the reference's are; whole ones have no point."""
    assert ["1", "0", "2.5", None] == categorical_cells(
        pl.Series([1.0, 0.0, 2.5, None]), numbers=True
    ).values.to_list()
    strange = categorical_cells(pl.Series([1, None]))
    assert [None, None] == strange.values.to_list()
    assert strange.odd is not None
    assert [Odd.WRONG_TYPE, Odd.NONE] == strange.odd.tolist()
    assert ["true", "false"] == categorical_cells(pl.Series([True, False])).values.to_list()
    broken = categorical_cells(pl.Series(["M\ufffdlaga", "Oslo"]))
    assert broken.odd is not None
    assert [Odd.BAD_ENCODING, Odd.NONE] == broken.odd.tolist()
    assert categorical_cells(pl.Series(["Málaga", "Oslo", None])).odd is None
    assert ["1", "x"] == categorical_cells(pl.Series(["1.0", "x"]), numbers=True, text=True).values.to_list()


@pytest.mark.parametrize("rows", [1, 3, 5000])
def test_texts_beyond_ascii(rows: int) -> None:
    """One is found among few and among many; nulls are none, and no text at all is none either."""
    assert is_ascii(pl.Series(["Oslo", None] * rows))
    assert not is_ascii(pl.Series(["Oslo", None] * rows + ["Málaga"]))
    assert is_ascii(pl.Series([None] * rows, dtype=pl.String))
    assert is_ascii(pl.Series([], dtype=pl.String))


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4))
def test_paths_of_any_keys(keys: list[str]) -> None:
    """Whatever the keys are, the path that is written for them finds the value."""
    record: object = 7
    for key in reversed(keys):
        record = {key: record}
    assert parse_path(format_path(*keys)).find(record) == 7


def test_paths() -> None:
    """Arrays by position, absent values are told from nulls."""
    record = {"a": [{"b": None}, 5]}
    assert parse_path("$.a[0].b").find(record) is None
    assert parse_path("$.a[1]").find(record) == 5
    assert parse_path("$.a[2]").find(record) is ABSENT
    assert parse_path("$.a.b").find(record) is ABSENT
    for wrong in ("a", "$a", "$.", "$.a[", "$.a[-1]", "$.*.b", "$['x"):
        with pytest.raises(ValueError, match="path"):
            parse_path(wrong)


def test_mapping_mistakes() -> None:
    """Several values where one is needed, unknown roles and no features are refused."""
    mistakes: list[dict[str, object]] = [
        {"label": "$.*"},
        {"lable": "$.y"},
        {"features": []},
        {"timestamp_format": "iso"},
    ]
    for wrong in mistakes:
        with pytest.raises(ValueError, match="validation error"):
            Records.model_validate(wrong)
