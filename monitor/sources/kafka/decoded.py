"""What messages have become on their way to the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.decode.assembly import Decoded
from monitor.records import Reject


@dataclass(frozen=True, slots=True)
class Rows:
    """What became of messages.

    Attributes:
        partition: under which the rows travel on.
        decoded: the rows. rejects: all of them. outcomes: messages that became no row.
    """

    partition: str
    decoded: Decoded
    rejects: tuple[Reject, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Read:
    """Messages of one partition, decoded.

    Attributes:
        decoded: their rows. newest: event time of the newest one, microseconds; without times of its own its
            message's. messages: how many. seconds: what it took.
    """

    decoded: Decoded
    newest: int | None
    messages: int
    seconds: float
