"""Messages as a producer would have sent them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

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


def same(one: Decoded, other: Decoded) -> None:
    """Check that two decodings are equal in everything."""
    from polars.testing import assert_frame_equal

    assert_frame_equal(one.frame, other.frame, check_column_order=False, check_exact=True)
    assert one.rejects == other.rejects
    assert one.unknown == other.unknown
    assert one.outcomes == other.outcomes
