"""Every registered change detector: one answer for any cut of the stream, and a state that survives JSON."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.base import Cause, ChangeDetector, Result, Verdict
from detectors.builtin import CHANGE_DETECTORS
from detectors.layout import Column, Kind, Role
from detectors.reference import Reference
from tests.conformance.registered import CHANGE_DETECTOR_TYPES

DETECTORS = [pytest.param(component(), id=word) for word, component in CHANGE_DETECTOR_TYPES.items()]
COLUMNS = (Column("y_pred", Kind.CATEGORICAL, Role.PREDICTION), Column("y", Kind.CATEGORICAL, Role.LABEL))

Signal = npt.NDArray[np.float64]
Alarms = list[tuple[int, Result]]


def reference_of(errors: Signal) -> Reference:
    """A reference whose predictions are wrong where the signal is 1."""
    said = ["1" if wrong else "0" for wrong in errors]
    return Reference.fit(pl.DataFrame({"y_pred": said, "y": ["0"] * len(said)}), COLUMNS)


def independent(rng: np.random.Generator, rows: int, share: float) -> Signal:
    """Errors that know nothing of each other."""
    return (rng.random(rows) < share).astype(np.float64)


LABELLED = reference_of(independent(np.random.default_rng(1), 3000, 0.2))
UNLABELLED = Reference.fit(pl.DataFrame({"y_pred": ["0", "1"]}), COLUMNS[:1])
REFERENCES = [pytest.param(LABELLED, id="labels"), pytest.param(UNLABELLED, id="no labels")]


def stream(seed: int) -> Signal:
    """Rows whose share of errors changes, with rows between them that have no label."""
    rng = np.random.default_rng(seed)
    signal = np.concatenate([independent(rng, 1500, share) for share in (0.2, 0.45, 0.1, 0.9)])
    signal[rng.random(len(signal)) < 0.1] = np.nan
    return signal


def run(detector: ChangeDetector, reference: Reference, blocks: Sequence[Signal]) -> tuple[Any, Alarms]:
    """Feed blocks through states that were written to JSON and read back, as a daemon does between commits."""
    state, alarms, first = detector.start(reference), [], 0
    for block in blocks:
        state = detector.restore(json.loads(json.dumps(state.to_json())))
        state, found = detector.update(state, block)
        alarms += [(first + row, result) for row, result in found]
        first += len(block)
    return state, alarms


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("reference", REFERENCES)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 6000), max_size=30))
def test_cuts_do_not_matter(
    detector: ChangeDetector, reference: Reference, seed: int, cuts: list[int]
) -> None:
    """Any blocks, empty ones too, give the alarms and the state of one block, to the last bit."""
    signal = stream(seed)
    state, alarms = run(detector, reference, [signal])
    assert (state, alarms) == run(detector, reference, np.split(signal, sorted(cuts)))


@pytest.mark.parametrize("detector", DETECTORS)
def test_single_rows_give_the_alarms_of_blocks(detector: ChangeDetector) -> None:
    """The finest cut."""
    signal = np.concatenate([np.zeros(700), np.ones(700)])
    whole = run(detector, LABELLED, [signal])
    assert whole[1]
    assert whole == run(detector, LABELLED, np.split(signal, len(signal)))


@pytest.mark.parametrize("detector", DETECTORS)
def test_rows_without_labels_are_passed_over(detector: ChangeDetector) -> None:
    """NaN between the rows moves the alarms' rows and nothing else."""
    signal = stream(5)
    known = np.flatnonzero(~np.isnan(signal))
    state, alarms = run(detector, LABELLED, [signal])
    dense_state, dense = run(detector, LABELLED, [signal[known]])
    assert dense
    assert state == dense_state
    assert alarms == [(int(known[row]), result) for row, result in dense]


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize(
    "signal", [np.zeros(5000), np.ones(5000), np.full(5000, np.nan), np.empty(0), np.ones(1)]
)
def test_dull_streams_do_no_harm(detector: ChangeDetector, reference: Reference, signal: Signal) -> None:
    """Nothing but zeros, ones, unlabelled rows; one row, none."""
    state, alarms = run(detector, reference, [signal, signal])
    assert detector.restore(json.loads(json.dumps(state.to_json()))) == state
    assert all(0 <= row < 2 * len(signal) for row, _ in alarms)


@pytest.mark.parametrize("detector", DETECTORS)
def test_alarms_are_well_formed(detector: ChangeDetector) -> None:
    """Rows in order, the detector's word, the cause concept drift; the signal is not written to."""
    signal = stream(11)
    signal.setflags(write=False)
    _, alarms = detector.update(detector.start(LABELLED), signal)
    assert alarms
    assert [row for row, _ in alarms] == sorted(row for row, _ in alarms)
    for row, result in alarms:
        assert not np.isnan(signal[row])
        assert result.test == detector.type  # type: ignore[attr-defined]
        assert result.cause is Cause.CONCEPT_DRIFT
        assert result.verdict in (Verdict.WARNING, Verdict.DRIFT)
        assert type(result.statistic) is float
        assert result.rows > 0
        assert result.detail


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_large_rise_is_found_soon(detector: ChangeDetector) -> None:
    """From 20 % to 60 %: drift within 300 rows."""
    rng = np.random.default_rng(13)
    signal = np.concatenate([independent(rng, 1000, 0.2), independent(rng, 1000, 0.6)])
    _, alarms = detector.update(detector.start(LABELLED), signal)
    assert any(1000 <= row < 1300 and result.verdict is Verdict.DRIFT for row, result in alarms)


def test_the_default_is_quiet() -> None:
    """The detector that is on by itself raises at most one alarm in 200,000 quiet rows at the median."""
    detector = CHANGE_DETECTORS[0]()
    rng = np.random.default_rng(17)
    counts = [len(run(detector, LABELLED, [independent(rng, 40_000, 0.2)])[1]) for _ in range(25)]
    assert sum(counts) <= 12
