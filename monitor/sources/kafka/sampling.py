"""Which messages are looked at when not all are: decided before a value is touched, the same on every replay."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from detectors.hashing import mix
from monitor.decode.ids import IdReader
from monitor.decode.registry import value_reader
from monitor.records import ID
from monitor.sources.kafka.messages import Mask, Messages
from monitor.sources.kafka.value_lines import Longs

if TYPE_CHECKING:
    from monitor.decode.paths import MessagePath, Path
    from monitor.decode.plan import Plan
    from monitor.sources.kafka.options import KafkaSource

By = Literal["offset", "key", "id"]

_ALL = 2.0**64
_KEY_SEED = 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """A rule that keeps a share of the messages.

    The hash is SplitMix64: of the offset and the partition's name, or of the CRC-32 of the key or the identifier. By
    these, all messages of a key or an identifier are kept or none, in all partitions and topics; messages without one
    go by their offset.

    Attributes:
        rate: the share that is kept, 0 < rate <= 1.
        by: what is hashed.
        ids: read the identifiers of a topic's messages, by topic; "" stands for all others.
    """

    rate: float
    by: By = "offset"
    ids: Mapping[str, IdReader] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, options: KafkaSource, plan: Plan) -> Sampling | None:
        """The rule of a source, None where all is read; `plan` says where a record has its identifier."""
        wanted = options.sampling
        if wanted is None or wanted.by != "id":
            return None if wanted is None else cls(wanted.rate, wanted.by)
        values = value_reader(options.format, None)
        return cls(
            wanted.rate,
            "id",
            {t: IdReader(p, values, options.max_record_bytes) for t, p in _places(options, plan).items()},
        )

    def keeps_offsets(self, partition: str, offsets: Longs) -> Mask:
        """Which offsets of a partition (`topic/3`) are kept; shape (n,)."""
        seed = zlib.crc32(partition.encode())
        return np.asarray(mix(offsets.astype(np.uint64), seed) < self._limit, np.bool_)

    def keeps_keys(self, partition: str, offsets: Longs, keys: Sequence[bytes | None]) -> Mask:
        """Which messages are kept by their keys or identifiers; shape (n,)."""
        hashes = np.array([zlib.crc32(key or b"") for key in keys], np.uint64)
        kept = np.asarray(mix(hashes, _KEY_SEED) < self._limit, np.bool_)
        nulls = np.array([key is None for key in keys], dtype=bool)
        if nulls.any():
            kept[nulls] = self.keeps_offsets(partition, offsets[nulls])
        return kept

    def sample(self, messages: Messages) -> Messages:
        """The messages that are kept, the others counted."""
        if self.by == "offset":
            return messages.sample(self.keeps_offsets(messages.name, messages.offsets))
        keys = messages.keys() if self.by == "key" else self._ids_of(messages)
        return messages.sample(self.keeps_keys(messages.name, messages.offsets, keys))

    def _ids_of(self, messages: Messages) -> list[bytes | None]:
        if not len(messages):
            return []
        reader = self.ids.get(messages.topic) or self.ids[""]
        return [None if found is None else found.encode() for found in reader.ids(messages).to_list()]

    @property
    def _limit(self) -> np.uint64:
        return np.uint64(min(int(self.rate * _ALL), 2**64 - 1))


def _places(options: KafkaSource, plan: Plan) -> dict[str, str | Path | MessagePath]:
    """Where messages have their identifiers, by topic; "" stands for all."""
    if options.join is not None:
        return {side.topic: side.id for side in options.join.chosen}
    target = next(target for target in (*plan.targets, *plan.beside) if target.name == ID)
    place = target.beside or target.path
    assert place is not None  # noqa: S101 - an identifier is no member of a container
    return {"": place}
