"""DDM in blocks, against its rule written row by row."""

import math

import numpy as np
import pytest

from detectors.base import Verdict
from detectors.ddm import DDM, DDMState
from tests.unit.detectors.error_streams import Signal, independent


def by_rows(signal: Signal) -> tuple[list[int], list[int]]:
    """Alarms and first warnings of Gama's rule with three and two deviations after 30 rows."""
    alarms, warnings, rows, errors, warned = [], [], 0, 0.0, False
    lowest = (math.inf, 0.0)
    for i, x in enumerate(signal):
        rows, errors = rows + 1, errors + x
        p = errors / rows
        s = math.sqrt(p * (1 - p) / rows)
        if rows <= 30:
            continue
        if p + s <= sum(lowest):
            lowest = (p, s)
        if p + s > lowest[0] + 3 * lowest[1]:
            alarms.append(i)
            rows, errors, warned, lowest = 0, 0.0, False, (math.inf, 0.0)
        elif p + s > lowest[0] + 2 * lowest[1] and not warned:
            warnings.append(i)
            warned = True
    return alarms, warnings


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.97])
def test_blocks_find_the_rows_of_the_rule(rng: np.random.Generator, share: float) -> None:
    """Alarms and first warnings are those of the rule, before and after a rise."""
    signal = np.concatenate([independent(rng, 3000, share), independent(rng, 3000, min(share + 0.1, 1.0))])
    _, found = DDM().update(DDMState(), signal)
    alarms = [row for row, result in found if result.verdict is Verdict.DRIFT]
    warnings = [row for row, result in found if result.verdict is Verdict.WARNING]
    assert (alarms, warnings) == by_rows(signal)


def test_a_rise_is_found(rng: np.random.Generator) -> None:
    """From 10 % to 40 % errors: drift, with the rise as its effect."""
    signal = np.concatenate([independent(rng, 1000, 0.1), independent(rng, 1000, 0.4)])
    rows = [
        row
        for row, result in DDM().update(DDMState(), signal)[1]
        if result.verdict is Verdict.DRIFT and row >= 1000
    ]
    assert rows
    assert rows[0] < 1300
