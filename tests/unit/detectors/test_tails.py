"""Tail probabilities against exact distributions, far out."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from detectors import tails


def test_kolmogorov_matches_the_exact_law() -> None:
    """Stephens' form is within a fifth of the exact one-sample law where levels are decided."""
    rows = np.array([20.0, 100.0, 1000.0])
    for p in (1e-2, 1e-3, 1e-4):
        distance = np.asarray(stats.kstwo.isf(p, rows))
        assert tails.kolmogorov(distance, rows) == pytest.approx(p, rel=0.2)


def test_two_sided_is_student_and_normal() -> None:
    """Finite degrees give Student's t, unlimited ones the normal."""
    deviate = np.array([-4.0, 1.0, 6.0])
    assert tails.two_sided(deviate, np.full(3, 7.0)) == pytest.approx(2 * stats.t.sf(np.abs(deviate), 7))
    assert tails.two_sided(deviate, np.full(3, tails.NORMAL_DF)) == pytest.approx(
        2 * stats.norm.sf(np.abs(deviate))
    )


def test_widen_reads_the_same_deviate_in_heavier_tails() -> None:
    """A normal probability of 4 standard deviations becomes that of Student's t; unlimited degrees change nothing."""
    p = np.array([2 * stats.norm.sf(4.0)])
    assert tails.widen(p, np.array([7.0])) == pytest.approx([2 * stats.t.sf(4.0, 7)])
    assert tails.widen(p, np.array([tails.NORMAL_DF])) == pytest.approx(p)


@given(st.integers(0, 60), st.integers(1, 400), st.integers(1, 400), st.integers(1, 2000))
def test_hypergeometric_bound_is_never_below_the_tail(
    hits: int, successes: int, draws: int, rest: int
) -> None:
    """The bound covers the exact tail, and is close to it three standard deviations out."""
    total = max(successes, draws) + rest
    hits = min(hits, successes, draws)
    law = stats.hypergeom(total, successes, draws)
    exact = float(law.sf(hits - 1))
    found = float(
        tails.hypergeometric_upper(*(np.array([float(v)]) for v in (hits, successes, draws, total)))[0]
    )
    assert found >= exact * (1 - 1e-6) or exact > 0.4
    share = successes / total
    deviation = (draws * share * (1 - share) * (total - draws) / max(total - 1, 1)) ** 0.5
    if hits > draws * share + 3 * deviation and exact > 1e-200:
        assert found <= exact * 1.15 + 1e-12


def two_sided(*draw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Both tails of a count."""
    asked = tails.Draw(*draw)
    return tails.both(*tails.hypergeometric_uppers([asked, asked.rest()]))


def test_a_two_sided_count_sees_too_few_as_well() -> None:
    """No hit where fifty were expected is as surprising as the exact tail says."""
    args = [np.array([v]) for v in (0.0, 1050.0, 1000.0, 21_000.0)]
    exact = 2 * stats.hypergeom(21_000, 1050, 1000).cdf(0)
    assert two_sided(*args)[0] == pytest.approx(exact, rel=0.1)


def test_degrees_cover_poisson_tails() -> None:
    """Student's t with the degrees of a rare value's share covers its Poisson count, down to 1e-5."""
    for mean in (2.0, 10.0, 50.0, 400.0):
        share = mean / 1e6
        df = tails.degrees(np.array([1 / share]), np.array([share**-0.5]), np.array([1e6]))
        count = stats.poisson.isf(1e-5, mean) + 1
        deviate = (count - mean) / mean**0.5
        assert tails.two_sided(np.array([deviate]), df)[0] >= stats.poisson.sf(count - 1, mean)


def test_symmetric_light_tails_are_read_as_normal() -> None:
    """A uniform score needs no wider tails."""
    assert tails.degrees(np.array([-1.2]), np.array([0.0]), np.array([100.0])) == tails.NORMAL_DF


def test_combine_keeps_its_level_for_dependent_tests() -> None:
    """Of two million draws of 12 correlated tests, about one in a thousand falls under 0.001: never 1.3 times that."""
    rng = np.random.default_rng(1)
    below = 0
    for _ in range(20):
        common = rng.normal(size=(100_000, 1))
        p = 2 * stats.norm.sf(np.abs(0.7 * common + 0.51**0.5 * rng.normal(size=(100_000, 12))))
        below += int((tails.combine(p, np.ones(12)) < 1e-3).sum())
    assert 0.4e-3 < below / 2_000_000 < 1.3e-3


def test_combine_is_never_worse_than_weighted_bonferroni() -> None:
    """One small probability among others of no say is divided by its share of the weights."""
    p = np.array([1e-9, 0.6, 0.7, np.nan])
    assert tails.combine(p, np.array([2.0, 1.0, 1.0, 5.0])) == pytest.approx(2e-9, rel=1e-3)


def test_combine_gains_where_tests_agree() -> None:
    """Four tests that see the same change lose nothing for being four."""
    assert tails.combine(np.full(4, 1e-6), np.ones(4)) == pytest.approx(1e-6, rel=1e-3)


def test_combine_of_nothing_is_one() -> None:
    """No test, no evidence."""
    assert tails.combine(np.full(3, np.nan), np.ones(3)) == 1.0


def test_extremes_stay_probabilities() -> None:
    """Zeros, ones and counts at their ends give no NaN and leave [0, 1] nowhere."""
    p = tails.combine(np.array([0.0, 1.0]), np.ones(2))
    assert 0 < p < 1e-200
    edge = two_sided(np.array([0.0, 5.0, 5.0]), np.array([0.0, 5.0, 10.0]), np.full(3, 5.0), np.full(3, 10.0))
    assert ((edge >= 0) & (edge <= 1)).all()
