"""Whether pairs of columns still go together as they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Lt

from detectors import special, tails
from detectors.association import Association, block_correlations
from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.comparison import JUDGED
from detectors.layout import Column, Role
from detectors.reference import Reference

Floats = npt.NDArray[np.float64]

MANY_PAIRS = 20
NOTABLE = 2.0
"""Where there are more pairs than that, standard deviations from which a probability is worked out; 1 below, as the
number of pairs times the probability is anyway."""

LEAST_ROWS = 30
"""A correlation of fewer sampled rows says nothing."""

NEARLY_ONE = 0.9999

CAUSES = (Cause.DATA_DRIFT, Cause.PREDICTION_DRIFT, Cause.CONCEPT_DRIFT)
"""Of a pair, the later of what its columns say."""


class Correlation(WindowTest):
    """Whether a correlation between two columns has changed: a broken join, a shuffled column, a new relation.

    Rank correlations of the window's sample against the reference's, every pair of features, prediction, score and
    label, by Fisher's z. Variances come from the fourth moments and from blocks of the reference in its own order. The
    smallest probability, times the number of pairs, is compared with level / (columns + 1): the share that the `drift`
    test leaves. Named is the column with the most significant pairs. *drift*: also, the lower confidence bound of the
    change exceeds `effect`. Cost: about 1 ms for 50 columns, whatever the rows.

    The statistic is the change of the correlation, in [-2, 2], of the named column's most significant pair. The cause
    follows that pair: concept drift with the label in it, else prediction drift with the prediction or the score in
    it, else data drift.

    References:
        Fisher (1921), Metron 1, 3-32. Hawkins (1989), The American Statistician 43, 235-237.
    """

    type: Literal["correlation"] = "correlation"
    level: Annotated[float, Gt(0), Lt(0.5)] = 0.01
    """Share of quiet windows that may carry a warning, over the `drift` test and this together."""
    effect: Annotated[float, Gt(0), Lt(2)] = 0.1
    """The change of a correlation that matters."""

    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """The column whose correlations changed most; beside it *ok*, named "", for each cause without a change."""
        positions = reference.layout.with_role(*JUDGED)
        sample, order = window.profile.sample, reference.order
        if len(positions) <= 1 or order is None or order.association.rows < LEAST_ROWS:
            return []
        if window.profile.rows < window.min_rows or len(sample) < LEAST_ROWS:
            nan, detail = float("nan"), f"{len(sample)} sampled rows"
            return [Result("", self.type, Verdict.INSUFFICIENT, Cause.DATA_DRIFT, nan, self.effect, rows=len(sample),
                           detail=detail)]  # fmt: skip
        columns = [reference.layout.columns[i] for i in positions]
        now = Relations.of(reference, positions, sample.codes[:, list(positions)])
        change = Change.of(order.association, now, window.profile.rows)
        level = self.level / (len(columns) + 1)
        smallest = change.by_cause([column.role for column in columns])
        quiet = [
            Result("", self.type, Verdict.OK, cause, 0.0, self.effect, p, 0.0, len(sample))
            for cause, p in smallest.items()
            if p >= level
        ]
        return (
            quiet
            if len(quiet) == len(smallest)
            else [self._found(columns, change, level, len(sample)), *quiet]
        )

    def _found(self, columns: Sequence[Column], change: Change, level: float, rows: int) -> Result:
        """Name the column with the most significant pairs; between equals, that with the largest deviates."""
        pairs = (change.p * change.pairs < level).sum(axis=1)
        named = int(np.lexsort(((change.deviate**2).sum(axis=1), pairs))[-1])
        other = int(change.p[named].argmin())
        before, now = float(change.before[named, other]), float(change.now[named, other])
        error = change.error[named, other] * tails.stretch(self.level, change.df[named, other])
        bound = abs(now - before) + special.ndtri(self.level) * error
        verdict = Verdict.DRIFT if bound > self.effect else Verdict.WARNING
        p = min(float(change.p[named, other]) * change.pairs, 1.0)
        more = f" and {pairs[named] - 1} more" if pairs[named] > 1 else ""
        detail = f"correlation with {columns[other].name}{more} went from {before:.2f} to {now:.2f}"
        return Result(
            columns[named].name, self.type, verdict, cause_of(columns[named].role, columns[other].role),
            now - before, self.effect, p, abs(now - before), rows, detail,
        )  # fmt: skip


def cause_of(*roles: Role) -> Cause:
    """The alert group of a relation between columns of these roles."""
    if Role.LABEL in roles:
        return Cause.CONCEPT_DRIFT
    if Role.PREDICTION in roles or Role.SCORE in roles:
        return Cause.PREDICTION_DRIFT
    return Cause.DATA_DRIFT


def correlations(scores: npt.NDArray[np.float32]) -> Floats:
    """Correlations of a sample's scores, shape (rows, c) to (c, c)."""
    n = len(scores)
    return block_correlations(scores.T @ scores / n, scores.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Relations:
    """Correlations of a window's sample; all arrays float64 of shape (c, c).

    Rows without a value score 0, in the reference too, which takes some of a correlation away. Labels come late, so
    theirs are those of the rows that have one, with as much taken away as the reference's own missing labels take.

    Attributes:
        correlation: of each pair; on the diagonal 0 where a column does not vary.
        rows: sampled rows that it rests on.
    """

    correlation: Floats
    rows: Floats

    @classmethod
    def of(cls, reference: Reference, columns: Sequence[int], codes: npt.NDArray[np.integer]) -> Relations:
        """Correlations of these columns of a layout from their codes, shape (rows, c)."""
        scores, layout = reference.score_table.scores(codes), reference.layout
        found, rows = correlations(scores), np.full((len(columns), len(columns)), float(len(codes)))
        for c, i in enumerate(columns):
            late = codes[:, c] >= layout.binnings[i].size
            if layout.columns[i].role is Role.LABEL and late.any():
                known, usual = (
                    scores[~late],
                    reference.profile.counts[layout.values(i)].sum() / reference.rows,
                )
                fresh = correlations(known)[c] if len(known) >= LEAST_ROWS else np.zeros(len(columns))
                found[c], found[:, c] = (fresh * np.sqrt(usual),) * 2
                found[c, c] = fresh[c]
                rows[c], rows[:, c] = (max(len(known), 1),) * 2
        return cls(found, rows)


@dataclass(frozen=True, eq=False)
class Change:
    """Every pair's change of correlation; all arrays float64 of shape (c, c).

    Attributes:
        before, now: correlations. error: standard error of their difference. df: degrees of freedom behind it.
        deviate: the standardised change. p: its probability; 1 for pairs with a constant column.
        tested: bool, pairs of two columns that vary. pairs: how many they are.
    """

    before: Floats
    now: Floats
    error: Floats
    df: Floats
    deviate: Floats
    p: Floats
    tested: npt.NDArray[np.bool_]
    pairs: int

    def by_cause(self, roles: Sequence[Role]) -> dict[Cause, float]:
        """For each cause that a tested pair has: their smallest probability times the number of all pairs."""
        rank = np.array([CAUSES.index(cause_of(role)) for role in roles])
        pair = np.where(self.tested, np.maximum(rank[:, None], rank[None, :]), -1)
        tested = {cause: self.p[pair == k] for k, cause in enumerate(CAUSES)}
        return {cause: min(float(p.min()) * self.pairs, 1.0) for cause, p in tested.items() if len(p)}

    @classmethod
    def of(cls, association: Association, sampled: Relations, rows: int) -> Change:
        """Compare a sample's correlations with the reference's.

        The change is Fisher's z, or the plain difference where that is smaller: close to 1, between columns of few
        values, z alone makes much of a few rows. The variance is that of the sampled rows drawn from the window, of the
        window's `rows` where they depend on each other, and of the reference.
        """
        before, now = association.correlation, sampled.correlation
        old, new = np.clip(before, -NEARLY_ONE, NEARLY_ONE), np.clip(now, -NEARLY_ONE, NEARLY_ONE)
        design, df = association.at(rows)
        usable = np.maximum(rows * sampled.rows / sampled.rows.max(), 1.0)
        share = 1 / sampled.rows + (design - 1) / usable + design / association.rows
        error = np.sqrt(association.variance * share)
        straight, curved = new - old, (np.arctanh(new) - np.arctanh(old)) * (1 - old**2)
        deviate = np.where(np.abs(straight) < np.abs(curved), straight, curved) / error
        df = np.minimum(df, tails.degrees(association.heavy, np.zeros(()), 1 / share))
        varies = (np.diag(before) > 0) & (np.diag(now) > 0)
        tested = varies[:, None] & varies[None, :] & ~np.eye(len(varies), dtype=bool)
        pairs = int(tested.sum()) // 2
        notable = tested & (np.abs(deviate) > (NOTABLE if pairs > MANY_PAIRS else 0.0))
        p = np.ones(deviate.shape)
        p[notable] = tails.two_sided(deviate[notable], df[notable])
        return cls(before, now, error, df, np.where(tested, deviate, 0.0), p, tested, pairs)
