"""Tail probabilities that stay right far out, where a level is shared over many columns, tests and lengths.

All functions are vectorised over float64 arrays, return probabilities in [0, 1] and never warn. Counts may be
fractional: a count divided by a design effect enters as it is, through the gamma function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors import special

Array = npt.NDArray[np.float64]

SMALLEST = 1e-300
"""Probabilities are cut here, so that their inverses stay finite."""

LEAST_DEVIATE = 0.5
"""Deviates under this are read against the normal, whose probabilities are within 0.1 of any t with 3 degrees there."""

STEEP = 1e-8
"""Under this the tangent is read as one over its argument."""

NORMAL_DF = 1e6
"""Degrees of freedom from which Student's t is read as the normal distribution."""


def kolmogorov(distance: Array, rows: Array) -> Array:
    """Probability of a Kolmogorov distance at least this large between `rows` effective rows and their law.

    Uses Stephens' small-sample form (sqrt n + 0.12 + 0.11 / sqrt n) D; conservative for binned and tied values.

    Args:
        distance: float64, largest gap of the distribution functions, in [0, 1].
        rows: float64, effective rows N m / (N + m), same shape, at least a fraction above 0.

    References:
        Stephens (1970), JRSS B 32, 115-122.
    """
    root = np.sqrt(np.maximum(rows, 1e-12))
    return np.asarray(special.kolmogorov((root + 0.12 + 0.11 / root) * distance))


def two_sided(deviate: Array, df: Array) -> Array:
    """Probability that Student's t with `df` degrees lies at least this far from 0 .

    The normal from NORMAL_DF degrees on, and for deviates under LEAST_DEVIATE, which no level comes near.
    """
    size = -np.abs(deviate)
    tail = np.asarray(special.ndtr(size))
    close = (df < NORMAL_DF) & (size < -LEAST_DEVIATE)
    if close.any():
        if not size.shape == df.shape == close.shape:
            size, df, tail = np.broadcast_arrays(size, df, tail)
            tail = tail.copy()
        tail[close] = special.stdtr(df[close], size[close])
    return np.asarray(np.minimum(2.0 * tail, 1.0))


def widen(probability: Array, df: Array) -> Array:
    """The same deviate, read against Student's t with `df` degrees instead of the normal.

    For statistics whose scale was itself estimated, from df + 1 blocks: the two-sided probability is turned into
    the normal deviate that has it, and that deviate is read again. Equal to `probability` where df >= NORMAL_DF.

    Args:
        probability: float64.
        df: float64, same shape.
    """
    heavy = df < NORMAL_DF
    if not heavy.any():
        return probability
    wide, degrees_there = probability.copy(), df[heavy]
    deviate = -special.ndtri(np.clip(probability[heavy], SMALLEST, 1.0) / 2.0)
    wide[heavy] = two_sided(deviate, degrees_there)
    return wide


def stretch(level: float, df: Array) -> Array:
    """How much wider a bound is where the scale was estimated from df + 1 blocks: t quantile over normal quantile."""
    wide, exact = np.ones(df.shape), df < NORMAL_DF
    if exact.any():
        wide[exact] = special.stdtrit(df[exact], 1 - level) / -special.ndtri(level)
    return wide


