"""The sides of a join, as numbers and as bits of a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

REQUEST, RESPONSE, LABEL = 0, 1, 2
NAMES = ("request", "response", "label")
PAIR = 0b011
ALL = 0b111

NEVER = -(2**62)
"""A time before all others."""

ALWAYS = 2**62
"""A time after all others."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long halves wait, in microseconds, and whether there are labels."""

    wait: int
    label_wait: int
    labels: bool
