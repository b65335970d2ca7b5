"""How values become bin codes: frozen once, with the reference."""

from __future__ import annotations

from typing import Any

from detectors.binning_categorical import CategoricalBinning
from detectors.binning_log import LogBinning
from detectors.binning_numeric import NumericBinning

Binning = NumericBinning | CategoricalBinning | LogBinning

__all__ = ["Binning", "CategoricalBinning", "LogBinning", "NumericBinning", "binning_from_json"]

_TYPES: dict[str, type[Binning]] = {
    "numeric": NumericBinning,
    "categorical": CategoricalBinning,
    "log": LogBinning,
}


def binning_from_json(data: dict[str, Any]) -> Binning:
    """The binning that `to_json` described.

    Raises:
        ValueError: the type is not known.
    """
    kind = _TYPES.get(data.get("type", ""))
    if kind is None:
        raise ValueError(f"unknown binning {data.get('type')!r}")
    return kind.from_json(data)
