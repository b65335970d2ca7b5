"""What a window's counts say about a column's schema, and whether chance explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.binning import CategoricalBinning
from detectors.layout import REMARKS, SPECIALS, Kind, Layout, Role
from detectors.profile import Profile
from detectors.reference import Reference
from detectors.shares import design_effects, lower_bound

Floats = npt.NDArray[np.float64]

BREAKING = {
    "missing": "missing",
    "number_as_string": "a number sent as text",
    "wrong_type": "of the wrong type",
    "fractional": "a fraction in a column of whole numbers",
    "null": "null where there were none",
    "not_finite": "NaN or infinite where there were none",
    "bad_encoding": "damaged text",
    "all_null": "null",
    "constant": "the same value in a column that varied",
}
"""Findings that break a consumer of the old schema, in words."""

ADDITIVE = {
    "out_of_range": "outside the reference's range",
    "unseen": "a category that the reference never had",
    "truncated": "text cut for its length",
}
"""Findings that add to the schema, in words."""

_COUNTED = (*(kind for kind in BREAKING if kind not in ("all_null", "constant")), *ADDITIVE)
"""Kinds that are counts of rows; the order of the columns of the matrices below."""

_LATE = ("missing", "null", "all_null")
"""Kinds that say nothing about a label: it may not be known yet."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of oddity in a column, more frequent than chance explains.

    Attributes:
        kind: a key of BREAKING or ADDITIVE.
        share, usual: share of rows in the window and in the reference.
        bound: lower confidence bound of `share`, minus `usual`.
        p_value: of as many rows or more by chance, given the reference.
    """

    kind: str
    share: float
    usual: float
    bound: float
    p_value: float

    def words(self) -> str:
        """For people."""
        words, group = BREAKING.get(self.kind), "breaking"
        if words is None:
            words, group = ADDITIVE[self.kind], "additive"
        return f"{self.share:.1%} of the rows are {words} ({group})"


def column_findings(
    reference: Reference, window: Profile, columns: Sequence[int], level: float
) -> dict[int, list[Finding]]:
    """Findings of some columns, by position.

    Args:
        reference: what was there before.
        window: the rows to judge; at least one.
        columns: positions in the layout.
        level: probability of a false finding in one column.
    """
    if not columns:
        return {}
    layout, rows, known = reference.layout, float(window.rows), float(reference.rows)
    hits, usual = _counts(layout, window, columns), _counts(layout, reference.profile, columns)
    design = design_effects(reference, window.rows)[list(columns), None]
    p = tails.hypergeometric_upper(
        np.floor(hits / design),
        (hits + usual) / design,
        np.full_like(hits, rows) / design,
        (rows + known) / design,
    )
    _correct_range(p, hits, design[:, 0])
    for c, i in enumerate(columns):
        _correct_unseen(p[c], hits[c], reference, i, window.rows)
    applies = _applies(layout, columns, hits, usual)
    bound = lower_bound(hits / design, np.full_like(hits, rows) / design, level) - usual / max(known, 1.0)
    found: dict[int, list[Finding]] = {}
    for c, k in np.argwhere(applies & (p < level / len(_COUNTED)) & (bound > 0)):
        share, before = float(hits[c, k]) / rows, float(usual[c, k]) / max(known, 1.0)
        finding = Finding(_COUNTED[k], share, before, float(bound[c, k]), float(p[c, k]))
        found.setdefault(columns[c], []).append(finding)
    for c, i in enumerate(columns):
        stuck = _stuck(reference, window, i, float(design[c, 0]), level / len(_COUNTED))
        if stuck is not None:
            found[i] = [stuck, *(f for f in found.get(i, []) if f.kind not in _LATE)]
    return found


def _counts(layout: Layout, profile: Profile, columns: Sequence[int]) -> Floats:
    """Rows of each kind of `_COUNTED`, float64, shape (columns, kinds)."""
    ends = layout.offsets[1:][list(columns)]
    first = ends - len(SPECIALS) - len(REMARKS)
    odd = profile.counts[first[:, None] + np.arange(len(SPECIALS) + len(REMARKS))]
    by_name = dict(zip((*SPECIALS, *REMARKS), odd.T, strict=True))
    by_name["not_finite"] = by_name["nan"] + by_name["positive_infinity"] + by_name["negative_infinity"]
    numeric = np.array([layout.columns[i].kind is Kind.NUMERIC for i in columns])
    low, high = profile.counts[layout.offsets[list(columns)]], profile.counts[first - 1]
    by_name["out_of_range"] = np.where(numeric, low + high, 0)
    by_name["unseen"] = np.where(numeric, 0, high)
    return np.stack([by_name[kind] for kind in _COUNTED], axis=1).astype(np.float64)


def _applies(layout: Layout, columns: Sequence[int], hits: Floats, usual: Floats) -> npt.NDArray[np.bool_]:
    """Which kinds are the schema's business in which column."""
    applies = hits > 0
    for kind in ("null", "not_finite"):
        k = _COUNTED.index(kind)
        applies[:, k] &= usual[:, k] == 0
    whole = np.array([layout.columns[i].integer for i in columns])
    applies[:, _COUNTED.index("fractional")] &= whole
    label = np.array([layout.columns[i].role is Role.LABEL for i in columns])
    late = np.array([kind in _LATE for kind in _COUNTED])
    applies &= ~(label[:, None] & late)
    return applies


