"""Change detectors, row for row where River raises its alarms."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from detectors.base import Verdict
from detectors.ddm import DDM, DDMState
from detectors.page_hinkley import PageHinkley, PageHinkleyState

DETECTORS = {"DDM": (DDM(), DDMState()), "PageHinkley": (PageHinkley(), PageHinkleyState())}


def signal(shared: Path, case: dict[str, Any]) -> npt.NDArray[np.float64]:
    """The rows that the case was made from."""
    if case["input"].startswith("stream_error_bits"):
        errors = pl.read_parquet(shared / "cases/stream_error_bits.parquet")["error"]
        return np.asarray(errors.cast(pl.Float64).to_numpy(), dtype=np.float64)
    dataset, name = case["input"].split("/")
    frame = pl.read_parquet(shared / f"data/{dataset}.parquet")
    if dataset == "nab_known_cause":
        frame, name = frame.filter(pl.col("series").str.ends_with(name)), "value"
    column = frame[name]
    numbers = (column == "yes") if column.dtype == pl.String else column
    return np.asarray(numbers.cast(pl.Float64).to_numpy(), dtype=np.float64)


def alarms(word: str, rows: npt.NDArray[np.float64]) -> list[int]:
    """Rows at which our detector raises what River calls a drift."""
    detector, start = DETECTORS[word]
    _, found = detector.update(start, rows)
    return [row for row, result in found if word == "PageHinkley" or result.verdict is Verdict.DRIFT]


@pytest.mark.parametrize("word", sorted(DETECTORS))
def test_alarms_are_rivers(shared: Path, word: str) -> None:
    """The same rows, all of them, on streams of real errors, prices, loads and temperatures."""
    streams = json.loads((shared / "cases/oracle_cases.json").read_text())["streams"]
    cases = [case for case in streams if case["detector"].split()[2] == word]
    assert cases
    for case in cases:
        assert case["indices"] == alarms(word, signal(shared, case)), case["id"]


def peer_stream(case: dict[str, Any]) -> npt.NDArray[np.float64]:
    """The values of a published case."""
    return np.asarray(case["current"]["values"], dtype=np.float64)


@pytest.mark.parametrize("word", ["page_hinkley", "ddm"])
def test_alarms_are_those_of_rivers_documentation(shared: Path, word: str) -> None:
    """The examples in River's docstrings, first warnings included."""
    published = json.loads((shared / "cases/peer_numeric_cases.json").read_text())["cases"]
    case = next(c for c in published if c["id"] == f"river/{word}_doc")
    name = "DDM" if word == "ddm" else "PageHinkley"
    detector, start = DETECTORS[name]
    _, found = detector.update(start, peer_stream(case))
    assert case["expected"]["indices"] == alarms(name, peer_stream(case))
    warnings = [row for row, result in found if word == "ddm" and result.verdict is Verdict.WARNING]
    assert case["expected"].get("first_warnings", []) == warnings
