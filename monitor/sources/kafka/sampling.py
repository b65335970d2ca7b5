"""Which messages are looked at when not all are: decided before a value is touched, the same on every replay."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detectors.hashing import mix
from monitor.sources.kafka.messages import Mask, Messages
from monitor.sources.kafka.value_lines import Longs

_ALL = 2.0**64
_KEY_SEED = 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """A rule that keeps a share of the messages.

    The hash is SplitMix64: of the offset and the partition's name, or of the key's CRC-32. By key, all messages of a
    key are kept or none, in all partitions and topics; messages without a key go by their offset.

    Attributes:
        rate: the share that is kept, 0 < rate <= 1.
        by: what is hashed.
    """

    rate: float
    by: Literal["offset", "key"] = "offset"

    def keeps_offsets(self, partition: str, offsets: Longs) -> Mask:
        """Which offsets of a partition (`topic/3`) are kept; shape (n,)."""
        seed = zlib.crc32(partition.encode())
        return np.asarray(mix(offsets.astype(np.uint64), seed) < self._limit, np.bool_)

    def keeps_keys(self, partition: str, offsets: Longs, keys: Sequence[bytes | None]) -> Mask:
        """Which messages are kept by their keys; shape (n,)."""
        hashes = np.array([zlib.crc32(key or b"") for key in keys], np.uint64)
        kept = np.asarray(mix(hashes, _KEY_SEED) < self._limit, np.bool_)
        nulls = np.array([key is None for key in keys], dtype=bool)
        if nulls.any():
            kept[nulls] = self.keeps_offsets(partition, offsets[nulls])
        return kept

    def sample(self, messages: Messages) -> Messages:
        """The messages that are kept, the others counted."""
        if self.by == "key":
            kept = self.keeps_keys(messages.name, messages.offsets, messages.keys())
        else:
            kept = self.keeps_offsets(messages.name, messages.offsets)
        return messages.sample(kept)

    @property
    def _limit(self) -> np.uint64:
        return np.uint64(min(int(self.rate * _ALL), 2**64 - 1))