def _correct_range(p: Floats, hits: Floats, design: Floats) -> None:
    """Values out of range lie on two sides, which may share the rows in any way."""
    k = _COUNTED.index("out_of_range")
    p[:, k] = np.minimum(p[:, k] * (hits[:, k] / design + 1.0), 1.0)


def _correct_unseen(p: Floats, hits: Floats, reference: Reference, i: int, rows: int) -> None:
    """Where the reference has categories that came once, new ones must be expected (Good-Turing)."""
    k = _COUNTED.index("unseen")
    binning = reference.layout.binnings[i]
    if hits[k] == 0 or not isinstance(binning, CategoricalBinning):
        return
    once = float(np.sum(reference.profile.values(i) == 1)) + len(binning.others)
    expected = min((once + 2.0 * np.sqrt(once + 1.0)) / max(reference.rows, 1), 1.0)
    tail = tails.binomial_upper(hits[k : k + 1], np.array([float(rows)]), np.array([expected]))
    p[k] = max(float(p[k]), float(tail[0]))


def _stuck(reference: Reference, window: Profile, i: int, design: float, level: float) -> Finding | None:
    """All null, or one single value, where that is not to be expected of so many rows."""
    rows, known = window.rows, max(reference.rows, 1)
    null = window.special(i, "null")
    column = reference.layout.columns[i]
    if null == rows:
        usual = reference.profile.special(i, "null") / known
        p = ((reference.profile.special(i, "null") + 1) / (known + 1)) ** (rows / design)
        if p < level and column.role is not Role.LABEL:
            return Finding(
                "all_null", 1.0, usual, float(lower_bound(rows / design, rows / design, level)) - usual, p
            )
        return None
    counts, before = window.values(i), reference.profile.values(i)
    filled = int(counts.sum())
    if int(counts.max()) < filled or filled < rows / 2 or _varies(window, i):
        return None
    if int(before.max()) == int(before.sum()):
        return None
    at = int(counts.argmax())
    p = ((int(before[at]) + 1) / (int(before.sum()) + 1)) ** (filled / design)
    bound = float(lower_bound(filled / design, filled / design, level))
    return Finding("constant", filled / rows, 0.0, bound, p) if p < level else None


def _varies(window: Profile, i: int) -> bool:
    """Whether values that share one bin differ."""
    if window.layout.columns[i].kind is Kind.NUMERIC:
        return bool(window.minimum[i] < window.maximum[i])
    binning = window.layout.binnings[i]
    if not isinstance(binning, CategoricalBinning):
        return False
    at = int(window.values(i).argmax())
    if at == binning.unseen and i in window.unseen:
        return window.unseen[i].keys.size > 1
    return at == binning.other
