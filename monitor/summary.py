"""What a reference holds and what a monitor would watch, as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.binning import CategoricalBinning
from detectors.dependence import Signal
from detectors.layout import Role
from monitor.results import finite

if TYPE_CHECKING:
    from detectors.reference import Reference
    from monitor.settings.monitors import MonitorSettings
    from monitor.windows.spec import WindowSpec

WINDOWS = 8
"""A reference should hold so many windows, so that the dependence between its rows can be measured."""

_TOLD = 1.5


def reference_summary(reference: Reference, window_rows: int | None = None) -> dict[str, Any]:
    """Rows, columns, and how much the rows depend on each other.

    Args:
        reference: what is described.
        window_rows: for windows of so many rows; an eighth of the reference where it is not given.
    """
    rows = window_rows or max(reference.rows // WINDOWS, 1)
    design = _design(reference, rows)
    columns = [
        _column(reference, i, design) for i in range(len(reference.layout.columns)) if _held(reference, i)
    ]
    return {
        "rows": reference.rows,
        "rate_per_second": finite(reference.rate_per_second),
        "provenance": reference.provenance,
        "fingerprint": reference.fingerprint,
        "segments": sorted(reference.segments),
        "window_rows": rows,
        "columns": columns,
        "remarks": _remarks(reference, columns),
    }


def _held(reference: Reference, i: int) -> bool:
    """Response times and statuses have a column even where the data has none of them."""
    service = reference.layout.columns[i].role in {Role.LATENCY, Role.STATUS}
    return not service or bool(reference.profile.counts[reference.layout.values(i)].any())


def _design(reference: Reference, rows: int) -> list[float] | None:
    """The design effect of each column for windows of some rows; None where it was not measured."""
    if reference.order is None or not len(reference.order.dependence.sizes):
        return None
    strength = reference.order.dependence.at(rows).design
    return [float(value) for value in strength[:, [Signal.LOCATION, Signal.SHAPE, Signal.CELL]].max(axis=1)]


def _column(reference: Reference, i: int, design: list[float] | None) -> dict[str, Any]:
    layout, profile = reference.layout, reference.profile
    column, binning = layout.columns[i], layout.binnings[i]
    nulls = int(profile.counts[layout.special(i, "null")])
    if isinstance(binning, CategoricalBinning):
        number = len(binning.values) + len(binning.others)
        values = f"{number:,} categories" if number != 1 else "1 category"
    elif np.isfinite(profile.minimum[i]):
        values = f"{profile.minimum[i]:.4g} to {profile.maximum[i]:.4g}"
    else:
        values = "none"
    return {
        "name": column.name,
        "role": column.role.value,
        "kind": column.kind.value,
        "null_share": nulls / max(reference.rows, 1),
        "values": values,
        "design_effect": None if design is None else round(design[i], 3),
    }


def _remarks(reference: Reference, columns: list[dict[str, Any]]) -> list[str]:
    if reference.order is None or not len(reference.order.dependence.sizes):
        return ["too few rows to measure whether they depend on each other; they are taken as independent"]
    dependent = [c["name"] for c in columns if (c["design_effect"] or 0) >= _TOLD]
    if not dependent:
        return ["no dependence between rows was found; if the rows were shuffled, it could not be found"]
    named = ", ".join(dependent[:8]) + (f" and {len(dependent) - 8} more" if len(dependent) > 8 else "")  # noqa: PLR2004 - a line's length
    return [f"rows depend on each other in {named}: changes there need more rows to count"]


def monitor_summary(monitor: MonitorSettings, reference: Reference) -> dict[str, Any]:
    """What a monitor would watch: windows with their rows, columns, tests, and what may be too short."""
    windows = [_window(spec, reference) for spec in monitor.specs]
    rows = next((window["expected_rows"] for window in windows if window["expected_rows"]), None)
    found = reference_summary(reference, rows)
    remarks = found.pop("remarks")
    for window in windows:
        expected = window["expected_rows"]
        if expected and expected * WINDOWS > reference.rows:
            remarks.append(
                f"the reference holds {reference.rows / expected:.1f} windows of {window['name']}: "
                f"with fewer than {WINDOWS} it is too short to tell dependence between rows from change",
            )
        if expected and expected < window["min_rows"]:
            remarks.append(f"windows of {window['name']} hold about {expected} rows, fewer than min_rows")
    return {
        "name": monitor.name,
        "windows": windows,
        "tests": [str(getattr(test, "type", "")) for test in monitor.tests],
        "change_detectors": [str(getattr(detector, "type", "")) for detector in monitor.change_detectors],
        "reference": found,
        "remarks": remarks,
    }


def _window(spec: WindowSpec, reference: Reference) -> dict[str, Any]:
    expected: int | None = spec.length
    if not spec.by_rows:
        rate = reference.rate_per_second
        expected = None if rate is None else max(round(rate * spec.length / 1e6), 1)
    return {"name": spec.name, "by_rows": spec.by_rows, "expected_rows": expected, "min_rows": spec.min_rows}
