"""The verdict rule: is a column's change significant, and is it large enough to matter?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Lt

from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.drift_words import Finding, describe
from detectors.effects import Effects
from detectors.evidence import TESTS
from detectors.gathering import Gathered
from detectors.layout import Layout, Role
from detectors.reference import Reference
from detectors.spans import Spans


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
        gathered = Gathered.of(comparison, spans, window)
        effects = Effects.of(comparison, spans, gathered, self.level)
        return self._results(reference, window, spans, Judgement.of(self, gathered, effects))

    def _insufficient(self, layout: Layout, i: int, window: Window) -> Result:
        column = layout.columns[i]
        detail = f"{window.profile.rows} rows, fewer than {max(window.min_rows, 1)}"
        return Result(
            column.name, self.type, Verdict.INSUFFICIENT, cause_of(column.role), float("nan"), self.effect,
            rows=window.profile.rows, detail=detail,
        )  # fmt: skip

    def _results(self, reference: Reference, window: Window, spans: Spans, judged: Judgement) -> list[Result]:
        """A result for each judged column."""
        results = []
        for c, i in enumerate(reference.comparison.judged.tolist()):
            column, span, detail = reference.layout.columns[i], judged.span[c], ""
            if judged.verdicts[c] is not Verdict.OK:
                detail = describe(
                    reference, window, Finding(i, judged.tests[c], spans, span, judged.shifts[c])
                )
            if judged.stretched[c]:
                detail = "; ".join(filter(None, [detail, _short(reference, window)]))
            estimate = judged.estimates[c]
            results.append(
                Result(
                    column.name,
                    self.type,
                    judged.verdicts[c],
                    cause_of(column.role),
                    estimate,
                    self.effect,
                    judged.p_values[c],
                    estimate,
                    window.profile.rows,
                    detail,
                )
            )
        return results


@dataclass(frozen=True)
class Judgement:
    """Verdicts by judged column, as plain values.

    Attributes:
        verdicts, p_values: of each column.
        estimates: its effect: over the span with the most certain one for *drift*, with the most significant one for
            *warning*, over the newest window else.
        tests, span, shifts: the most significant test, the span that it was made on, and the shift of ranks there.
        stretched: the reference is short for this window.
    """

    verdicts: list[Verdict]
    p_values: list[float]
    estimates: list[float]
    tests: list[str]
    span: list[int]
    shifts: list[float]
    stretched: list[bool]

    @classmethod
    def of(cls, drift: Drift, gathered: Gathered, effects: Effects) -> Judgement:
        """Warning: significant. Drift: that, and the effect's bound exceeds the effect that matters."""
        p, columns = gathered.p, np.arange(gathered.p.shape[1])
        warned = gathered.combined < drift.level / (len(columns) + 1)
        smallest = np.where(np.isnan(p), 2.0, p).transpose(1, 0, 2).reshape(len(columns), -1).argmin(axis=1)
        span, test = smallest // len(TESTS), smallest % len(TESTS)
        bound = np.where(np.isnan(p).all(axis=2), -1.0, effects.bound.max(axis=2))
        large = warned & (bound.max(axis=0) > drift.effect)
        told = np.where(large, bound.argmax(axis=0), np.where(warned, span, 0))
        names = {(False, False): Verdict.OK, (True, False): Verdict.WARNING, (True, True): Verdict.DRIFT}
        return cls(
            [names[bool(w), bool(d)] for w, d in zip(warned, large, strict=True)],
            gathered.combined.tolist(),
            effects.estimate.max(axis=2)[told, columns].tolist(),
            [TESTS[t] for t in test],
            span.tolist(),
            gathered.evidence.shift[span, columns].tolist(),
            gathered.evidence.stretched[0].tolist(),
        )


def cause_of(role: Role) -> Cause:
    """The alert group of a column's drift."""
    return Cause.PREDICTION_DRIFT if role in (Role.PREDICTION, Role.SCORE) else Cause.DATA_DRIFT


def _short(reference: Reference, window: Window) -> str:
    """Why little can be said of a column."""
    fits = reference.rows / max(window.profile.rows, 1)
    return f"rows depend on each other and the reference holds only {fits:.1f} such windows: judged with wide margins"
