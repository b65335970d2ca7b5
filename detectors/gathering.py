"""All tests of the verdict rule on one window, and which of their probabilities count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.base import Window
from detectors.bottom_k import BottomK
from detectors.comparison import Comparison
from detectors.evidence import WEIGHTS, Evidence, judge_nulls
from detectors.evidence_cells import CellCounts, judge_cells, judge_new_values
from detectors.evidence_numeric import NumericCounts, judge_numbers
from detectors.layout import Layout
from detectors.spans import Spans
from detectors.uniformity import uniform

Floats = npt.NDArray[np.float64]

NEWEST_WEIGHT = 4.0
"""The newest window alone has this many times the level of each longer span."""

STILL_THERE = 0.25
"""A longer span counts only while the same test on the newest window alone is below this: an old change that is over
must not be reported again."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """What the tests say of one window.

    Attributes:
        evidence: every test on every span.
        numbers, cells: the counts that they were made from; None where there is no such column.
        p: float64, shape (spans, judged columns, tests): the probabilities that count, NaN where there is none. A
            longer span counts only while the newest window shows the same (`STILL_THERE`) and is like the older ones
            (`uniform`), and not where the reference holds too few windows of its length to know how they vary.
        combined: float64, shape (judged columns,): one probability for each column.
    """

    evidence: Evidence
    numbers: NumericCounts | None
    cells: CellCounts | None
    p: Floats
    combined: Floats

    @classmethod
    def of(cls, comparison: Comparison, spans: Spans, window: Window) -> Gathered:
        """Run every test on every span."""
        found = Evidence.start(comparison, spans)
        numbers = judge_numbers(found, comparison, spans)
        judge_nulls(found, comparison, spans)
        cells = judge_cells(found, comparison, spans)
        judge_new_values(found, comparison, spans, unseen_values(comparison.layout, spans, window))
        p = found.p.copy()
        p[1:] = np.where((p[0] > STILL_THERE) & ~np.isnan(p[1:]), 1.0, p[1:])
        usable = uniform(found, comparison, spans, numbers, cells) & ~found.stretched
        p[1:][~usable[1:]] = np.nan
        by_span = np.where(np.array(spans.lengths) == 1, NEWEST_WEIGHT, 1.0)
        flat = p.transpose(1, 0, 2).reshape(p.shape[1], -1)
        return cls(found, numbers, cells, p, tails.combine(flat, np.outer(by_span, WEIGHTS).ravel()))


def unseen_values(layout: Layout, spans: Spans, window: Window) -> list[dict[int, BottomK]]:
    """For each span, the values that the reference never had, by column position."""
    parts = [window.profile.unseen, *(profile.unseen for profile in window.history)]
    merged = []
    for length in spans.lengths:
        used = [part for part in parts[:length] if part]
        positions = {i for part in used for i in part}
        merged.append(
            {
                i: BottomK.merge(layout.unseen_values, [part[i] for part in used if i in part])
                for i in positions
            }
        )
    return merged
