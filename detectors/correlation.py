"""Whether pairs of columns still go together as they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Lt

from detectors import special, tails
from detectors.association import block_correlations
from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.correlation_pairs import NEARLY_ONE, Pairs, cause_of
from detectors.layout import Column
from detectors.reference import Reference

Floats = npt.NDArray[np.float64]

MANY_PAIRS = 20
NOTABLE = 2.0
"""Where there are more pairs than that, standard deviations from which a probability is worked out; 1 below, as the
number of pairs times the probability is anyway."""

LEAST_ROWS = 30
"""A correlation of fewer sampled rows says nothing."""


class Correlation(WindowTest):
    """Whether a correlation between two columns has changed: a broken join, a shuffled column, a new relation.

    Rank correlations of the window's sample against the reference's, every pair of features, prediction, score and
    label, by Fisher's z. Variances come from the fourth moments and from blocks of the reference in its own order. The
    smallest probability, times the number of pairs, is compared with level / (columns + 1): the share that the `drift`
    test leaves. Named is the column with the most significant pairs. *drift*: also, the lower confidence bound of the
    change exceeds `effect`. Cost: about 0.6 ms for 50 columns, whatever the rows.

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
        positions, pairs = reference.comparison.judged, reference.pairs
        sample = window.profile.sample
        if len(positions) <= 1 or pairs is None or pairs.association.rows < LEAST_ROWS:
            return []
        if window.profile.rows < window.min_rows or len(sample) < LEAST_ROWS:
            nan, detail = float("nan"), f"{len(sample)} sampled rows"
            return [Result("", self.type, Verdict.INSUFFICIENT, Cause.DATA_DRIFT, nan, self.effect, rows=len(sample),
                           detail=detail)]  # fmt: skip
        now = Relations.of(reference, sample.codes)
        change = Change.of(pairs, now, window.profile.rows)
        level = self.level / (len(positions) + 1)
        smallest = change.by_cause()
        quiet = [
            Result("", self.type, Verdict.OK, cause, 0.0, self.effect, p, 0.0, len(sample))
            for cause, p in smallest.items()
            if p >= level
        ]
        if len(quiet) == len(smallest):
            return quiet
        columns = [reference.layout.columns[i] for i in positions]
        return [self._found(columns, change, level, len(sample)), *quiet]

    def _found(self, columns: Sequence[Column], change: Change, level: float, rows: int) -> Result:
        """Name the column with the most significant pairs; between equals, that with the largest deviates."""
        named, others = change.most_significant(level, len(columns))
        of_named = np.flatnonzero(change.pairs.has(named))
        at = int(of_named[change.p[of_named].argmin()])
        other = sum(int(side[at]) for side in change.pairs.sides) - named
        before, now = float(change.pairs.before[at]), float(change.now[at])
        error = change.error[at] * float(tails.stretch(self.level, change.df[at]))
        bound = abs(now - before) + special.ndtri(self.level) * error
        verdict = Verdict.DRIFT if bound > self.effect else Verdict.WARNING
        p = min(float(change.p[at]) * change.tested, 1.0)
        more = f" and {others - 1} more" if others > 1 else ""
        detail = f"correlation with {columns[other].name}{more} went from {before:.2f} to {now:.2f}"
        return Result(
            columns[named].name, self.type, verdict, cause_of(columns[named].role, columns[other].role),
            now - before, self.effect, p, abs(now - before), rows, detail,
        )  # fmt: skip


