"""What a reference says of its errors."""

import json

import numpy as np
import pytest

from detectors.error_baseline import ErrorBaseline, design_effect, tilt
from tests.unit.detectors.error_streams import independent, markov


def test_independent_rows_have_no_design_effect(rng: np.random.Generator) -> None:
    """Of 200 independent streams, few show dependence, and never much."""
    learnt = [ErrorBaseline.learn(independent(rng, 2000, 0.2).astype(np.uint8)) for _ in range(200)]
    dependent = [b for b in learnt if b.design_effect > 1]
    assert len(dependent) < 200 * 0.12
    assert max(b.design_effect for b in learnt) < 4
    assert all(b.after_right == b.share for b in learnt if b.residual_effect == b.design_effect)


def test_clumps_of_equal_rows_have_their_size_as_design_effect(rng: np.random.Generator) -> None:
    """Each row repeated eight times: sums vary eight times as much as independent ones."""
    signal = np.repeat(independent(rng, 4000, 0.3), 8)
    effect = design_effect(signal - signal.mean(), float(signal.mean() * (1 - signal.mean())))
    assert effect == pytest.approx(8, rel=0.25)


def test_one_step_of_memory_explains_a_markov_stream(rng: np.random.Generator) -> None:
    """The transition shares are found, and nothing is left to divide by."""
    baseline = ErrorBaseline.learn(markov(rng, 40_000, 0.2, 0.5).astype(np.uint8))
    assert baseline.after_right == pytest.approx(0.1, abs=0.01)
    assert baseline.after_wrong == pytest.approx(0.6, abs=0.02)
    assert 2.5 < baseline.design_effect < 6
    assert baseline.residual_effect < 1.5


def test_standard_error_is_that_of_the_log_odds(rng: np.random.Generator) -> None:
    """For independent rows 1 / sqrt(n p (1 - p)), and estimates scatter by as much."""
    learnt = [ErrorBaseline.learn(independent(rng, 5000, 0.1).astype(np.uint8)) for _ in range(200)]
    odds = np.array([np.log(b.share / (1 - b.share)) for b in learnt])
    assert float(np.std(odds)) == pytest.approx(1 / np.sqrt(5000 * 0.09), rel=0.2)
    assert float(np.median([b.standard_error for b in learnt])) == pytest.approx(
        1 / np.sqrt(5000 * 0.09), rel=0.05
    )


@pytest.mark.parametrize("value", [0, 1])
def test_a_constant_stream_has_a_share_strictly_between_0_and_1(value: int) -> None:
    """No error, or nothing but errors, leaves finite odds."""
    baseline = ErrorBaseline.learn(np.full(500, value, np.uint8))
    assert 0 < baseline.share < 1
    assert np.isfinite(baseline.standard_error)


def test_it_survives_json(rng: np.random.Generator) -> None:
    """Floats come back exactly."""
    baseline = ErrorBaseline.learn(markov(rng, 3000, 0.2, 0.5).astype(np.uint8), threshold=0.1 + 0.2)
    assert ErrorBaseline.from_json(json.loads(json.dumps(baseline.to_json()))) == baseline


def test_tilt_multiplies_the_odds() -> None:
    """A share of 1/2 at three times the odds is 3/4."""
    assert float(tilt(0.5, np.log(3.0))) == pytest.approx(0.75)
