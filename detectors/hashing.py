"""Hashes of numbers that are the same on every machine and version."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.workspace import BLOCK

_GOLDEN = 0x9E3779B97F4A7C15
_ROUNDS = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST_SHIFT = np.uint64(31)


def mix(values: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser over `values + seed * golden ratio`: a bijection of the 64-bit numbers.

    References:
        Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators.
    """
    mixed = values + np.uint64(((seed + 1) * _GOLDEN) & 0xFFFFFFFFFFFFFFFF)
    shifted = np.empty(min(mixed.size, BLOCK), np.uint64)
    for start in range(0, mixed.size, BLOCK):
        z = mixed[start : start + BLOCK]
        for shift, factor in _ROUNDS:
            z ^= np.right_shift(z, shift, out=shifted[: z.size])
            z *= factor
        z ^= np.right_shift(z, _LAST_SHIFT, out=shifted[: z.size])
    return mixed
