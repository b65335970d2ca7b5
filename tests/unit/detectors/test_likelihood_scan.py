"""The recursions, against the same written row by row."""

import numpy as np
import numpy.typing as npt
import pytest

from detectors.likelihood_scan import BLOCK, Tables, scan

FACTORS = np.array([[0.9, 1.05, 0.8], [1.8, 0.7, 2.0], [0.95, 1.1, 0.6], [1.3, 0.6, 2.5]])


def by_rows(
    bits: npt.NDArray[np.uint8], before: int, threshold: float
) -> tuple[int | None, npt.NDArray[np.float64]]:
    """R <- (1 + R) factor, row by row."""
    ratios = np.zeros(3)
    for row, bit in enumerate(bits):
        ratios = (1 + ratios) * FACTORS[2 * before + bit]
        before = int(bit)
        if ratios.mean() > threshold:
            return row, ratios
    return None, ratios


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("threshold", [20.0, 1e4, 1e9])
def test_alarm_row_is_that_of_the_recursion(rng: np.random.Generator, share: float, threshold: float) -> None:
    """The first row above the threshold is found, whichever byte or block it lies in."""
    for rows in (1, 7, 8, 255, 256, 257, 3000, 20_000):
        bits = (rng.random(rows) < share).astype(np.uint8)
        expected, ratios = by_rows(bits, 1, threshold)
        found = scan(Tables.of(FACTORS), bits, 1, np.zeros(3), threshold)
        assert expected == found.alarm
        if expected is not None:
            np.testing.assert_allclose(ratios, found.ratios, rtol=1e-9)


def test_ratios_at_the_last_anchor_are_those_of_the_recursion(rng: np.random.Generator) -> None:
    """Without an alarm the state after the last whole block is given."""
    bits = (rng.random(5 * BLOCK + 100) < 0.1).astype(np.uint8)
    _, ratios = by_rows(bits[: 5 * BLOCK], 0, np.inf)
    found = scan(Tables.of(FACTORS), bits, 0, np.zeros(3), np.inf)
    assert found.alarm is None
    np.testing.assert_allclose(ratios, found.ratios, rtol=1e-9)


def test_extreme_streams_stay_finite() -> None:
    """Nothing but zeros or ones, at the largest odds ratio, neither overflows nor vanishes."""
    steep = np.array([[0.1], [10.0], [0.1], [10.0]])
    for bit in (0, 1):
        found = scan(Tables.of(steep), np.full(50_000, bit, np.uint8), 0, np.zeros(1), 1e12)
        assert np.all(np.isfinite(found.ratios))
        assert (found.alarm is not None) == (bit == 1)
