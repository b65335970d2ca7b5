"""Hashes of numbers that are the same on every machine and version."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_GOLDEN = 0x9E3779B97F4A7C15


def mix(values: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser over `values + seed * golden ratio`: a bijection of the 64-bit numbers.

    References:
        Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators.
    """
    z = values + np.uint64(((seed + 1) * _GOLDEN) & 0xFFFFFFFFFFFFFFFF)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z
