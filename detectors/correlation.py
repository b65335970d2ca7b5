"""Whether pairs of columns still go together as they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

MANY_PAIRS = 20
NOTABLE = 2.0
"""Where there are more pairs than that, standard deviations from which a probability is worked out; 1 below, as the
number of pairs times the probability is anyway."""

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
        sample, order = window.profile.sample, reference.order
        if len(columns) <= 1 or order is None or order.association.rows < LEAST_ROWS:
            return []
        if window.profile.rows < window.min_rows or len(sample) < LEAST_ROWS:
            return [
                self._quiet(
                    Verdict.INSUFFICIENT, float("nan"), None, len(sample), f"{len(sample)} sampled rows"
                )
            ]
        r = correlations(reference.score_table.scores(sample.codes[:, list(columns)]))
        change = Change.of(order.association, r, len(sample), window.profile.rows)
        level = self.level / (len(columns) + 1)
        if change.smallest >= level:
            return [self._quiet(Verdict.OK, 0.0, change.smallest, len(sample), "")]
        names = [reference.layout.columns[i].name for i in columns]
        return [self._found(names, change, level, len(sample))]

    def _quiet(self, verdict: Verdict, statistic: float, p: float | None, rows: int, detail: str) -> Result:
        return Result(
            "", self.type, verdict, Cause.DATA_DRIFT, statistic, self.effect, p, statistic, rows, detail
        )

    def _found(self, names: Sequence[str], change: Change, level: float, rows: int) -> Result:
        """Name the column with the most significant pairs; between equals, that with the largest deviates."""
        pairs = (change.p * change.pairs < level).sum(axis=1)
        named = int(np.lexsort(((change.deviate**2).sum(axis=1), pairs))[-1])
        other = int(change.p[named].argmin())
        before, now = float(change.before[named, other]), float(change.now[named, other])
        error = change.error[named, other] * stretch(self.level, change.df[named, other])
        bound = abs(now - before) + special.ndtri(self.level) * error
        verdict = Verdict.DRIFT if bound > self.effect else Verdict.WARNING
        more = f" and {pairs[named] - 1} more" if pairs[named] > 1 else ""
        detail = f"correlation with {names[other]}{more} went from {before:.2f} to {now:.2f}"
        return Result(
            names[named], self.type, verdict, Cause.DATA_DRIFT, now - before, self.effect, change.smallest,
            abs(now - before), rows, detail,
        )  # fmt: skip


def correlations(scores: npt.NDArray[np.float32]) -> Floats:
    """Correlations of a sample's scores, shape (rows, c) to (c, c)."""
    n = len(scores)
    return block_correlations(scores.T @ scores / n, scores.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Change:
    """Every pair's change of correlation; all arrays float64 of shape (c, c).

    Attributes:
        before, now: correlations. error: standard error of their difference. df: degrees of freedom behind it.
        deviate: the standardised change. p: its probability; 1 for pairs with a constant column.
        pairs: how many pairs were tested.
    """

    before: Floats
    now: Floats
    error: Floats
    df: Floats
    deviate: Floats
    p: Floats
    pairs: int

    @property
    def smallest(self) -> float:
        """The smallest probability times the number of pairs."""
        return min(float(self.p.min()) * max(self.pairs, 1), 1.0)

    @classmethod
    def of(cls, association: Association, now: Floats, sampled: int, rows: int) -> Change:
        """Compare a sample's correlations with the reference's.

        The change is Fisher's z, or the plain difference where that is smaller: close to 1, between columns of few
        values, z alone makes much of a few rows. The variance is that of `sampled` rows drawn from the window, of the
        window's `rows` where they depend on each other, and of the reference.
        """
        before = association.correlation
        old, new = np.clip(before, -NEARLY_ONE, NEARLY_ONE), np.clip(now, -NEARLY_ONE, NEARLY_ONE)
        design, df = association.at(rows)
        share = 1 / sampled + (design - 1) / max(rows, 1) + design / association.rows
        error = np.sqrt(association.variance * share)
        straight, curved = new - old, (np.arctanh(new) - np.arctanh(old)) * (1 - old**2)
        deviate = np.where(np.abs(straight) < np.abs(curved), straight, curved) / error
        df = np.minimum(df, tails.degrees(association.heavy, np.zeros(()), 1 / share))
        varies = np.diag(before) > 0
        tested = varies[:, None] & varies[None, :] & ~np.eye(len(varies), dtype=bool)
        pairs = int(tested.sum()) // 2
        notable = tested & (np.abs(deviate) > (NOTABLE if pairs > MANY_PAIRS else 0.0))
        p = np.ones(deviate.shape)
        p[notable] = tails.two_sided(deviate[notable], df[notable])
        return cls(before, now, error, df, np.where(tested, deviate, 0.0), p, pairs)
