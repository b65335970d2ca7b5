"""A result as JSON values: the public shape of `compare`, `replay`, `check` and the API."""

from __future__ import annotations

import math
from typing import Any

from detectors.base import Result


def finite(value: float | None) -> float | None:
    """The number, or None for NaN and infinities, which JSON does not have."""
    return float(value) if value is not None and math.isfinite(value) else None


def result_json(result: Result) -> dict[str, Any]:
    """`column`, `test`, `verdict`, `statistic`, `threshold`, `p_value`, `effect_size`, `cause`, `rows`, `detail`."""
    return {
        "column": result.column,
        "test": result.test,
        "verdict": result.verdict.value,
        "statistic": finite(result.statistic),
        "threshold": finite(result.threshold),
        "p_value": finite(result.p_value),
        "effect_size": finite(result.effect_size),
        "cause": result.cause.value,
        "rows": int(result.rows),
        "detail": result.detail,
    }
