"""What changed in a column, in plain words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detectors.base import Window
from detectors.layout import Layout
from detectors.profile import Profile
from detectors.reference import Reference
from detectors.spans import Spans

LEAST_MOVE = 0.005
"""Standard deviations under which a move of the mean is not worth words."""


@dataclass(frozen=True)
class Finding:
    """The most significant finding of a column.

    Attributes:
        column: position in the layout. test: the test with the smallest probability.
        spans, span: the spans of windows that were tested, and which of them gave it.
        shift: its standardised shift of mid-ranks.
    """

    column: int
    test: str
    spans: Spans
    span: int
    shift: float


def describe(reference: Reference, window: Window, finding: Finding) -> str:
    """One sentence on what changed."""
    i, spans, span, shift = finding.column, finding.spans, finding.span, finding.shift
    length = spans.lengths[span]
    parts = (window.profile, *window.history)[:length]
    counts, rows = spans.counts[span], int(spans.rows[span])
    change = {
        "location": lambda: _moved(reference, parts, i, shift),
        "mean": lambda: _moved(reference, parts, i, 0.0),
        "ks": lambda: _moved(reference, parts, i, shift, "distribution changed"),
        "spread": lambda: _spread(reference, parts, i),
        "below": lambda: _outside(reference, counts, i, 0, "below the reference's smallest value"),
        "above": lambda: _outside(reference, counts, i, -1, "above the reference's largest value"),
        "null": lambda: _nulls(reference, counts, rows, i),
        "chi2": lambda: _category(reference, counts, i),
        "moved": lambda: _category(reference, counts, i),
        "cell": lambda: _category(reference, counts, i),
        "new_share": lambda: _new(parts, counts, reference.layout, i),
        "new_values": lambda: _new(parts, counts, reference.layout, i),
    }[finding.test]()
    over = "" if length == 1 else f" over the last {length} windows ({rows} rows)"
    return change + over


def _moved(
    reference: Reference, parts: tuple[Profile, ...], i: int, shift: float, otherwise: str = ""
) -> str:
    """How far the mean moved, in the reference's standard deviations."""
    merged = [(p.mean(i), float(p.values(i).sum())) for p in parts]
    known = [(mean, n) for mean, n in merged if n]
    spread = math.sqrt(max(reference.profile.variance(i), 0.0))
    move = math.nan
    if known and spread > 0:
        mean = sum(m * n for m, n in known) / sum(n for _, n in known)
        move = (mean - reference.profile.mean(i)) / spread
    lead = f"{otherwise}: " if otherwise else ""
    if not math.isfinite(move) or move * shift < 0 or abs(move) < LEAST_MOVE:
        return otherwise or f"values moved {'up' if shift > 0 else 'down'} in rank"
    return f"{lead}mean shifted {'up' if move > 0 else 'down'} by {abs(move):.2f} sd"


def _spread(reference: Reference, parts: tuple[Profile, ...], i: int) -> str:
    """How the standard deviation changed."""
    known = [(p.variance(i), float(p.values(i).sum())) for p in parts]
    before = reference.profile.variance(i)
    n = sum(rows for _, rows in known)
    now = sum(v * rows for v, rows in known if rows) / n if n else math.nan
    ratio = math.sqrt(now / before) if before > 0 and now >= 0 else math.nan
    return (
        f"spread changed: standard deviation {ratio:.2f} times the reference's"
        if ratio > 0
        else "spread changed"
    )


def _outside(
    reference: Reference, counts: np.ndarray[tuple[int], np.dtype[np.int64]], i: int, at: int, where: str
) -> str:
    values = counts[reference.layout.values(i)]
    return f"{int(values[at])} values ({values[at] / max(values.sum(), 1):.1%}) {where}"


def _nulls(
    reference: Reference, counts: np.ndarray[tuple[int], np.dtype[np.int64]], rows: int, i: int
) -> str:
    before = 1 - reference.profile.values(i).sum() / max(reference.rows, 1)
    now = 1 - counts[reference.layout.values(i)].sum() / max(rows, 1)
    return f"share without a value went from {before:.1%} to {now:.1%}"


def _category(reference: Reference, counts: np.ndarray[tuple[int], np.dtype[np.int64]], i: int) -> str:
    """The category that changed most, by its standardised change."""
    now, before = counts[reference.layout.values(i)].astype(float), reference.profile.values(i).astype(float)
    n, total = max(now.sum(), 1.0), max(before.sum(), 1.0)
    pooled = (now + before) / (n + total)
    change = now / n - before / total
    k = int(np.argmax(np.abs(change) / np.sqrt(pooled + 1e-12)))
    return f"share of {_value(reference.layout, i, k)} went from {before[k] / total:.1%} to {now[k] / n:.1%}"


def _value(layout: Layout, i: int, k: int) -> str:
    """A value bin in words."""
    binning = layout.binnings[i]
    labels = getattr(binning, "values", None)
    if labels is not None:
        return repr(labels[k]) if k < len(labels) else ("rare values" if k == len(labels) else "new values")
    edges = getattr(binning, "edges", None)
    if edges is None or k == 0 or k >= len(edges):
        return "values out of range"
    return f"values from {edges[k - 1]:.6g}"


def _new(
    parts: tuple[Profile, ...], counts: np.ndarray[tuple[int], np.dtype[np.int64]], layout: Layout, i: int
) -> str:
    """The new values."""
    sketches = [p.unseen[i] for p in parts if i in p.unseen]
    name, _ = max((s.most_frequent() for s in sketches), key=lambda found: found[1], default=("", 0))
    values = counts[layout.values(i)]
    share = values[-1] / max(values.sum(), 1)
    return f"{int(values[-1])} rows ({share:.1%}) have values that the reference never had, such as {name!r}"
