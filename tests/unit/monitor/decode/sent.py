"""Messages as a producer would have sent them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monitor.decode.assembly import Decoded
from monitor.sources.kafka.header_region import write_headers
from monitor.sources.kafka.messages import Messages

HOUR = 1_700_000_000_000_000


@dataclass(frozen=True)
class Sent:
    """One message. `time` in microseconds, -1 for none."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = field(default_factory=tuple)
    offset: int = -1
    time: int = HOUR


def sent(
    *messages: Sent | bytes | None, topic: str = "loans", partition: int = 3, first: int = 0
) -> Messages:
    """Messages of one partition; offsets count from `first` where a message does not say its own."""
    data = bytearray(b"\x07before")
    arrays: dict[str, list[int]] = {name: [] for name in _NAMES}
    offset = first - 1
    for given in messages:
        message = given if isinstance(given, Sent) else Sent(given)
        offset = message.offset if message.offset >= 0 else offset + 1
        for name, piece in (("key_", message.key), ("", message.value)):
            arrays[f"{name}starts"].append(-1 if piece is None else len(data))
            arrays[f"{name}ends"].append(-1 if piece is None else len(data) + len(piece))
            data += b"" if piece is None else piece + b"\x00"
        arrays["header_starts"].append(len(data))
        arrays["header_counts"].append(len(message.headers))
        data += write_headers(message.headers)
        arrays["offsets"].append(offset)
        arrays["timestamps"].append(message.time)
    columns: dict[str, Any] = {name: np.asarray(numbers, np.int64) for name, numbers in arrays.items()}
    return Messages(topic=topic, partition=partition, data=bytes(data), next_offset=offset + 1, **columns)


def same(one: Decoded, other: Decoded) -> None:
    """Check that two decodings are equal in everything."""
    from polars.testing import assert_frame_equal

    assert_frame_equal(one.frame, other.frame, check_column_order=False, check_exact=True)
    assert one.rejects == other.rejects
    assert one.unknown == other.unknown
    assert one.outcomes == other.outcomes


_NAMES = (
    *("starts", "ends", "key_starts", "key_ends", "header_starts"),
    *("header_counts", "offsets", "timestamps"),
)
