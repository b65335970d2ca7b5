"""Performance: is the model still as good as it was on the reference, where labels are known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from detectors import special
from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.outcomes import Outcome
from detectors.performance_measures import Measure, absolute_error, accuracy, roc_auc
from detectors.profile import Profile
from detectors.reference import Reference

_EVEN = 0.5
_FEW = 30
"""Rows of the rarer class that an area under the curve needs at least."""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A measure of the window beside the reference's.

    Attributes:
        name: the measure's word.
        now, usual: the measures.
        loss: how much worse the window is, in the unit of `floor`.
        error: standard error of `loss`.
        floor: the loss that matters.
        limit: the figure at which the loss is `floor`.
        enough: the window has enough labels for it.
    """

    name: str
    now: Measure
    usual: Measure
    loss: float
    error: float
    floor: float
    limit: float
    enough: bool


class Performance(WindowTest):
    """Accuracy and area under the ROC curve for classes, mean absolute error for numbers.

    Each is compared with the reference's and comes with a normal interval; variances are multiplied by the
    design effect of the reference's error stream. *warning*: worse than the reference, significant at `level`
    (one-sided, shared over the figures). *drift*: a warning whose loss is above the floor by its lower
    confidence bound (at `level`). An improvement beyond the floor is a *warning* too, as a notice. With fewer
    than `min_labels` labelled rows: *insufficient*; where the reference has too few labels, or there is no
    label column, nothing is said.

    The column of a result is the figure: `accuracy`, `roc_auc` or `mae`. Statistic: the figure; the accuracy
    is exact, the area wrong by at most half the share of pairs (positive, negative) in one bin of the score,
    which `detail` states, the mean error within half a quantum of the binning. Effect size: the change
    against the reference (of the mean error: relative). An area that is below 1/2 on the reference is worse
    when it rises. Cost: about 0.1 ms.
    """

    type: Literal["performance"] = "performance"
    level: Annotated[float, Gt(0), Lt(0.5)] = 0.001
    """Probability that a quiet window is called worse."""
    accuracy_loss: Annotated[float, Ge(0), Lt(1)] = 0.02
    """Loss of accuracy that matters."""
    roc_auc_loss: Annotated[float, Ge(0), Lt(1)] = 0.02
    """Loss of area under the ROC curve that matters."""
    mae_rise: Annotated[float, Ge(0), Le(100)] = 0.1
    """Rise of the mean absolute error that matters, relative to the reference's."""
    min_labels: Annotated[int, Ge(2)] = 100
    """Labelled rows that a figure needs."""

    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """One result for each figure that the reference has."""
        design = reference.error.design_effect if reference.error else 1.0
        compared = list(self._compare(reference, window.profile, design))
        return [self._result(c, self.level / len(compared)) for c in compared]

    def _compare(self, reference: Reference, window: Profile, design: float) -> Iterator[_Comparison]:
        outcome = Outcome.of(reference.layout)
        floors = (self.accuracy_loss, self.roc_auc_loss, self.mae_rise)
        names = ("accuracy", "roc_auc", "mae")
        for name, measure, floor in zip(names, (accuracy, roc_auc, absolute_error), floors, strict=True):
            now, usual = measure(window, outcome), measure(reference.profile, outcome)
            if now is None or usual is None or not self._enough(name, usual):
                continue
            rises = name == "mae" or (name == "roc_auc" and usual.value < _EVEN)
            scale = max(usual.value, 1e-300) if name == "mae" else 1.0
            loss = (now.value - usual.value if rises else usual.value - now.value) / scale
            error = math.sqrt(design * (now.variance + usual.variance)) / scale
            limit = usual.value + (floor if rises else -floor) * scale
            yield _Comparison(name, now, usual, loss, error, floor, limit, self._enough(name, now))

    def _enough(self, name: str, measure: Measure) -> bool:
        return measure.rows >= (min(_FEW, self.min_labels) if name == "roc_auc" else self.min_labels)

    def _result(self, c: _Comparison, level: float) -> Result:
        effect = c.loss if c.name == "mae" else c.now.value - c.usual.value
        p_value, verdict, detail = None, Verdict.INSUFFICIENT, f"{c.now.rows} labelled rows are too few"
        if c.enough:
            p_value, verdict = self._judge(c, level)
            detail = _words(c, verdict, level)
        return Result(
            column=c.name,
            test=self.type,
            verdict=verdict,
            cause=Cause.CONCEPT_DRIFT,
            statistic=c.now.value,
            threshold=c.limit,
            p_value=p_value,
            effect_size=effect if c.enough else None,
            rows=c.now.rows,
            detail=detail,
        )

    def _judge(self, c: _Comparison, level: float) -> tuple[float, Verdict]:
        """One-sided probability of a loss like this by chance, and the verdict."""
        if c.error == 0:
            same = Verdict.DRIFT if c.loss > c.floor else Verdict.OK
            return float(c.loss <= 0), same
        p = float(special.ndtr(-c.loss / c.error))
        margin = -float(special.ndtri(level)) * c.error
        if p < level:
            return p, Verdict.DRIFT if c.loss - margin > c.floor else Verdict.WARNING
        return p, Verdict.WARNING if -c.loss - margin > c.floor else Verdict.OK


def _words(c: _Comparison, verdict: Verdict, level: float) -> str:
    """The figure with its interval beside the reference's."""
    scale = c.usual.value if c.name == "mae" else 1.0
    margin = -float(special.ndtri(level)) * c.error * scale
    low, high = c.now.value - margin, c.now.value + margin
    if c.name != "mae":
        low, high = max(low, 0.0), min(high, 1.0)
    words = f"{c.now.value:.4g} ({low:.4g} to {high:.4g}), reference {c.usual.value:.4g}"
    if c.now.error > 0:
        words += f", binning error at most {c.now.error:.1g}"
    return f"{words}; better than the reference" if verdict is Verdict.WARNING and c.loss < 0 else words