def correlations(scores: npt.NDArray[np.float32]) -> Floats:
    """Correlations of a sample's scores, shape (rows, c) to (c, c)."""
    n = len(scores)
    return block_correlations(scores.T @ scores / n, np.ones(n, np.float32) @ scores / n)


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
    def of(cls, reference: Reference, codes: npt.NDArray[np.integer]) -> Relations:
        """Correlations of the judged columns from the codes of all columns, shape (rows, columns)."""
        judged, layout = reference.comparison.judged, reference.layout
        if len(judged) < len(layout.columns):
            codes = codes[:, judged]
        scores = reference.score_table.scores(codes)
        found, rows = correlations(scores), np.full((len(judged), len(judged)), float(len(codes)))
        for c in np.flatnonzero(reference.comparison.late).tolist():
            i = int(judged[c])
            late = codes[:, c] >= layout.binnings[i].size
            if late.any():
                known, usual = (
                    scores[~late],
                    reference.profile.counts[layout.values(i)].sum() / reference.rows,
                )
                fresh = correlations(known)[c] if len(known) >= LEAST_ROWS else np.zeros(len(judged))
                found[c], found[:, c] = (fresh * np.sqrt(usual),) * 2
                found[c, c] = fresh[c]
                rows[c], rows[:, c] = (max(len(known), 1),) * 2
        return cls(found, rows)


@dataclass(frozen=True, eq=False)
class Change:
    """Every pair's change of correlation; all arrays float64 of shape (pairs,).

    Attributes:
        pairs: the reference's side.
        now: correlations. error: standard error of the change. df: degrees of freedom behind it.
        deviate: the standardised change. p: its probability; 1 for pairs with a constant column.
        varies: bool, pairs of two columns that vary. tested: how many they are.
    """

    pairs: Pairs
    now: Floats
    error: Floats
    df: Floats
    deviate: Floats
    p: Floats
    varies: npt.NDArray[np.bool_]
    tested: int

    def by_cause(self) -> dict[Cause, float]:
        """For each cause that a tested pair has: their smallest probability times the number of all pairs."""
        return {
            cause: min(float(self.p[places].min()) * self.tested, 1.0)
            for cause, places in self.pairs.causes
            if self.varies[places].any()
        }

    def most_significant(self, level: float, columns: int) -> tuple[int, int]:
        """The column with the most significant pairs, and how many; between equals, that with the largest deviates."""
        hits, sides = self.p * self.tested < level, self.pairs.sides
        counts = np.bincount(np.concatenate([side[hits] for side in sides]), minlength=columns)
        squares = np.bincount(np.concatenate(sides), np.tile(self.deviate**2, 2), minlength=columns)
        named = int(np.lexsort((squares, counts))[-1])
        return named, int(counts[named])

    @classmethod
    def of(cls, pairs: Pairs, sampled: Relations, rows: int) -> Change:
        """Compare a sample's correlations with the reference's.

        The change is Fisher's z, or the plain difference where that is smaller: close to 1, between columns of few
        values, z alone makes much of a few rows. The variance is that of the sampled rows drawn from the window, of the
        window's `rows` where they depend on each other, and of the reference.
        """
        now, drawn = pairs.of(sampled.correlation), pairs.of(sampled.rows)
        new, (old, old_z, slope) = np.clip(now, -NEARLY_ONE, NEARLY_ONE), pairs.old
        design, df = pairs.at(rows)
        usable = np.maximum(rows * drawn / sampled.rows.max(), 1.0)
        share = 1 / drawn + (design - 1) / usable + design / pairs.association.rows
        error = np.sqrt(pairs.variance * share)
        straight, curved = new - old, (np.arctanh(new) - old_z) * slope
        deviate = np.where(np.abs(straight) < np.abs(curved), straight, curved) / error
        df = np.minimum(df, tails.degrees(pairs.heavy, np.zeros(()), 1 / share))
        varies = pairs.varying(np.diagonal(sampled.correlation))
        tested = int(np.count_nonzero(varies))
        notable = varies & (np.abs(deviate) > (NOTABLE if tested > MANY_PAIRS else 0.0))
        p = np.ones(deviate.shape)
        p[notable] = tails.two_sided(deviate[notable], df[notable])
        return cls(pairs, now, error, df, np.where(varies, deviate, 0.0), p, varies, tested)
