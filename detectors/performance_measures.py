"""Accuracy, area under the ROC curve and mean absolute error from a profile, with their variances."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.outcomes import Outcome, class_values
from detectors.profile import Profile

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of merit over some rows.

    Attributes:
        value: the figure; NaN where it cannot be computed.
        variance: of `value`, for independent rows.
        rows: labelled rows behind it; for the area under the curve, the rows of the rarer class.
        error: largest error that binning can have made of `value`; 0 for exact figures.
    """

    value: float
    variance: float
    rows: int
    error: float = 0.0


NOTHING = Measure(math.nan, math.nan, 0)


def accuracy(profile: Profile, outcome: Outcome) -> Measure | None:
    """Share of rows whose predicted class is the label, exact; None where the layout has no such table.

    Variance p (1 - p) / n with one right and one wrong row added, so that it is never 0. Values that the
    reference knew only as rare, or not at all, count as wrong.
    """
    table = _table(profile, outcome.prediction, outcome.label)
    if table is None or outcome.prediction is None or outcome.label is None:
        return None
    given, true = (class_values(profile.layout, i) for i in (outcome.prediction, outcome.label))
    at = {value: j for j, value in enumerate(true)}
    right = sum(int(table[i, at[value]]) for i, value in enumerate(given) if value in at)
    rows = int(table.sum())
    if rows == 0:
        return NOTHING
    p = (right + 1.0) / (rows + 2.0)
    return Measure(right / rows, p * (1.0 - p) / rows, rows)


def roc_auc(profile: Profile, outcome: Outcome) -> Measure | None:
    """Area under the ROC curve over the score's bins; None where the layout has no score by two classes.

    Pairs within one bin count half, so the error is at most half the share of such pairs. Variance by
    DeLong's method on the binned scores.

    References:
        DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44, 837-845.
    """
    if outcome.positive is None or outcome.label is None:
        return None
    table = _table(profile, outcome.score, outcome.label)
    if table is None:
        return None
    positive = table[:, outcome.positive].astype(np.float64)
    negative = table[:, 1 - outcome.positive].astype(np.float64)
    n1, n0 = float(positive.sum()), float(negative.sum())
    rows = int(min(n1, n0))
    if rows < 2:  # noqa: PLR2004 - a variance needs two of each
        return Measure(math.nan, math.nan, rows)
    below = (np.cumsum(negative) - negative / 2.0) / n0
    above = 1.0 - (np.cumsum(positive) - positive / 2.0) / n1
    area = float(positive @ below) / n1
    spread1 = float(positive @ (below - area) ** 2) / (n1 - 1.0)
    spread0 = float(negative @ (above - area) ** 2) / (n0 - 1.0)
    least = 1.0 / (n1 * n0)
    same = float(positive @ negative) / (n1 * n0)
    return Measure(area, spread1 / n1 + spread0 / n0 + least, rows, same / 2.0)


def absolute_error(profile: Profile, outcome: Outcome) -> Measure | None:
    """Mean of |prediction - label|; None where they are not both numbers."""
    if outcome.error is None:
        return None
    rows = int(profile.values(outcome.error).sum())
    if rows == 0:
        return NOTHING
    return Measure(profile.mean(outcome.error), profile.variance(outcome.error) / rows, rows)


def _table(profile: Profile, one: int | None, label: int | None) -> Ints | None:
    """The joint table of two columns; None where there is none."""
    if one is None or label is None or (one, label) not in profile.layout.joints:
        return None
    return profile.table(profile.layout.joints.index((one, label)))
