"""Which rows count as errors."""

import numpy as np
import polars as pl
import pytest

from detectors.layout import Column, Kind, Role
from detectors.reference import Reference
from tests.unit.detectors.error_streams import CLASSES, classes, independent, reference_of

NUMBERS = (Column("guess", Kind.NUMERIC, Role.PREDICTION), Column("truth", Kind.NUMERIC, Role.LABEL))
SCORED = (Column("score", Kind.NUMERIC, Role.SCORE), Column("y", Kind.CATEGORICAL, Role.LABEL))


def test_classes_are_wrong_where_they_differ(rng: np.random.Generator) -> None:
    """1 for a wrong class, 0 for a right one, NaN without a label, in row order."""
    signal = independent(rng, 300, 0.3)
    signal[::7] = np.nan
    reference = reference_of(signal)
    np.testing.assert_array_equal(signal, reference.error_signal(classes(signal)))
    assert reference.error is not None
    assert reference.error.rows == int(np.sum(~np.isnan(signal)))


def test_numbers_are_wrong_beyond_the_reference_quantile(rng: np.random.Generator) -> None:
    """A quarter of the reference's own rows are errors; NaN and null cannot be told."""
    truth = rng.normal(size=1000)
    frame = pl.DataFrame({"guess": truth + rng.normal(size=1000), "truth": truth})
    reference = Reference.fit(frame, NUMBERS)
    signal = reference.error_signal(frame)
    assert signal is not None
    assert float(signal.mean()) == pytest.approx(0.25, abs=0.002)
    odd = pl.DataFrame({"guess": [0.0, 0.0, None, 1e9], "truth": [0.0, float("nan"), 0.0, 0.0]})
    np.testing.assert_array_equal([0, np.nan, np.nan, 1], reference.error_signal(odd))


def test_a_probability_alone_is_wrong_on_the_wrong_side_of_a_half() -> None:
    """Without a predicted class, the score speaks for the label that comes last in the alphabet."""
    frame = pl.DataFrame({"score": [0.9, 0.2, 0.6, 0.1] * 50, "y": ["yes", "no", "no", "yes"] * 50})
    reference = Reference.fit(frame, SCORED)
    np.testing.assert_array_equal([0, 0, 1, 1] * 50, reference.error_signal(frame))


def test_a_score_that_is_no_probability_says_nothing() -> None:
    """Margins have no side of 1/2."""
    frame = pl.DataFrame({"score": [-3.0, 2.0] * 100, "y": ["no", "yes"] * 100})
    reference = Reference.fit(frame, SCORED)
    assert reference.error is None
    assert reference.error_signal(frame) is None


def test_words_that_never_meet_cannot_be_compared() -> None:
    """Predictions yes and no beside labels 1 and 0 are not all wrong: nothing is said of them."""
    frame = pl.DataFrame({"y_pred": ["yes", "no"] * 100, "y": ["1", "0"] * 100})
    reference = Reference.fit(frame, CLASSES)
    assert reference.error is None
    assert reference.error_signal(frame) is None


def test_rows_without_the_columns_cannot_be_told() -> None:
    """All NaN where a batch lacks the label; no signal where the layout has none."""
    reference = reference_of(np.zeros(200))
    signal = reference.error_signal(pl.DataFrame({"y_pred": ["1", "0"]}))
    np.testing.assert_array_equal([np.nan, np.nan], signal)
    unlabelled = Reference.fit(pl.DataFrame({"y_pred": ["1", "0"]}), CLASSES[:1])
    assert unlabelled.error_signal(pl.DataFrame({"y_pred": ["1"]})) is None


def test_few_labels_make_no_baseline() -> None:
    """99 labelled rows are too few, 100 are enough."""
    signal = np.full(500, np.nan)
    signal[:99] = 0
    assert reference_of(signal).error is None
    signal[99] = 0
    assert reference_of(signal).error is not None


def test_the_baseline_is_kept_with_the_reference(rng: np.random.Generator) -> None:
    """A saved reference has the same error baseline."""
    reference = reference_of(independent(rng, 500, 0.2))
    assert Reference.from_bytes(reference.to_bytes()).error == reference.error
