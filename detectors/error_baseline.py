"""What the reference says of a model's errors: how many, and how they hang together in time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from detectors import special

MIN_ROWS = 100
"""Fewer labelled rows than this make no baseline."""

_MEMORY_Z = 3.29
"""Two-sided 0.1 %: the transition shares differ for certain before one step of memory is modelled."""

_SIGNIFICANT = 0.01
_MIN_BLOCKS = 8
_FIRST_BLOCK = 4


@dataclass(frozen=True, slots=True)
class ErrorBaseline:
    """Share of errors in a stretch of rows in their own order, with the dependence between them.

    Attributes:
        rows: labelled rows it was learnt from.
        share: errors / rows, with half an error added on both sides so that it is never 0 or 1.
        design_effect: variance of sums over blocks of neighbours, relative to independent rows; at least 1.
        after_right: share of errors after a right prediction; equal to `share` where no memory shows.
        after_wrong: share of errors after a wrong prediction; equal to `share` where no memory shows.
        residual_effect: the design effect that one step of memory does not explain; at least 1.
        threshold: regression: a row is an error where |prediction - label| is above this; None for classes.
    """

    rows: int
    share: float
    design_effect: float
    after_right: float
    after_wrong: float
    residual_effect: float
    threshold: float | None = None

    @classmethod
    def learn(cls, errors: npt.NDArray[np.uint8], threshold: float | None = None) -> Self:
        """Estimate from 0 and 1, shape (n,), n > 0, in row order."""
        signal = errors.astype(np.float64)
        rows = len(signal)
        share = _share(int(errors.sum()), rows)
        variance = share * (1.0 - share)
        effect = design_effect(signal - signal.mean(), variance)
        right, wrong = _transitions(errors, variance) or (share, share)
        if right == wrong:
            return cls(rows, share, effect, share, share, effect, threshold)
        expected = np.where(errors[:-1] == 1, wrong, right)
        residual = design_effect(signal[1:] - expected, float(np.mean(expected * (1.0 - expected))))
        return cls(rows, share, effect, right, wrong, residual, threshold)

    @property
    def information(self) -> float:
        """Fisher information of one row on the log odds of an error, divided by the residual effect."""
        right = (1.0 - self.share) * self.after_right * (1.0 - self.after_right)
        wrong = self.share * self.after_wrong * (1.0 - self.after_wrong)
        return (right + wrong) / self.residual_effect

    @property
    def standard_error(self) -> float:
        """Standard error of the log odds of an error, as learnt from `rows` rows."""
        return float(1.0 / np.sqrt(self.rows * self.information))

    def to_json(self) -> dict[str, object]:
        """JSON values from which `from_json` makes the same baseline again."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """The baseline that `to_json` described."""
        return cls(**saved)


def tilt(share: npt.ArrayLike, log_odds: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Shares (strictly between 0 and 1) after their log odds were moved by `log_odds`."""
    p = np.asarray(share, dtype=np.float64)
    ratio = np.exp(np.asarray(log_odds, dtype=np.float64)) * p
    return np.asarray(ratio / (1.0 - p + ratio))


def design_effect(deviations: npt.NDArray[np.float64], variance: float) -> float:
    """How much more the sums over blocks of neighbours vary than sums of independent rows would.

    Blocks of 4, 8, 16, … rows, while there are at least 8 of them; a ratio counts only where chi-square calls
    it significant at 1 %; the largest is returned, at least 1.

    Args:
        deviations: float64, shape (n,), differences from their expectation, in row order.
        variance: variance of one row.

    References:
        Kish (1965), Survey Sampling, on design effects; Carlstein (1986), on block sums.
    """
    largest, size = 1.0, _FIRST_BLOCK
    while variance > 0 and len(deviations) // size >= _MIN_BLOCKS:
        blocks = len(deviations) // size
        sums = deviations[: blocks * size].reshape(blocks, size).sum(axis=1)
        scaled = float(np.sum((sums - sums.mean()) ** 2)) / (size * variance)
        if special.chdtrc(blocks - 1, scaled) < _SIGNIFICANT:
            largest = max(largest, scaled / (blocks - 1))
        size *= 2
    return largest


def _share(errors: int, rows: int) -> float:
    return (errors + 0.5) / (rows + 1.0)


def _transitions(errors: npt.NDArray[np.uint8], variance: float) -> tuple[float, float] | None:
    """Shares of errors after a right and after a wrong row, where they differ significantly."""
    before, after = errors[:-1], errors[1:]
    wrong = int(before.sum())
    right = len(before) - wrong
    if right == 0 or wrong == 0:
        return None
    both = int(np.sum(before & after))
    alone = int(after.sum()) - both
    gap = both / wrong - alone / right
    if abs(gap) <= _MEMORY_Z * np.sqrt(variance * (1.0 / right + 1.0 / wrong)):
        return None
    return _share(alone, right), _share(both, wrong)
