"""Two sets of rows, no configuration: what changed from the one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors.base import Result, Verdict, WindowTest
from detectors.profile import Profile, profile_rows
from monitor.evaluation import Evaluation, Evaluator, worst
from monitor.results import result_json
from monitor.windows.book import ClosedWindow
from monitor.windows.spec import Key, WindowSpec

if TYPE_CHECKING:
    import polars as pl

    from detectors.reference import Reference

FEWEST_ROWS = 30
"""Fewer rows say nothing."""


@dataclass(frozen=True)
class ColumnChange:
    """What was found on one column.

    Attributes:
        name: the column; "" for the rows as a whole.
        verdict: the worst of its results.
        results: of all tests, worst first.
    """

    name: str
    verdict: Verdict
    results: tuple[Result, ...]

    @property
    def effect(self) -> float:
        """The effect that the verdict rule found; 0 where there is none."""
        found = [abs(r.effect_size) for r in self.results if r.test == "drift" and r.effect_size is not None]
        return max(found, default=0.0)


@dataclass(frozen=True)
class Comparison:
    """What changed.

    Attributes:
        reference: the yardstick. now: profile of the rows that were compared with it.
        columns: every column, worst first.
    """

    reference: Reference
    now: Profile
    columns: tuple[ColumnChange, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict."""
        return worst(column.verdict for column in self.columns)

    def to_json(self) -> dict[str, Any]:
        """The public object of `compare --format json`."""
        return {
            "verdict": self.verdict.value,
            "rows": {"reference": self.reference.rows, "current": self.now.rows},
            "columns": [
                {
                    "name": column.name,
                    "verdict": column.verdict.value,
                    "results": [result_json(result) for result in column.results],
                }
                for column in self.columns
            ],
        }


def compare(reference: Reference, frame: pl.DataFrame, tests: Sequence[WindowTest]) -> Comparison:
    """Compare rows with a reference, as one window.

    Args:
        reference: what is normal.
        frame: rows in canonical columns.
        tests: what is tested.
    """
    profile = profile_rows(reference.layout, frame)
    spec = WindowSpec("all", max(profile.rows, 1), max(profile.rows, 1), by_rows=True, min_rows=FEWEST_ROWS)
    window = ClosedWindow(spec, Key(), 0, profile.rows, profile)
    evaluation: Evaluation = Evaluator(tests).evaluate(reference, window, ())
    found: dict[str, list[Result]] = {column.name: [] for column in reference.layout.columns}
    for result in evaluation.results:
        found.setdefault(result.column, []).append(result)
    columns = [_change(name, results) for name, results in found.items() if results]
    columns.sort(key=lambda column: (-column.verdict.rank, -column.effect))
    return Comparison(reference, profile, tuple(columns))


def _change(name: str, results: Sequence[Result]) -> ColumnChange:
    ordered = sorted(results, key=lambda result: -result.verdict.rank)
    return ColumnChange(name, worst(result.verdict for result in results), tuple(ordered))
