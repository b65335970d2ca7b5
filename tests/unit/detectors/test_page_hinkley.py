"""Page-Hinkley in blocks, against its rule written row by row."""

import math

import numpy as np
import pytest

from detectors.base import Verdict
from detectors.page_hinkley import PageHinkley, PageHinkleyState
from tests.unit.detectors.error_streams import Signal, independent


def by_rows(signal: Signal, rule: PageHinkley) -> list[int]:
    """Alarms of the rule."""
    alarms = []
    rows, mean, rise, fall, lowest, highest = 0, 0.0, 0.0, 0.0, math.inf, -1.0
    for i, x in enumerate(signal):
        rows += 1
        mean += (x - mean) / rows
        rise = rule.alpha * rise + x - mean - rule.delta
        fall = rule.alpha * fall + x - mean + rule.delta
        lowest, highest = min(lowest, rise), max(highest, fall)
        up = rise - lowest > rule.threshold and rule.mode != "down"
        down = highest - fall > rule.threshold and rule.mode != "up"
        if rows >= rule.min_rows and (up or down):
            alarms.append(i)
            rows, mean, rise, fall, lowest, highest = 0, 0.0, 0.0, 0.0, math.inf, -1.0
    return alarms


@pytest.mark.parametrize(
    "rule",
    [
        PageHinkley(),
        PageHinkley(threshold=5, min_rows=1),
        PageHinkley(threshold=8, alpha=0.9),
        PageHinkley(threshold=8, alpha=1, delta=0, mode="up"),
        PageHinkley(threshold=8, mode="down"),
    ],
)
def test_blocks_find_the_rows_of_the_rule(rng: np.random.Generator, rule: PageHinkley) -> None:
    """Alarms are those of the rule, for errors and for other numbers."""
    errors = np.concatenate([independent(rng, 2000, share) for share in (0.1, 0.4, 0.05)])
    numbers = rng.normal(size=4000).cumsum() / 10
    for signal in (errors, numbers):
        assert by_rows(signal, rule) == [row for row, _ in rule.update(PageHinkleyState(), signal)[1]]


def test_a_rise_is_drift_and_a_fall_a_warning(rng: np.random.Generator) -> None:
    """Fewer errors are no harm."""
    rise = np.concatenate([independent(rng, 2000, 0.1), independent(rng, 1000, 0.5)])
    verdicts = [PageHinkley().update(PageHinkleyState(), s)[1][0][1].verdict for s in (rise, 1 - rise)]
    assert verdicts == [Verdict.DRIFT, Verdict.WARNING]
