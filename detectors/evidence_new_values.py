"""The part of the verdict rule that looks at categories which the reference never had."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detectors import special
from detectors.binning import CategoricalBinning
from detectors.bottom_k import BottomK
from detectors.comparison_cells import CellSide
from detectors.evidence import Evidence
from detectors.evidence_cells import CellCounts

Floats = npt.NDArray[np.float64]


def judge_new_values(found: Evidence, cells: CellCounts, unseen: Sequence[dict[int, BottomK]]) -> None:
    """new_share and new_values of the categorical columns.

    Where nothing changed, rows of window and reference are exchangeable: a value that comes t times in both together is
    new, all t rows in the window, with probability at most q^t, q = n / (n + N). Given how often each value comes in
    both together, the number of new values is therefore at most Poisson with the sum of q^t (*new_values*), and the
    chance that one of k rows or more is new at most the sum of q^t over values with t >= k (*new_share*).

    References:
        Good (1953), Biometrika 40, 237-264, for the idea; the bound is a permutation argument.
    """
    side, block = cells.side, cells.side.block
    if not any(unseen):
        return
    known_rows = cells.n - cells.new
    for span, sketches in enumerate(unseen):
        for c in np.flatnonzero(side.categorical).tolist():
            sketch, place = sketches.get(int(block.columns[c])), int(side.places[c])
            if sketch is None or not sketch.rows:
                continue
            rows = known_rows[span, c] + sketch.rows
            q = rows / (rows + block.rows[c])
            design = float(found.strengths.worst.design[span, place])
            known = cells.pooled[span, block.owner == c] / design
            distinct, share = _new(known, sketch, design, q, len(_binning(side, c).others))
            found.put_one("new_values", span, place, distinct)
            found.put_one("new_share", span, place, share)


def _binning(side: CellSide, c: int) -> CategoricalBinning:
    binning = side.layout.binnings[side.block.columns[c]]
    if not isinstance(binning, CategoricalBinning):
        raise TypeError("categories were expected")
    return binning


def _new(known: Floats, sketch: BottomK, design: float, q: float, others: int) -> tuple[float, float]:
    """Probability of as many new values, and of one as frequent, as the sketch has.

    Args:
        known: rows of each value that the reference has, in window and reference together, over the design effect.
        sketch: the new values.
        design: the design effect.
        q: the window's share of all rows.
        others: values that the reference has and that have no bin; counted as if each came once.
    """
    new = sketch.counts / design
    scale = sketch.distinct / len(new)
    largest = float(new.max())
    present = known[known > 0]
    mean = float((q**present).sum() + scale * (q**new).sum() + others * q)
    share = float((q ** present[present >= largest]).sum() + scale * (q ** new[new >= largest]).sum())
    share += others * q**largest
    return float(special.gammainc(max(sketch.distinct / design, 1e-9), mean)), min(share, 1.0)
