"""The verdict rule: is a column's change significant, and is it large enough to matter?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Lt

from detectors import tails
from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.bottom_k import BottomK
from detectors.comparison import Comparison, Spans
from detectors.drift_words import describe
from detectors.effects import Effects
from detectors.evidence import TESTS, WEIGHTS, Evidence, judge_nulls, judge_shapes
from detectors.evidence_cells import judge_cells, judge_new_values
from detectors.layout import Layout, Role
from detectors.reference import Reference

Floats = npt.NDArray[np.float64]

NEWEST_WEIGHT = 4.0
"""The newest window alone has this many times the level of each longer span."""

STILL_THERE = 0.25
"""A longer span counts only while the same test on the newest window alone is below this: an old change that is over
must not be reported again."""


class Drift(WindowTest):
    """Whether a column's distribution has changed, and by an amount that matters.

    Each column is compared with the reference by several tests (Kolmogorov-Smirnov, location and spread of mid-ranks,
    rows out of range, null share, chi-square, worst category, new categories) over the newest 1, 2, 3, 5 and 8 windows.
    Dependence between rows, measured on the reference in its own order, divides the effective rows. The probabilities
    are combined into one for each column (Cauchy combination). *warning*: it is below level / (columns + 1); the one
    is the `correlation` test. *drift*: a warning, and the effect's lower confidence bound (at `level`) exceeds
    `effect`. Cost: about 2 ms for 50 columns, whatever the rows.

    The statistic is the effect: the largest of Kolmogorov distance (numbers) or total variation (categories), change
    of the null share, and share out of range or new; a share of rows in [0, 1], noise taken out.

    References:
        Liu and Xie (2020), JASA 115, 393-402. Kish (1965), Survey Sampling. Massart (1990), Annals of Probability 18.
    """

    type: Literal["drift"] = "drift"
    level: Annotated[float, Gt(0), Lt(0.5)] = 0.01
    """Share of quiet windows that may carry a warning, over all columns together."""
    effect: Annotated[float, Gt(0), Lt(1)] = 0.05
    """The effect that matters, as a share of rows."""

    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """One result for each feature, prediction, score and label; *insufficient* under the minimum of rows."""
        comparison = reference.comparison
        if not len(comparison.judged):
            return []
        if window.profile.rows < max(window.min_rows, 1) or reference.rows == 0:
            return [self._insufficient(reference.layout, int(i), window) for i in comparison.judged]
        spans = Spans.of(window)
        evidence = gather(comparison, spans, window)
        p = settle(evidence)
        column_p = tails.combine(p.transpose(1, 0, 2).reshape(p.shape[1], -1), _weights(spans))
        effects = Effects.of(comparison, spans, evidence, self.level)
        threshold = self.level / (len(comparison.judged) + 1)
        return [
            self._result(reference, window, c, spans, (p, evidence, effects), float(column_p[c]), threshold)
            for c in range(len(comparison.judged))
        ]

    def _insufficient(self, layout: Layout, i: int, window: Window) -> Result:
        column = layout.columns[i]
        detail = f"{window.profile.rows} rows, fewer than {max(window.min_rows, 1)}"
        return Result(
            column.name, self.type, Verdict.INSUFFICIENT, cause_of(column.role), float("nan"), self.effect,
            rows=window.profile.rows, detail=detail,
        )  # fmt: skip

    def _result(
        self,
        reference: Reference,
        window: Window,
        c: int,
        spans: Spans,
        findings: tuple[Floats, Evidence, Effects],
        p_value: float,
        threshold: float,
    ) -> Result:
        p, evidence, effects = findings
        i = int(reference.comparison.judged[c])
        column = reference.layout.columns[i]
        warned = p_value < threshold
        weighted = np.where(np.isnan(p[:, c]), 2.0, p[:, c])
        span, test = np.unravel_index(int(weighted.argmin()), weighted.shape)
        verdict, estimate = Verdict.OK, float(effects.estimate[0, c].max())
        if warned:
            live = ~np.isnan(p[:, c]).all(axis=1)
            bound = np.where(live[:, None], effects.bound[:, c], -1.0)
            best = int(bound.max(axis=1).argmax()) if bound.max() > self.effect else int(span)
            verdict = Verdict.DRIFT if bound.max() > self.effect else Verdict.WARNING
            estimate = float(effects.estimate[best, c].max())
        detail = (
            describe(reference, window, i, TESTS[test], spans, int(span), evidence.shift[span, c])
            if warned
            else ""
        )
        if evidence.stretched[0, c]:
            detail = "; ".join(filter(None, [detail, _short(reference, window)]))
        return Result(
            column.name, self.type, verdict, cause_of(column.role), estimate, self.effect, p_value, estimate,
            window.profile.rows, detail,
        )  # fmt: skip


def gather(comparison: Comparison, spans: Spans, window: Window) -> Evidence:
    """Run every test on every span."""
    found = Evidence.start(comparison, spans)
    judge_shapes(found, comparison, spans)
    judge_nulls(found, comparison, spans)
    judge_cells(found, comparison, spans)
    judge_new_values(found, comparison, spans, _unseen(comparison.layout, spans, window))
    return found


def settle(evidence: Evidence) -> Floats:
    """The probabilities that count, shape (spans, columns, tests).

    A longer span counts only while the newest window shows the same (`STILL_THERE`), and not at all where the
    reference holds too few windows of its length to know how much they vary.
    """
    p = evidence.p.copy()
    p[1:] = np.where((p[0] > STILL_THERE) & ~np.isnan(p[1:]), 1.0, p[1:])
    p[1:][evidence.stretched[1:]] = np.nan
    return p


def cause_of(role: Role) -> Cause:
    """The alert group of a column's drift."""
    return Cause.PREDICTION_DRIFT if role in (Role.PREDICTION, Role.SCORE) else Cause.DATA_DRIFT


def _weights(spans: Spans) -> Floats:
    """Shares of a column's level by span and test, flat."""
    by_span = np.where(np.array(spans.lengths) == 1, NEWEST_WEIGHT, 1.0)
    return np.outer(by_span, WEIGHTS).ravel()


def _unseen(layout: Layout, spans: Spans, window: Window) -> list[dict[int, BottomK]]:
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


def _short(reference: Reference, window: Window) -> str:
    """Why little can be said of a column."""
    fits = reference.rows / max(window.profile.rows, 1)
    return f"rows depend on each other and the reference holds only {fits:.1f} such windows: judged with wide margins"
