"""What a window's counts say about a column's schema, and whether chance explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.binning import CategoricalBinning
from detectors.layout import Kind, Role
from detectors.profile import Profile
from detectors.reference import Reference
from detectors.schema_counts import ADDITIVE, BREAKING, COUNTED, LATE
from detectors.shares import lower_bound

Floats = npt.NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class _Odd:
    """Rows that are odd in one way in one column, as arrays side by side.

    Attributes:
        columns, kinds: positions in the layout and in `COUNTED`.
        hits, usual: rows of the window and of the reference.
        design: dependent rows that count as one.
    """

    columns: npt.NDArray[np.intp]
    kinds: npt.NDArray[np.intp]
    hits: Floats
    usual: Floats
    design: Floats


def column_findings(reference: Reference, window: Profile, level: float) -> dict[int, list[Finding]]:
    """Findings of the columns of `Reference.schema`, by position.

    Args:
        reference: what was there before.
        window: the rows to judge; at least one.
        level: probability of a false finding in one column.
    """
    if not reference.schema.columns:
        return {}
    known, schema = max(reference.rows, 1), reference.schema
    counts = schema.of(window.counts)
    design = reference.comparison.strengths(np.array([window.rows])).worst.design[0]
    at = np.nonzero((counts > 0) & schema.applies)
    odd = _Odd(np.asarray(schema.columns)[at[0]], at[1], counts[at], schema.usual[at], design[at[0]])
    p = _p_values(reference, odd, window.rows)
    found: dict[int, list[Finding]] = {}
    for j in np.flatnonzero(p < level / len(COUNTED)).tolist():
        hits, usual = float(odd.hits[j]), float(odd.usual[j]) / known
        bound = _bound(hits / odd.design[j], window.rows / odd.design[j], level) - usual
        if bound > 0:
            finding = Finding(COUNTED[odd.kinds[j]], hits / window.rows, usual, bound, float(p[j]))
            found.setdefault(int(odd.columns[j]), []).append(finding)
    for c in schema.in_one_slot(window.counts).tolist():
        i = schema.columns[c]
        stuck = _stuck(reference, window, i, float(design[c]), level / len(COUNTED))
        if stuck is not None:
            found[i] = [stuck, *(f for f in found.get(i, []) if f.kind not in LATE)]
    return found


def _p_values(reference: Reference, odd: _Odd, rows: int) -> Floats:
    """Probabilities of as many rows or more, given those of the reference."""
    known, design = float(reference.rows), odd.design
    p = tails.hypergeometric_upper(
        np.floor(odd.hits / design), (odd.hits + odd.usual) / design, rows / design, (rows + known) / design
    )
    ranges = odd.kinds == COUNTED.index("out_of_range")  # two sides, which may share the rows in any way
    p = np.where(ranges, np.minimum(p * (odd.hits / design + 1.0), 1.0), p)
    for j in np.flatnonzero(odd.kinds == COUNTED.index("unseen")):
        p[j] = max(
            float(p[j]), _new_values_expected(reference, int(odd.columns[j]), odd.hits[j : j + 1], rows)
        )
    return p


def _new_values_expected(reference: Reference, i: int, hits: Floats, rows: int) -> float:
    """Probability of so many rows with new categories where the reference has some that came once (Good-Turing)."""
    binning = reference.layout.binnings[i]
    others = len(binning.others) if isinstance(binning, CategoricalBinning) else 0
    once = float(np.sum(reference.profile.values(i) == 1)) + others
    expected = min((once + 2.0 * math.sqrt(once + 1.0)) / max(reference.rows, 1), 1.0)
    return float(tails.binomial_upper(hits, np.array([float(rows)]), np.array([expected]))[0])


def _bound(hits: float, rows: float, level: float) -> float:
    return float(lower_bound(hits, rows, level))


def _stuck(reference: Reference, window: Profile, i: int, design: float, level: float) -> Finding | None:
    """All null, or one single value, where that is not to be expected of so many rows."""
    rows, known = window.rows, max(reference.rows, 1)
    null = window.special(i, "null")
    column = reference.layout.columns[i]
    if null == rows:
        usual = reference.profile.special(i, "null") / known
        p = ((reference.profile.special(i, "null") + 1) / (known + 1)) ** (rows / design)
        if p < level and column.role is not Role.LABEL:
            return Finding("all_null", 1.0, usual, _bound(rows / design, rows / design, level) - usual, p)
        return None
    counts, before = window.values(i), reference.profile.values(i)
    filled = int(counts.sum())
    if int(counts.max()) < filled or filled < rows / 2 or _varies(window, i):
        return None
    if int(before.max()) == int(before.sum()):
        return None
    at = int(counts.argmax())
    p = ((int(before[at]) + 1) / (int(before.sum()) + 1)) ** (filled / design)
    bound = _bound(filled / design, filled / design, level)
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
