"""The error stream: false alarms and delays of change detectors on seeded streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from quality_data import load

from detectors.base import ChangeDetector
from detectors.layout import Column, Kind, Role
from detectors.reference import Reference

REFERENCE = 5000
QUIET = 20_000
AFTER = 6000


@dataclass(frozen=True)
class Stream:
    """Errors of a model: 1 wrong, 0 right.

    Attributes:
        name: what it is. reference, errors: float64. change: row of `errors` from which the share is another; None
            where it never is.
    """

    name: str
    reference: np.ndarray
    errors: np.ndarray
    change: int | None = None


def independent(rng: np.random.Generator, rows: int, share: float) -> np.ndarray:
    return (rng.random(rows) < share).astype(float)


def markov(rng: np.random.Generator, rows: int, share: float, memory: float = 0.5) -> np.ndarray:
    """Errors whose neighbours correlate by `memory`."""
    draws, fresh = rng.random(rows), rng.random(rows) < share
    keep = draws < memory
    last = np.maximum.accumulate(np.where(keep, -1, np.arange(rows)))
    return np.where(last >= 0, fresh[np.maximum(last, 0)], fresh[0]).astype(float)


def quiet(seeds: range) -> list[Stream]:
    """Streams in which nothing changes."""
    made = []
    for name, make, share in (
        ("independent 0.1", independent, 0.1),
        ("independent 0.3", independent, 0.3),
        ("Markov 0.2", markov, 0.2),
    ):
        for seed in seeds:
            rng = np.random.default_rng([seed, int(share * 10), 7])
            made.append(Stream(name, make(rng, REFERENCE, share), make(rng, QUIET, share)))
    return made


def changes(seeds: range) -> list[Stream]:
    """Streams whose share of errors changes after 2,000 rows."""
    made = []
    for name, make, before, after in (
        ("0.1 to 0.15", independent, 0.1, 0.15),
        ("0.2 to 0.3", independent, 0.2, 0.3),
        ("0.2 to 0.3, Markov", markov, 0.2, 0.3),
    ):
        for seed in seeds:
            rng = np.random.default_rng([seed, int(after * 100), 11])
            quiet_part, late = make(rng, 2000, before), make(rng, AFTER, after)
            made.append(Stream(name, make(rng, REFERENCE, before), np.concatenate([quiet_part, late]), 2000))
    return made


def elec2(data: Path) -> list[Stream]:
    """Errors on elec2 of a logistic model that goes on learning; no change is labelled."""
    frame = load(data, "elec2").drop("day", strict=False)
    label = frame.columns[-1]
    y = (frame[label] == frame[label].unique().sort()[-1]).to_numpy().astype(float)
    x = frame.drop(label).select(pl.col(pl.Float64)).to_numpy()
    previous = np.concatenate([[0.0], y[:-1]])
    x = np.column_stack(
        [(x - x[:5000].mean(axis=0)) / (x[:5000].std(axis=0) + 1e-9), previous, np.ones(len(y))]
    )
    weights, errors = np.zeros(x.shape[1]), np.zeros(len(y))
    for k, row in enumerate(x):
        score = 1 / (1 + np.exp(-np.clip(row @ weights, -30, 30)))
        errors[k] = (score > 0.5) != y[k]
        weights += 0.01 * (y[k] - score) * np.clip(row, -5, 5)
    return [Stream("elec2, a model that goes on learning", errors[2000:7000], errors[7000:])]


def reference_of(errors: np.ndarray) -> Reference:
    """A reference whose predictions are wrong where `errors` is 1."""
    truth = np.arange(len(errors)) % 2
    frame = pl.DataFrame({"prediction": np.where(errors == 1, 1 - truth, truth), "label": truth}).cast(
        pl.String
    )
    columns = [
        Column("prediction", Kind.CATEGORICAL, Role.PREDICTION),
        Column("label", Kind.CATEGORICAL, Role.LABEL),
    ]
    return Reference.fit(frame, columns)


def alarms(detector: ChangeDetector, streams: Sequence[Stream]) -> list[list[int]]:
    """Rows of the alarms in each stream."""
    rows = []
    for stream in streams:
        _, found = detector.update(detector.start(reference_of(stream.reference)), stream.errors)
        rows.append([k for k, _ in found])
    return rows


def summary(streams: Sequence[Stream], rows: Sequence[Sequence[int]]) -> dict[str, dict[str, float]]:
    """By name: false alarms in 10,000 quiet rows; median delay and missed changes."""
    table: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(s.name for s in streams):
        mine = [(s, r) for s, r in zip(streams, rows, strict=True) if s.name == name]
        early = sum(
            sum(k < (s.change if s.change is not None else len(s.errors)) for k in r) for s, r in mine
        )
        quiet_rows = sum(s.change if s.change is not None else len(s.errors) for s, _ in mine)
        table[name] = {"false_alarms_per_10000": round(early / quiet_rows * 1e4, 2)}
        if mine[0][0].change is not None:
            delays = [next((k - (s.change or 0) for k in r if k >= (s.change or 0)), AFTER) for s, r in mine]
            table[name] |= {
                "median_delay": float(np.median(delays)),
                "missed": float(sum(d >= AFTER for d in delays)),
                "streams": float(len(mine)),
            }
    return table
