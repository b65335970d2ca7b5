"""Which rows were predicted wrongly: prediction and label side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.binning import CategoricalBinning, NumericBinning
from detectors.error_baseline import MIN_ROWS, ErrorBaseline
from detectors.layout import Kind, Layout, Role
from detectors.profile_rows import categorical_values, numeric_values

_ERROR_QUANTILE = 0.75
"""Regression: the reference's absolute errors above this quantile count as errors."""

_EVEN = 0.5
"""A probability above this says the positive class, where the model gives no class itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Positions of the columns that judge a model; None where the layout has none.

    Attributes:
        prediction, label: both categorical with words in common, or both numeric; the first of each role.
        score: a numeric score beside a categorical label.
        positive: code of the label's value that the score speaks for: the last of two in alphabetical order,
            that is 1 of 0 and 1, true of false and true, yes of no and yes.
        error: the derived column of absolute errors.
    """

    prediction: int | None
    label: int | None
    score: int | None = None
    positive: int | None = None
    error: int | None = None

    @classmethod
    def of(cls, layout: Layout) -> Self:
        """Find them in a layout."""
        label = _first(layout, Role.LABEL)
        prediction = _first(layout, Role.PREDICTION)
        if label is None:
            return cls(prediction, None)
        if layout.columns[label].kind is Kind.NUMERIC:
            numeric = prediction is not None and layout.columns[prediction].kind is Kind.NUMERIC
            return cls(prediction if numeric else None, label, error=_first(layout, Role.ERROR))
        score = _first(layout, Role.SCORE)
        if prediction is not None and layout.columns[prediction].kind is Kind.NUMERIC:
            prediction, score = None, prediction if score is None else score
        values = class_values(layout, label)
        if prediction is not None and not set(values) & set(class_values(layout, prediction)):
            prediction = None
        positive = values.index(max(values)) if len(values) == 2 else None  # noqa: PLR2004 - two classes
        return cls(prediction, label, score, positive)


def class_values(layout: Layout, i: int) -> tuple[str, ...]:
    """The values of a categorical column that have bins of their own; none for a numeric one."""
    binning = layout.binnings[i]
    return binning.values if isinstance(binning, CategoricalBinning) else ()


def _first(layout: Layout, role: Role) -> int | None:
    return next(iter(layout.with_role(role)), None)


def learn_errors(layout: Layout, frame: pl.DataFrame) -> ErrorBaseline | None:
    """The error baseline of reference rows in their own order; None under 100 rows with label and prediction."""
    outcome = Outcome.of(layout)
    threshold = None
    if outcome.error is not None:
        absolute = numeric_values(layout, frame, layout.columns[outcome.error])
        known = None if absolute is None else absolute.drop_nulls().drop_nans()
        if known is None or known.len() < MIN_ROWS:
            return None
        threshold = float(np.quantile(known.to_numpy(), _ERROR_QUANTILE))
    signal = error_signal(layout, frame, threshold)
    if signal is None:
        return None
    known_rows = signal[~np.isnan(signal)]
    if len(known_rows) < MIN_ROWS:
        return None
    return ErrorBaseline.learn(known_rows.astype(np.uint8), threshold)


def error_signal(
    layout: Layout, frame: pl.DataFrame, threshold: float | None
) -> npt.NDArray[np.float64] | None:
    """For each row 1 where the prediction was wrong, 0 where it was right, NaN where that cannot be told.

    Classes: prediction and label differ; without a predicted class, the score (a probability) is on the wrong
    side of
    1/2. Numbers: |prediction - label| is above the threshold.

    Args:
        layout: columns and roles.
        frame: rows in canonical columns.
        threshold: see `ErrorBaseline.threshold`.

    Returns:
        float64, shape (rows,); None where the layout has no label and prediction, or no threshold is known.
    """
    outcome = Outcome.of(layout)
    if outcome.error is not None:
        return None if threshold is None else _of_numbers(layout, frame, outcome.error, threshold)
    if outcome.label is None:
        return None
    if outcome.prediction is not None:
        return _of_classes(layout, frame, outcome.prediction, outcome.label)
    if outcome.score is not None and outcome.positive is not None and _is_probability(layout, outcome.score):
        return _of_scores(layout, frame, outcome.score, outcome.label, outcome.positive)
    return None


def _of_numbers(layout: Layout, frame: pl.DataFrame, error: int, limit: float) -> npt.NDArray[np.float64]:
    absolute = numeric_values(layout, frame, layout.columns[error])
    if absolute is None:
        return np.full(frame.height, np.nan)
    values = absolute.fill_null(np.nan).to_numpy()
    return np.where(np.isnan(values), np.nan, (values > limit).astype(np.float64))


def _of_classes(layout: Layout, frame: pl.DataFrame, prediction: int, label: int) -> npt.NDArray[np.float64]:
    given = categorical_values(frame, layout.columns[prediction])
    true = categorical_values(frame, layout.columns[label])
    if given is None or true is None:
        return np.full(frame.height, np.nan)
    return _as_signal(given.cast(pl.String) != true.cast(pl.String))


def _of_scores(
    layout: Layout, frame: pl.DataFrame, score: int, label: int, positive: int
) -> npt.NDArray[np.float64]:
    scores = numeric_values(layout, frame, layout.columns[score])
    true = categorical_values(frame, layout.columns[label])
    binning = layout.binnings[label]
    if scores is None or true is None or not isinstance(binning, CategoricalBinning):
        return np.full(frame.height, np.nan)
    said = scores.fill_nan(None) > _EVEN
    return _as_signal(said != (true.cast(pl.String) == binning.values[positive]))


def _as_signal(wrong: pl.Series) -> npt.NDArray[np.float64]:
    return wrong.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _is_probability(layout: Layout, score: int) -> bool:
    """Whether the reference's scores lie between 0 and 1."""
    binning = layout.binnings[score]
    if not isinstance(binning, NumericBinning):
        return False
    return bool(binning.edges[0] >= 0 and binning.edges[-1] <= np.nextafter(1.0, 2.0))
