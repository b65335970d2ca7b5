"""Streams of right and wrong predictions, and references made of them."""

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.layout import Column, Kind, Role
from detectors.reference import Reference

Signal = npt.NDArray[np.float64]

CLASSES = (
    Column("y_pred", Kind.CATEGORICAL, Role.PREDICTION),
    Column("y", Kind.CATEGORICAL, Role.LABEL),
)


def independent(rng: np.random.Generator, rows: int, share: float) -> Signal:
    """Errors that know nothing of each other."""
    return (rng.random(rows) < share).astype(np.float64)


def markov(rng: np.random.Generator, rows: int, share: float, correlation: float) -> Signal:
    """Errors with one step of memory."""
    right, wrong = share * (1 - correlation), correlation + share * (1 - correlation)
    draws, signal = rng.random(rows), np.empty(rows)
    last = 0.0
    for i in range(rows):
        last = float(draws[i] < (wrong if last else right))
        signal[i] = last
    return signal


def classes(signal: Signal) -> pl.DataFrame:
    """Predictions and labels of two classes: wrong where the signal is 1, without a label where it is NaN."""
    truth = np.arange(len(signal)) % 2
    given = np.where(signal == 1, 1 - truth, truth)
    labels = pl.Series(
        [None if np.isnan(s) else str(t) for s, t in zip(signal, truth, strict=True)], dtype=pl.String
    )
    return pl.DataFrame({"y_pred": [str(g) for g in given], "y": labels})


def reference_of(signal: Signal) -> Reference:
    """A reference whose error stream is the signal."""
    return Reference.fit(classes(signal), CLASSES)
