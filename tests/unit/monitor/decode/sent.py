"""Messages as a producer would have sent them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np

from monitor.decode.assembly import Decoded
from monitor.sources.kafka.messages import Messages

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

HOUR = 1_700_000_000_000_000


@dataclass(frozen=True)
class Sent:
    """One message. `time` in microseconds (whole milliseconds), -1 for none."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = field(default_factory=tuple)
    offset: int = -1
    time: int = HOUR


def sent(
    *messages: Sent | bytes | None, topic: str = "loans", partition: int = 3, first: int = 0
) -> Messages:
    """Messages of one partition; offsets count from `first` where a message does not say its own."""
    records = []
    offset = first - 1
    for given in messages or (None,):
        message = given if isinstance(given, Sent) else Sent(given)
        offset = message.offset if message.offset >= 0 else offset + 1
        record = SimpleNamespace(
            topic=topic,
            partition=partition,
            offset=offset,
            timestamp=None if message.time < 0 else message.time // 1000,
            key=message.key,
            value=message.value,
            headers=list(message.headers),
            leader_epoch=None,
        )
        records.append(record)
    found = Messages.from_records(cast("list[ConsumerRecord]", records))
    return found if messages else found.take(slice(0, 0))


def apart(messages: Messages, between: bytes = b'",') -> Messages:
    """The same messages with other bytes between their values, as they lie in what a broker sends."""
    data, starts, ends = messages.data, [], []
    for value in messages.values():
        data += between
        starts.append(-1 if value is None else len(data))
        data += value or b""
        ends.append(-1 if value is None else len(data))
    return replace(messages, data=data, starts=np.array(starts, np.int64), ends=np.array(ends, np.int64))


def same(one: Decoded, other: Decoded) -> None:
    """Check that two decodings are equal in everything."""
    from polars.testing import assert_frame_equal

    assert_frame_equal(one.frame, other.frame, check_column_order=False, check_exact=True)
    assert one.rejects == other.rejects
    assert one.unknown == other.unknown
    assert one.outcomes == other.outcomes
