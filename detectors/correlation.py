"""Whether pairs of columns still go together as they did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Lt
from scipy import special

from detectors import tails
from detectors.association import Association, block_correlations
from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.comparison import JUDGED
from detectors.effects import stretch
from detectors.reference import Reference

Floats = npt.NDArray[np.float64]

LEAST_ROWS = 30
"""A correlation of fewer sampled rows says nothing."""

NEARLY_ONE = 0.9999


class Correlation(WindowTest):
    """Whether a correlation between two columns has changed: a broken join, a shuffled column, a new relation.

    Rank correlations of the window's sample against the reference's, every pair of features, prediction, score and
    label, by Fisher's z. Variances come from the fourth moments and from blocks of the reference in its own order. The
    smallest probability, times the number of pairs, is compared with level / (columns + 1): the share that the `drift`
    test leaves. Named is the column with the most significant pairs. *drift*: also, the lower confidence bound of the
    change exceeds `effect`. Cost: about 1 ms for 50 columns, whatever the rows.

    The statistic is the change of the correlation, in [-2, 2], of the named column's most significant pair.

    References:
        Fisher (1921), Metron 1, 3-32. Hawkins (1989), The American Statistician 43, 235-237.
    """

    type: Literal["correlation"] = "correlation"
    level: Annotated[float, Gt(0), Lt(0.5)] = 0.01
    """Share of quiet windows that may carry a warning, over the `drift` test and this together."""
    effect: Annotated[float, Gt(0), Lt(2)] = 0.1
    """The change of a correlation that matters."""

    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """One result: the column whose correlations changed most; its name is "" where none did."""
        columns = reference.layout.with_role(*JUDGED)
        sample = window.profile.sample
        if len(columns) < 2 or reference.order is None or reference.order.association.rows < LEAST_ROWS:
            return []
        if window.profile.rows < window.min_rows or len(sample) < LEAST_ROWS:
            detail = f"{len(sample)} sampled rows"
            cause = Cause.DATA_DRIFT
            return [
                Result(
                    "",
                    self.type,
                    Verdict.INSUFFICIENT,
                    cause,
                    float("nan"),
                    self.effect,
                    rows=len(sample),
                    detail=detail,
                )
            ]
        table = reference.score_table
        r = correlations(table.scores(sample.codes[:, list(columns)]))
        return [self._result(reference, columns, r, len(sample), window.profile.rows)]

    def _result(
        self, reference: Reference, columns: Sequence[int], r: Floats, sampled: int, rows: int
    ) -> Result:
        assert reference.order is not None
        association = reference.order.association
        p, deviate, error = compare(association, r, sampled, rows, self.level)
        tested = int((np.triu(~np.isnan(p), 1)).sum())
        p = np.where(np.isnan(p), 1.0, p)
        best = min(float(p.min()) * max(tested, 1), 1.0)
        level = self.level / (len(columns) + 1)
        if best >= level:
            return Result("", self.type, Verdict.OK, Cause.DATA_DRIFT, 0.0, self.effect, best, 0.0, sampled)
        carried = (p * tested < level).sum(axis=1)
        named = int(np.lexsort(((deviate**2).sum(axis=1), carried))[-1])
        other = int(p[named].argmin())
        before, now = association.correlation[named, other], r[named, other]
        bound = abs(now - before) + special.ndtri(self.level) * error[named, other]
        verdict = Verdict.DRIFT if bound > self.effect else Verdict.WARNING
        name, partner = (reference.layout.columns[columns[k]].name for k in (named, other))
        more = f" and {carried[named] - 1} more" if carried[named] > 1 else ""
        detail = f"correlation with {partner}{more} went from {before:.2f} to {now:.2f}"
        change = float(now - before)
        return Result(
            name,
            self.type,
            verdict,
            Cause.DATA_DRIFT,
            change,
            self.effect,
            best,
            abs(change),
            sampled,
            detail,
        )


def correlations(scores: npt.NDArray[np.float32]) -> Floats:
    """Correlations of a sample's scores, shape (rows, c) to (c, c)."""
    n = len(scores)
    return block_correlations(scores.T @ scores / n, scores.mean(axis=0))


def compare(
    association: Association, r: Floats, sampled: int, rows: int, level: float
) -> tuple[Floats, Floats, Floats]:
    """Probability, deviate and error (wider where few blocks stand behind it) of each pair's change, each of shape (c, c); NaN on constant columns.

    The change is Fisher's z, or the plain difference where that is smaller: close to 1, between columns of few values,
    z alone makes much of a few rows. The variance is that of `sampled` rows drawn from the window, of the window's own rows where they depend on each
    other, and of the reference.
    """
    before = np.clip(association.correlation, -NEARLY_ONE, NEARLY_ONE)
    now = np.clip(r, -NEARLY_ONE, NEARLY_ONE)
    design, df = association.at(rows)
    share = 1 / sampled + (design - 1) / max(rows, 1) + design / association.rows
    error = np.sqrt(association.variance * share)
    straight, curved = now - before, (np.arctanh(now) - np.arctanh(before)) * (1 - before**2)
    deviate = np.where(np.abs(straight) < np.abs(curved), straight, curved) / error
    df = np.minimum(df, tails.degrees(association.heavy, np.zeros(()), np.asarray(1 / share)))
    p = tails.two_sided(deviate, df)
    error = error * stretch(level, df)
    varies = np.diag(association.correlation) > 0
    tested = varies[:, None] & varies[None, :] & ~np.eye(len(varies), dtype=bool)
    return np.where(tested, p, np.nan), np.where(tested, deviate, 0.0), error