def degrees(excess: Array, skewness: Array, rows: Array) -> Array:
    """Degrees of a Student's t whose tails are no lighter than those of a mean of `rows` values.

    A mean of skewed or heavy-tailed values (the share of a rare value, say) is far from normal at small
    probabilities. With heavy = max(0, excess kurtosis + skewness^2) the result is 4 + 2.5 rows / heavy, which covers
    the tails of Poisson counts down to 1e-5 (shown in the tests).

    Args:
        excess: float64, excess kurtosis of one value.
        skewness: float64, skewness of one value.
        rows: float64, effective rows of the mean.
    """
    heavy = np.maximum(excess + skewness**2, 0.0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        df = 4.0 + 2.5 * rows / heavy
    return np.asarray(np.where(heavy > 0, np.minimum(df, NORMAL_DF), NORMAL_DF))


def _log_choose(n: Array, k: Array) -> Array:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


class Draw(NamedTuple):
    """`draws` of `total` are drawn, `successes` of these count, and `hits` of the drawn count; float64 each."""

    hits: Array
    successes: Array
    draws: Array
    total: Array

    def rest(self) -> Draw:
        """The same seen from what was not drawn: its upper tail is the lower one of this."""
        return Draw(self.successes - self.hits, self.successes, self.total - self.draws, self.total)


def hypergeometric_uppers(draws: Sequence[Draw]) -> list[Array]:
    """Answers of `hypergeometric_upper` to several questions in one evaluation."""
    above = [d.hits * d.total > d.successes * d.draws for d in draws]
    parts = [_chosen(d, a) for d, a in zip(draws, above, strict=True)]
    tail = _upper(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    results, start = [], 0
    for chosen in above:
        result, end = np.ones(chosen.shape), start + int(np.count_nonzero(chosen))
        result[chosen] = tail[start:end]
        results.append(result)
        start = end
    return results


def _chosen(draw: Draw, chosen: npt.NDArray[np.bool_]) -> list[Array]:
    """The four numbers where they are asked for, shape (k,) each."""
    return [(a if a.shape == chosen.shape else np.broadcast_to(a, chosen.shape))[chosen] for a in draw]


def _upper(k: Array, good: Array, n: Array, everything: Array) -> Array:
    """The tail where hits are above the mean, shape (k,)."""
    if not k.size:
        return k
    log_first = _log_choose(good, k) + _log_choose(everything - good, n - k) - _log_choose(everything, n)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = (good - k) * (n - k) / ((k + 1) * (everything - good - n + k + 1))
        tail = np.exp(np.minimum(log_first, 0.0)) / (1 - ratio)
    return np.where((ratio < 1) & np.isfinite(tail), np.minimum(tail, 1.0), 1.0)


def hypergeometric_upper(hits: Array, successes: Array, draws: Array, total: Array) -> Array:
    """Upper bound, tight far out, of P(X >= hits) when `draws` of `total` are drawn and `successes` of them count.

    The tail is summed as a geometric series at the ratio of its first two terms, which only falls: the bound is
    never below the exact tail, and within a few per cent of it beyond three standard deviations. 1 where hits are
    not above the mean.
    """
    draw = Draw(*(np.asarray(a, dtype=float) for a in (hits, successes, draws, total)))
    return hypergeometric_uppers([draw])[0]


def both(upper: Array, lower: Array) -> Array:
    """Twice the smaller of the tails of a draw and of its rest."""
    return np.minimum(2.0 * np.minimum(upper, lower), 1.0)


def binomial_upper(hits: Array, trials: Array, share: Array) -> Array:
    """P(X >= hits) for a binomial count; exact through the incomplete beta function, fractional counts allowed."""
    inside = (hits > 0) & (trials >= hits)
    tail = special.betainc(np.where(inside, hits, 1.0), np.where(inside, trials - hits + 1, 1.0), share)
    return np.asarray(np.where(inside, tail, np.where(hits > 0, 0.0, 1.0)))


def chi_square(statistic: Array, df: Array) -> Array:
    """Upper tail of the chi-square distribution; 1 where df is 0."""
    return np.asarray(np.where(df > 0, special.chdtrc(np.maximum(df, 1.0), np.maximum(statistic, 0.0)), 1.0))


def combine(probabilities: Array, weights: Array) -> Array:
    """One probability for several dependent ones, along the last axis: the Cauchy combination test.

    The weighted mean of tan(pi (1/2 - p)) of dependent uniform p is Cauchy-distributed in the tail whatever the
    dependence, so no factor for the number of tests is lost where several of them see the same change, and never
    more than that of a weighted Bonferroni where only one does. Probabilities above 1/2 count as 1/2, so that
    one test that fits too well cannot hide another.

    Args:
        probabilities: float64, shape (..., k); NaN where a test does not apply.
        weights: float64, broadcastable to it; normalised over the tests that apply.

    Returns:
        float64, shape (...); 1 where no test applies.

    References:
        Liu and Xie (2020), JASA 115, 393-402.
    """
    applies = ~np.isnan(probabilities)
    share = np.where(applies, weights, 0.0)
    total = share.sum(axis=-1)
    p = np.clip(np.where(applies, probabilities, 0.5), SMALLEST, 0.5)
    score = np.where(p < STEEP, 1.0 / (np.pi * p), 1.0 / np.tan(np.pi * p))  # tan overflows close to its pole
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (share * score).sum(axis=-1) / total
    tail = np.where(mean > 1 / STEEP, 1.0 / (np.pi * np.maximum(mean, 1.0)), 0.5 - np.arctan(mean) / np.pi)
    return np.asarray(np.where(total > 0, np.clip(tail, SMALLEST, 1.0), 1.0))
