"""Design effects of streams whose dependence is known."""

import numpy as np
import numpy.typing as npt
import pytest

from detectors.dependence import Dependence, Signal, block_sizes, measure_column
from detectors.tails import NORMAL_DF

ROWS = 40_000


def design_of(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Design effects of a numeric column in 64 bins of like mass."""
    edges = np.quantile(values, np.linspace(0, 1, 65)[1:-1])
    codes = np.searchsorted(edges, values)
    return measure_column(codes, np.bincount(codes, minlength=64), np.arange(64.0))


def test_independent_rows_have_no_effect() -> None:
    """Over twenty columns, at most a few scales look dependent, and those hardly."""
    rng = np.random.default_rng(5)
    design = np.stack([design_of(rng.normal(size=ROWS)) for _ in range(20)])
    assert (design > 1).mean() < 0.01


def test_clumps_of_three_divide_the_rows_by_three() -> None:
    """Every row three times: n rows say as much as n / 3, at every scale."""
    rng = np.random.default_rng(5)
    design = design_of(np.repeat(rng.normal(size=ROWS // 3), 3))
    assert design[Signal.LOCATION, :5] == pytest.approx(3.0, rel=0.15)


def test_memory_shows_at_its_own_scale() -> None:
    """A random walk's effect grows with the block; an AR(1) of 0.9 levels off near (1 + 0.9) / (1 - 0.9)."""
    rng = np.random.default_rng(5)
    noise, values = rng.normal(size=ROWS), np.zeros(ROWS)
    for k in range(1, ROWS):
        values[k] = 0.9 * values[k - 1] + noise[k]
    location = design_of(values)[Signal.LOCATION]
    assert location[0] < 12
    assert location[5] == pytest.approx(18, rel=0.25)


def test_a_counter_leaves_one_effective_row_a_block() -> None:
    """A column that only grows: a block of n rows says as much as one row."""
    location = design_of(np.arange(ROWS, dtype=float))[Signal.LOCATION]
    assert location[:-2] == pytest.approx(block_sizes(ROWS)[:-2], rel=0.05)


def test_rare_large_values_that_come_together_are_seen() -> None:
    """A value that is far from the others and stands in one place of the reference moves the mean of few blocks."""
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 63, ROWS)
    codes[30_000:31_200] = 63
    value = np.append(np.arange(63.0), 1000.0)
    design = measure_column(codes, np.bincount(codes, minlength=64), value)
    assert design[Signal.MEAN, 4] > 50
    assert design[Signal.CELL, 4] > 50
    assert design[Signal.MEAN, 4] > 4 * design[Signal.LOCATION, 4]


def test_nulls_that_come_together_are_seen() -> None:
    """Nulls in runs of ten have a design effect near ten; the values beside them have none."""
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 64, ROWS)
    codes[np.repeat(rng.random(ROWS // 10) < 0.1, 10)] = -1
    counts = np.bincount(codes[codes >= 0], minlength=64)
    design = measure_column(codes, counts, np.arange(64.0))
    assert design[Signal.NULL, 3] == pytest.approx(10, rel=0.15)
    assert design[Signal.LOCATION].max() < 1.5


def test_the_largest_effect_up_to_the_window_counts() -> None:
    """A window takes the largest effect of blocks up to its own size; its degrees of freedom are that scale's."""
    design = np.ones((1, len(Signal), 3))
    design[0, Signal.LOCATION] = [1.0, 4.0, 1.0]
    dependence = Dependence(8000, np.array([250, 500, 1000]), design)
    assert [(250, 1.0), (500, 4.0), (1000, 1.0)] == dependence.by_size(0)
    assert dependence.at(200).design[0, Signal.LOCATION] == 1
    assert dependence.at(200).df[0, Signal.LOCATION] == NORMAL_DF
    assert dependence.at(1000).design[0, Signal.LOCATION] == 4
    assert dependence.at(1000).df[0, Signal.LOCATION] == 15


def test_beyond_the_reference_the_effect_is_widened_and_said() -> None:
    """Windows larger than an eighth of a dependent reference get a larger effect, few degrees, and are marked."""
    design = np.ones((2, len(Signal), 3))
    design[0, Signal.LOCATION] = [2.0, 4.0, 8.0]
    strength = Dependence(8000, np.array([250, 500, 1000]), design).at(4000)
    assert strength.design[:, Signal.LOCATION].tolist() == [32.0, 1.0]
    assert strength.df[0, Signal.LOCATION] == 7
    assert strength.stretched.tolist() == [True, False]


def test_tiny_and_empty_references_are_taken_as_independent() -> None:
    """Too few rows for blocks, or a column without values, give 1 and no error."""
    assert len(block_sizes(30)) == 0
    empty = measure_column(np.full(ROWS, -1), np.zeros(64, np.int64), np.arange(64.0))
    assert (empty == 1).all()
    assert (Dependence.independent(3).at(100).design == 1).all()
