"""Design effects for windows of any number of rows, carried over from those measured on blocks of a few sizes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.tails import NORMAL_DF

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SLACK = 1.3
"""Windows up to this many times the largest block are taken to vary like it."""

LASTING = 2
"""Dependence that shows at one of this many largest block sizes may go on growing beyond them."""


def regime(sizes: Ints, rows: int, *, lasting: bool) -> tuple[int, int]:
    """Windows of one regime have the same design effects: the block sizes that count, and rows where those matter too.

    Beyond the largest block size each number of rows is a regime of its own, if dependence is `lasting` anywhere.
    """
    if len(sizes) == 0:
        return 0, 0
    reach = min(int(np.searchsorted(sizes, rows)), len(sizes) - 1) + 1
    return reach, rows if lasting and rows / float(sizes[-1]) > SLACK else 0


def lasts(design: Floats) -> Flags:
    """Whether dependence may go on growing beyond the largest blocks, shape (..., scales) to (...)."""
    return np.asarray(design[..., -LASTING:].max(axis=-1, initial=1.0) > 1)


def carry(design: Floats, sizes: Ints, total: int, rows: int) -> tuple[Floats, Floats, Flags]:
    """Design effects, degrees of freedom and whether they are stretched, for windows of `rows` rows.

    Args:
        design: float64, shape (..., scales); see `Dependence`.
        sizes: int64, shape (scales,), at least one.
        total: rows of the reference.
        rows: rows of the window.
    """
    reach = regime(sizes, rows, lasting=False)[0]
    best = design[..., :reach].argmax(axis=-1)
    found = np.take_along_axis(design, best[..., None], axis=-1)[..., 0]
    dependent: Flags = np.asarray(found > 1)
    df = np.where(dependent, total // sizes[best] - 1, NORMAL_DF).astype(float)
    beyond = rows / float(sizes[-1])
    lasting = lasts(design)
    if beyond <= SLACK:
        return found, df, np.zeros(lasting.shape, dtype=bool)
    last = float(total // sizes[-1] - 1)
    return np.where(lasting, found * beyond, found), np.where(lasting, np.minimum(df, last), df), lasting
