"""Choose the bins of each column from reference data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from detectors.binning import Binning, CategoricalBinning, LogBinning, NumericBinning
from detectors.layout import Column, Kind, Layout, Role
from detectors.profile_rows import categorical_values, numeric_values

BINS_RANGE = (2, 4096)
JOINT_CELLS = 65_536
"""A joint table larger than this is left out."""

STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx", "1xx")


def fit_layout(
    frame: pl.DataFrame, columns: Sequence[Column], *, bins: int = 256, seed: int = 0, service: bool = True
) -> Layout:
    """Freeze bins for the columns, for the service columns of the frame and for the error of a regression.

    Raises:
        ValueError: no rows, no columns, a column twice or not in the frame, bins out of range.
    """
    names = [column.name for column in columns]
    if not frame.height or not columns:
        raise ValueError("a reference needs at least one row and one column")
    if len(set(names)) != len(names):
        raise ValueError(f"column named twice: {sorted({n for n in names if names.count(n) > 1})}")
    if absent := [column.name for column in columns if column.source not in frame.columns]:
        raise ValueError(f"columns that the reference data does not have: {absent}")
    if not BINS_RANGE[0] <= bins <= BINS_RANGE[1]:
        raise ValueError(f"bins must be {BINS_RANGE[0]} to {BINS_RANGE[1]}, not {bins}")
    full = (*columns, *_derived(frame, columns, service=service))
    draft = Layout(full, ())
    binnings = tuple(_binning(draft, frame, column, bins) for column in full)
    return Layout(full, binnings, _joints(full, binnings), seed=seed)


def _derived(frame: pl.DataFrame, columns: Sequence[Column], *, service: bool) -> list[Column]:
    """Latency and status where the frame has them, the absolute error where label and prediction are numbers."""
    taken = {column.name for column in columns}
    derived = []
    if service and "@latency" in frame.columns:
        derived.append(Column(_free("latency", taken), Kind.NUMERIC, Role.LATENCY))
    if service and "@status" in frame.columns:
        derived.append(Column(_free("status", taken), Kind.CATEGORICAL, Role.STATUS))
    numbers = {column.role for column in columns if column.kind is Kind.NUMERIC}
    if {Role.PREDICTION, Role.LABEL} <= numbers:
        derived.append(Column(_free("absolute_error", taken), Kind.NUMERIC, Role.ERROR))
    return derived


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or name_2, name_3, … where a column has it already."""
    used, candidate, number = set(taken), name, 2
    while candidate in used:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _binning(layout: Layout, frame: pl.DataFrame, column: Column, bins: int) -> Binning:
    """The bins of one column."""
    if column.role is Role.LATENCY:
        return LogBinning()
    if column.role is Role.STATUS:
        return CategoricalBinning(STATUS_CLASSES)
    if column.kind is Kind.NUMERIC:
        values = numeric_values(layout, frame, column)
        return NumericBinning.fit(np.empty(0) if values is None else values.to_numpy(), bins)
    texts = categorical_values(frame, column)
    return CategoricalBinning.fit(pl.Series([], dtype=pl.String) if texts is None else texts)


def _joints(columns: Sequence[Column], binnings: Sequence[Binning]) -> tuple[tuple[int, int], ...]:
    """Prediction by label and score by label, where the label is a class and the table is not too large."""
    labels = [i for i, c in enumerate(columns) if c.role is Role.LABEL and c.kind is Kind.CATEGORICAL]
    others = [i for i, c in enumerate(columns) if c.role in (Role.PREDICTION, Role.SCORE)]
    pairs = [(i, label) for label in labels for i in others]
    return tuple((a, b) for a, b in pairs if binnings[a].size * binnings[b].size <= JOINT_CELLS)
