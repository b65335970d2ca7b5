"""What a window says about the service behind the model, beside what was usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.base import Window
from detectors.binning import Binning, CategoricalBinning, LogBinning
from detectors.layout import Layout, Role
from detectors.reference import Reference
from detectors.shares import design_effects, lower_bound

QUANTILES = {"latency_p50": 0.5, "latency_p90": 0.9, "latency_p99": 0.99}
"""Quantiles of the latency, by the words of their figures."""

CLASSES = {"error_ratio": "5xx", "client_error_ratio": "4xx"}
"""Status classes whose shares are judged, by the words of their figures."""

_FEWEST_WINDOWS = 3
"""Windows of history that make a baseline where the reference has none."""


Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a window beside the usual one.

    Attributes:
        name: its word.
        value: the figure; NaN where there are no rows.
        bound: its lower confidence bound.
        usual: the baseline's figure; None where there is no baseline.
        p_value: of a figure as high by chance; None without a baseline.
        rows: rows that carry it.
    """

    name: str
    value: float
    bound: float = 0.0
    usual: float | None = None
    p_value: float | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Baseline:
    """Counts of one service column that are taken as usual, one row for each span.

    Attributes:
        spans: int64, shape (spans, bins): the reference alone, or some windows of history.
        design: dependent rows that count as one; errors count singly, because bursts of them are what is
            sought.
    """

    spans: Counts
    design: float

    @classmethod
    def of(cls, reference: Reference, window: Window, i: int) -> Baseline | None:
        """The reference's counts of column i; else those of the windows before; None where both are too few."""
        if int(reference.profile.values(i).sum()) >= max(window.min_rows, 1):
            latency = reference.layout.columns[i].role is Role.LATENCY
            design = float(design_effects(reference, window.profile.rows)[i]) if latency else 1.0
            return cls(reference.profile.values(i)[None, :], design)
        counts = [past.values(i) for past in window.history]
        enough = [c for c in counts if int(c.sum()) >= max(window.min_rows, 1)]
        return cls(np.stack(enough), 1.0) if len(enough) >= _FEWEST_WINDOWS else None


def first_with(layout: Layout, role: Role) -> int | None:
    """Position of the layout's column of a service role."""
    return next(iter(layout.with_role(role)), None)


def status_share(
    name: str, binning: Binning, counts: Counts, baseline: Baseline | None, level: float
) -> Figure:
    """One of `CLASSES`: share of rows of a status class; usual is the largest share of the baseline's spans.

    Args:
        name: a key of `CLASSES`.
        binning: of the status column.
        counts: the window's rows in its value bins.
        baseline: what is usual; None where nothing is known.
        level: probability of a bound above the truth.
    """
    values = binning.values if isinstance(binning, CategoricalBinning) else ()
    at = [j for j, value in enumerate(values) if value == CLASSES[name]]
    rows, hits = int(counts.sum()), int(counts[at].sum())
    if rows == 0:
        return Figure(name, float("nan"))
    scale = np.array([1.0 if baseline is None else baseline.design])
    bound = float(lower_bound(hits / scale, rows / scale, level)[0])
    if baseline is None:
        return Figure(name, hits / rows, bound, rows=rows)
    known, before = baseline.spans.sum(axis=1), baseline.spans[:, at].sum(axis=1)
    p = tails.hypergeometric_upper(
        np.floor(hits / scale),
        (hits + before.sum()) / scale,
        rows / scale,
        (rows + known.sum()) / scale,
    )
    return Figure(name, hits / rows, bound, float(np.max(before / known)), float(p[0]), rows)


def latency_quantile(
    name: str, binning: Binning, counts: Counts, baseline: Baseline | None, level: float
) -> Figure:
    """One of `QUANTILES`, in seconds within 1 %; usual is the largest of the baseline's spans.

    Arguments as for `status_share`.
    """
    q, rows = QUANTILES[name], int(counts.sum())
    if rows == 0 or not isinstance(binning, LogBinning):
        return Figure(name, float("nan"))
    scale = 1.0 if baseline is None else baseline.design
    above = _rows_above(binning, counts) / scale
    bound = _sure_edge(binning, above, rows / scale, q, level)
    value = binning.quantile(counts, q)
    if baseline is None:
        return Figure(name, value, bound, rows=rows)
    usual = max(binning.quantile(span, q) for span in baseline.spans)
    beyond = above[min(int(np.searchsorted(binning.edges, usual)), len(above) - 1)]
    p = tails.binomial_upper(beyond[None], np.array([rows / scale]), np.array([1.0 - q]))
    return Figure(name, value, bound, usual, float(p[0]), rows)


def _rows_above(binning: LogBinning, counts: Counts) -> Floats:
    """For each edge, rows at or above it; float64, shape (bins + 1,)."""
    from_top = np.cumsum(counts[::-1])[::-1]
    return from_top[1 : len(binning.edges) + 1].astype(np.float64)


def _sure_edge(binning: LogBinning, above: Floats, rows: float, q: float, level: float) -> float:
    """The highest edge that the q-quantile reaches for certain; 0 where it reaches none.

    Clopper and Pearson's bound of the share above an edge is at least 1 - q exactly where that many rows or more
    have a probability of at most `level` under a share of 1 - q.
    """
    low, high = 0, len(above)
    while low < high:
        middle = (low + high) // 2
        if tails.binomial_upper(above[middle, None], np.array([rows]), np.array([1.0 - q]))[0] <= level:
            low = middle + 1
        else:
            high = middle
    return float(binning.edges[low - 1]) if low else 0.0


def rows_expected(window: Window, least: float) -> float | None:
    """Rows that an empty window should have had; None where nothing speaks for at least `least`.

    The fewest rows of the three windows before the one in which the silence began, so that traffic which
    fades, as at night, ends unnoticed. Where nothing but silence is remembered, or nothing at all, the
    reference's rate.
    """
    rows = [past.rows for past in window.history]
    while rows and rows[0] == 0:
        rows.pop(0)
    expected = float(min(rows[1:4] or rows)) if rows else window.expected_rows
    return expected if expected is not None and expected >= least else None


def seconds(window: Window) -> float:
    """Length of a window of time; 0 for windows of rows."""
    return 0.0 if window.by_rows else (window.end - window.start) / 1e6
