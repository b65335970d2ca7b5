"""Confidence bounds of shares."""

import numpy as np
import pytest
from scipy import stats

from detectors.shares import lower_bound, ratio, upper_bound


def test_bounds_are_clopper_and_pearson() -> None:
    """As scipy's exact interval gives them."""
    for hits, rows in ((0, 10), (1, 10), (7, 10), (10, 10), (30, 5000)):
        exact = stats.binomtest(hits, rows).proportion_ci(0.98, "exact")
        assert exact.low == pytest.approx(float(lower_bound(hits, rows, 0.01)))
        assert exact.high == pytest.approx(float(upper_bound(hits, rows, 0.01)))


def test_a_bound_is_above_the_truth_no_more_often_than_stated(rng: np.random.Generator) -> None:
    """1,000 samples of 200 rows at the level of 5 %."""
    hits = rng.binomial(200, 0.1, 1000)
    assert np.sum(lower_bound(hits, np.full(1000, 200), 0.05) > 0.1) <= 70


def test_nothing_bounds_nothing() -> None:
    """No rows: from 0 to 1."""
    assert (0.0, 1.0) == (float(lower_bound(0, 0, 0.01)), float(upper_bound(0, 0, 0.01)))
    assert ratio(0, 0) == 0.0
