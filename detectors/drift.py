"""The verdict rule: is a column's change significant, and is it large enough to matter?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Lt

from detectors.base import Result, Verdict, Window, WindowTest
from detectors.comparison import Comparison
from detectors.drift_words import Finding, describe
from detectors.effects import Effects
from detectors.evidence import TESTS
from detectors.gathering import Gathered
from detectors.observation import Observation
from detectors.reference import Reference

_NAMES = (Verdict.OK, Verdict.WARNING, Verdict.DRIFT)


class Drift(WindowTest):
    """Whether a column's distribution has changed, and by an amount that matters.

    Each column is compared with the reference by several tests (Kolmogorov-Smirnov, location and spread of mid-ranks,
    rows out of range, null share, chi-square, worst category, new categories) over the newest 1, 2, 3, 5 and 8 windows.
    Dependence between rows, measured on the reference in its own order, divides the effective rows. The probabilities
    are combined into one for each column (Cauchy combination). *warning*: it is below level / (columns + 1); the one
    is the `correlation` test. *drift*: a warning, and the effect's lower confidence bound (at `level`) exceeds
    `effect`. Cost: 1 to 2 ms for 50 columns, by the number of windows before, whatever the rows.

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
            return self._insufficient(comparison, window)
        gathered = Gathered.of(Observation.of(comparison, window))
        effects = Effects.of(gathered, self.level)
        return self._results(reference, window, Judgement.of(self, gathered, effects))

    def _insufficient(self, comparison: Comparison, window: Window) -> list[Result]:
        rows = window.profile.rows
        detail = f"{rows} rows, fewer than {max(window.min_rows, 1)}"
        return [
            Result(
                name, self.type, Verdict.INSUFFICIENT, cause, math.nan, self.effect, rows=rows, detail=detail
            )
            for name, cause in comparison.told.values()
        ]

    def _results(self, reference: Reference, window: Window, judged: Judgement) -> list[Result]:
        """A result for each judged column."""
        rows, test, limit = window.profile.rows, self.type, self.effect
        details = {c: self._words(reference, window, judged, c) for c in judged.notable}
        columns = zip(
            reference.comparison.told.values(),
            judged.verdicts,
            judged.estimates,
            judged.p_values,
            strict=True,
        )
        return [
            Result(name, test, verdict, cause, size, limit, p, size, rows, details.get(c, ""))
            for c, ((name, cause), verdict, size, p) in enumerate(columns)
        ]

    def _words(self, reference: Reference, window: Window, judged: Judgement, c: int) -> str:
        """What is to be said of a column."""
        words = []
        if judged.verdicts[c] is not Verdict.OK:
            words.append(describe(reference, window, judged.findings[c]))
        if judged.stretched[c]:
            words.append(_short(reference, window))
        return "; ".join(filter(None, words))


@dataclass(frozen=True)
class Judgement:
    """Verdicts by judged column, as plain values.

    Attributes:
        verdicts, p_values: of each column.
        estimates: its effect: over the span with the most certain one for *drift*, with the most significant one for
            *warning*, over the newest window else.
        stretched: the reference is short for this window.
        findings: the most significant test, of columns that are not *ok*.
    """

    verdicts: list[Verdict]
    p_values: list[float]
    estimates: list[float]
    stretched: list[bool]
    findings: dict[int, Finding]

    @property
    def notable(self) -> list[int]:
        """Columns of which something is to be said."""
        return [c for c, short in enumerate(self.stretched) if short or c in self.findings]

    @classmethod
    def of(cls, drift: Drift, gathered: Gathered, effects: Effects) -> Judgement:
        """Warning: significant. Drift: that, and the effect's bound exceeds the effect that matters."""
        p, columns = gathered.p, np.arange(gathered.p.shape[1])
        warned = gathered.combined < drift.level / (len(columns) + 1)
        unknown = np.isnan(p)
        smallest = np.where(unknown, 2.0, p).transpose(1, 0, 2).reshape(len(columns), -1).argmin(axis=1)
        span, test = smallest // len(TESTS), smallest % len(TESTS)
        bound = np.where(unknown.all(axis=2), -1.0, effects.bound.max(axis=2))
        large = warned & (bound.max(axis=0) > drift.effect)
        told = np.where(large, bound.argmax(axis=0), np.where(warned, span, 0))
        judged, shift, spans = gathered.seen.comparison.judged, gathered.evidence.shift, gathered.seen.spans
        findings = {
            c: Finding(int(judged[c]), TESTS[test[c]], spans, int(span[c]), float(shift[span[c], c]))
            for c in np.flatnonzero(warned).tolist()
        }
        return cls(
            [_NAMES[k] for k in (warned.astype(int) + large).tolist()],
            gathered.combined.tolist(),
            effects.estimate.max(axis=2)[told, columns].tolist(),
            gathered.evidence.strengths.stretched[0].tolist(),
            findings,
        )


def _short(reference: Reference, window: Window) -> str:
    """Why little can be said of a column."""
    fits = reference.rows / max(window.profile.rows, 1)
    return f"rows depend on each other and the reference holds only {fits:.1f} such windows: judged with wide margins"
