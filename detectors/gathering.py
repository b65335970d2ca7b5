"""All tests of the verdict rule on one window, and which of their probabilities count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.base import Window
from detectors.bottom_k import BottomK
from detectors.evidence import WEIGHTS, Evidence, Finding
from detectors.evidence_cells import WorstCell, judge_cells
from detectors.evidence_new_values import judge_new_values
from detectors.evidence_numeric import draws_outside, judge_distance, judge_means
from detectors.layout import Layout
from detectors.observation import Observation
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
        seen: the window.
        evidence: every test on every span.
        p: float64, shape (spans, judged columns, tests): the probabilities that count, NaN where there is none. A
            longer span counts only while the newest window shows the same (`STILL_THERE`) and is like the older ones
            (`uniform`), and not where the reference holds too few windows of its length to know how they vary.
        combined: float64, shape (judged columns,): one probability for each column.
    """

    seen: Observation
    evidence: Evidence
    p: Floats
    combined: Floats

    @classmethod
    def of(cls, seen: Observation) -> Gathered:
        """Run every test on every span."""
        spans, found = seen.spans, Evidence.start(seen.comparison, seen.spans)
        findings = _judge_counts(found, seen)
        if seen.numbers is not None:
            judge_means(found, seen.numbers)
            findings.append(judge_distance(found, seen.numbers))
        if seen.cells is not None:
            findings.append(judge_cells(found, seen.cells))
            judge_new_values(found, seen.cells, unseen_values(seen.comparison.layout, spans, seen.window))
        found.put_widened(findings)
        p = found.p
        if len(spans.lengths) > 1:
            p = found.p.copy()
            p[1:] = np.where((p[0] > STILL_THERE) & ~np.isnan(p[1:]), 1.0, p[1:])
            usable = uniform(found, seen) & ~found.strengths.stretched
            p[1:][~usable[1:]] = np.nan
        by_span = np.where(np.array(spans.lengths) == 1, NEWEST_WEIGHT, 1.0)
        flat = p.transpose(1, 0, 2).reshape(p.shape[1], -1)
        return cls(seen, found, p, tails.combine(flat, np.outer(by_span, WEIGHTS).ravel()))


def _judge_counts(found: Evidence, seen: Observation) -> list[Finding]:
    """Tests by exact tails of counts, all in one evaluation: enters below and above, returns null and cell."""
    numbers, cells = seen.numbers, seen.cells
    worst = None if cells is None else WorstCell.of(found, cells)
    draws = [_draw_empty(found, seen)]
    if worst is not None:
        draws.append(worst.draw)
    two_sided = [side for draw in draws for side in (draw, draw.rest())]
    outside = [] if numbers is None else draws_outside(found, numbers)
    p = tails.hypergeometric_uppers([*two_sided, *outside])
    if numbers is not None:
        for test, tail in zip(("below", "above"), p[-2:], strict=True):
            found.put(test, numbers.side.places, tail, numbers.usable)
    comparison = seen.comparison
    everywhere, df = np.arange(len(comparison.judged)), found.strengths.null.df
    findings = [Finding("null", everywhere, tails.both(p[0], p[1]), df, ~comparison.late)]
    if worst is not None and cells is not None:
        findings.append(worst.judge(found, cells, p[2], p[3]))
    return findings


def _draw_empty(found: Evidence, seen: Observation) -> tails.Draw:
    """What the test null asks: so many rows without a usable value; not for labels, which may come late."""
    total, n = float(seen.comparison.rows), seen.spans.rows[:, None].astype(float)
    empty, before = n - seen.with_value, total - seen.comparison.valued
    d = found.strengths.null.design
    return tails.Draw(empty / d, (empty + before) / d, n / d, (n + total) / d)


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
