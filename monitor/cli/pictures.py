"""Pictures of two distributions for the terminal: bars of text, the reference above, now below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from detectors.binning import CategoricalBinning
from detectors.layout import SPECIALS

if TYPE_CHECKING:
    from detectors.profile import Profile

Floats = npt.NDArray[np.float64]

BLOCKS = " ▁▂▃▄▅▆▇█"
CELLS = 40
_TAIL = 0.005
_CATEGORIES = 6
_BAR = 24


@dataclass(frozen=True)
class Histogram:
    """Two distributions of numbers over the same cells.

    Attributes:
        low, high: values at the ends; what lies beyond is in the first and last cell.
        reference, now: share of the rows in each cell, shape (CELLS,).
    """

    low: float
    high: float
    reference: Floats
    now: Floats

    def lines(self) -> tuple[str, str, str]:
        """The two pictures, on one scale, and the axis."""
        top = float(max(self.reference.max(initial=0), self.now.max(initial=0)))
        left, right = f"{self.low:.4g}", f"{self.high:.4g}"
        axis = left + " " * max(CELLS - len(left) - len(right), 1) + right
        return _blocks(self.reference, top), _blocks(self.now, top), axis


@dataclass(frozen=True)
class Shares:
    """Two distributions of categories: the most different ones first.

    Attributes:
        rows: name, share in the reference, share now.
    """

    rows: Sequence[tuple[str, float, float]]

    def lines(self) -> list[tuple[str, str, str]]:
        """Name and two bars with their shares."""
        return [(name, _bar(before), _bar(now)) for name, before, now in self.rows]


def picture(reference: Profile, now: Profile, i: int) -> Histogram | Shares | None:
    """The picture of column i; None where neither has a value."""
    if isinstance(reference.layout.binnings[i], CategoricalBinning):
        return _shares(reference, now, i)
    return _histogram(reference, now, i)


def _histogram(reference: Profile, now: Profile, i: int) -> Histogram | None:
    layout = reference.layout
    counts = [profile.counts[layout.values(i)].astype(np.float64) for profile in (reference, now)]
    totals = [float(count.sum()) for count in counts]
    if not any(totals):
        return None
    edges = _edges(np.asarray(layout.binnings[i].edges), (reference, now), i)  # type: ignore[union-attr]
    shares = [count / total if total else count for count, total in zip(counts, totals, strict=True)]
    low, high = _range(edges, shares)
    cells = [_spread(edges, share, low, high) for share in shares]
    return Histogram(low, high, cells[0], cells[1])


def _edges(inner: Floats, profiles: Sequence[Profile], i: int) -> Floats:
    """The edges of all bins, those below and above included."""
    least = min((float(p.minimum[i]) for p in profiles if np.isfinite(p.minimum[i])), default=float(inner[0]))
    most = max((float(p.maximum[i]) for p in profiles if np.isfinite(p.maximum[i])), default=float(inner[-1]))
    return np.concatenate([[min(least, inner[0])], inner, [max(most, inner[-1])]])


def _range(edges: Floats, shares: Sequence[Floats]) -> tuple[float, float]:
    """Ends between which nearly all rows of both lie."""
    lows, highs = [], []
    for share in shares:
        if share.sum() > 0:
            running = np.cumsum(share)
            lows.append(edges[int(np.searchsorted(running, _TAIL, side="right"))])
            highs.append(edges[min(int(np.searchsorted(running, 1 - _TAIL)) + 1, len(edges) - 1)])
    low, high = float(min(lows)), float(max(highs))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _spread(edges: Floats, share: Floats, low: float, high: float) -> Floats:
    """The bins' shares over equal cells, evenly inside each bin; what lies beyond goes to the ends."""
    cuts = np.linspace(low, high, CELLS + 1)
    running = np.concatenate([[0.0], np.cumsum(share)])
    at = np.interp(cuts[1:-1], edges, running)
    return np.diff(np.concatenate([[0.0], at, [float(running[-1])]]))


def _shares(reference: Profile, now: Profile, i: int) -> Shares | None:
    layout = reference.layout
    binning = layout.binnings[i]
    if not isinstance(binning, CategoricalBinning):
        return None
    names = [*binning.values, "(other)", "(new values)", *(f"({name})" for name in SPECIALS)]
    start = int(layout.offsets[i])
    counts = [p.counts[start : start + len(names)].astype(np.float64) for p in (reference, now)]
    before, after = (count / max(float(count.sum()), 1.0) for count in counts)
    order = np.argsort(-(np.abs(after - before) + 1e-6 * (before + after)), kind="stable")[:_CATEGORIES]
    rows = [(names[j], float(before[j]), float(after[j])) for j in order if before[j] + after[j] > 0]
    return Shares(rows) if rows else None


def _blocks(shares: Floats, top: float) -> str:
    if top <= 0:
        return " " * len(shares)
    heights = np.ceil(shares / top * (len(BLOCKS) - 1)).astype(int)
    return "".join(BLOCKS[height] for height in heights)


def _bar(share: float) -> str:
    eighths = round(share * _BAR * 8)
    full, part = divmod(eighths, 8)
    return "█" * full + ("▏▎▍▌▋▊▉"[part - 1] if part else "") + f" {share:.1%}"


def sparkline(profile: Profile, i: int, cells: int = 16) -> str:
    """One column's distribution in one short line; categories by falling frequency."""
    layout = profile.layout
    counts = profile.counts[layout.values(i)].astype(np.float64)
    if not counts.sum():
        return ""
    if isinstance(layout.binnings[i], CategoricalBinning):
        shown = counts[:cells]
        return _blocks(shown, float(shown.max(initial=0)))
    seen = _histogram(profile, profile, i)
    if seen is None:
        return ""
    merged = seen.reference.reshape(-1, CELLS // (CELLS // 2)).sum(axis=1)[: CELLS // 2]
    return _blocks(merged, float(merged.max(initial=0)))
