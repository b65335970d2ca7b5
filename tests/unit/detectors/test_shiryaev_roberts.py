"""The default rule on the error stream: few false alarms, short delays, one answer for any cut."""

import numpy as np
import pytest

from detectors.base import Result, Verdict
from detectors.error_baseline import ErrorBaseline
from detectors.shiryaev_roberts import ShiryaevRoberts, ShiryaevRobertsState
from tests.unit.detectors.error_streams import Signal, independent, markov, reference_of


def alarms(signal: Signal, before: Signal | None = None) -> list[tuple[int, Result]]:
    """Alarms of the default rule, with a reference or without."""
    detector = ShiryaevRoberts()
    baseline = None if before is None else ErrorBaseline.learn(before.astype(np.uint8))
    state = detector.watching(baseline) if baseline else ShiryaevRobertsState(None)
    return list(detector.update(state, signal)[1])


def delays(rng: np.random.Generator, share: float, later: float, correlation: float = 0.0) -> list[int]:
    """Rows from the change to the alarm in 20 streams, 2,000 quiet rows before it; 10,000 where it is missed."""
    found = []
    for _ in range(20):
        parts = [(5000, share), (2000, share), (10_000, later)]
        rows = [markov(rng, n, p, correlation) if correlation else independent(rng, n, p) for n, p in parts]
        hits = [row - 2000 for row, _ in alarms(np.concatenate(rows[1:]), rows[0]) if row >= 2000]
        found.append(hits[0] if hits else 10_000)
    return found


def test_a_constant_share_raises_few_alarms(rng: np.random.Generator) -> None:
    """Over 2 million quiet rows no more than a Poisson count of mean 10 may reach (one in 200,000)."""
    counts = [len(alarms(independent(rng, 100_000, 0.1), independent(rng, 5000, 0.1))) for _ in range(10)]
    counts += [len(alarms(independent(rng, 100_000, 0.3))) for _ in range(10)]
    assert sum(counts) <= 20


def test_memory_raises_few_alarms(rng: np.random.Generator) -> None:
    """A Markov stream with correlation 1/2 is as quiet."""
    counts = [len(alarms(markov(rng, 50_000, 0.2, 0.5), markov(rng, 5000, 0.2, 0.5))) for _ in range(4)]
    assert sum(counts) <= 4


@pytest.mark.parametrize(
    ("share", "later", "correlation", "most"),
    [(0.1, 0.15, 0.0, 900), (0.2, 0.3, 0.0, 450), (0.2, 0.3, 0.5, 1600)],
)
def test_changes_are_found_soon(
    rng: np.random.Generator, share: float, later: float, correlation: float, most: int
) -> None:
    """None is missed, and the median delay is within the bound."""
    found = delays(rng, share, later, correlation)
    assert max(found) < 10_000
    assert float(np.median(found)) < most


def test_a_rise_is_drift_with_its_size_and_moment(rng: np.random.Generator) -> None:
    """The effect is near the true change, the rows near the rows since."""
    signal = np.concatenate([independent(rng, 3000, 0.1), independent(rng, 3000, 0.3)])
    row, result = alarms(signal, independent(rng, 5000, 0.1))[0]
    assert result.verdict is Verdict.DRIFT
    assert result.effect_size == pytest.approx(0.2, abs=0.1)
    assert result.rows == pytest.approx(row - 3000, abs=60)


def test_a_fall_is_a_warning_unless_asked_for(rng: np.random.Generator) -> None:
    """Fewer errors are a notice; with `falls: drift` they are drift."""
    signal, before = independent(rng, 4000, 0.1), independent(rng, 5000, 0.3)
    found = alarms(signal, before)
    assert [Verdict.WARNING] == [result.verdict for _, result in found]
    detector = ShiryaevRoberts(falls="drift")
    _, strict = detector.update(detector.watching(ErrorBaseline.learn(before.astype(np.uint8))), signal)
    assert [Verdict.DRIFT] == [result.verdict for _, result in strict]


def test_a_small_change_is_a_warning(rng: np.random.Generator) -> None:
    """Two points of a hundred is the floor: one point is told, but is no drift."""
    found = alarms(independent(rng, 100_000, 0.11), independent(rng, 100_000, 0.1))
    assert found
    assert found[0][1].verdict is Verdict.WARNING


def test_after_an_alarm_the_new_share_is_learnt(rng: np.random.Generator) -> None:
    """One change raises one alarm, not one for each block that it lasts."""
    counts = []
    for _ in range(10):
        signal = np.concatenate([independent(rng, 3000, 0.1), independent(rng, 10_000, 0.3)])
        counts.append(len(alarms(signal, independent(rng, 5000, 0.1))))
    assert min(counts) == 1
    assert sum(counts) <= 11


def test_dependent_rows_are_learnt_for_longer(rng: np.random.Generator) -> None:
    """A baseline of few effective rows is not believed: it would take slow waves for changes."""
    waves = np.concatenate([independent(rng, 200, share) for share in np.tile([0.1, 0.5], 20)])
    detector = ShiryaevRoberts()
    state, _ = detector.update(ShiryaevRobertsState(None), waves[:1500])
    assert state.baseline is None
    assert alarms(waves) == []


def test_a_weak_reference_is_not_believed(rng: np.random.Generator) -> None:
    """Under 250 effective rows the stream itself is learnt."""
    detector = ShiryaevRoberts()
    assert detector.start(reference_of(independent(rng, 200, 0.2))).baseline is None
    assert detector.start(reference_of(independent(rng, 600, 0.2))).baseline is not None
