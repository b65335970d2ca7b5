"""What the values of messages are, and how each becomes a record of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from monitor.decode.values import ValueBlock
from monitor.records import Reject

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Lines, Messages


@dataclass
class Values:
    """Values of messages as lines.

    Attributes:
        block: the lines.
        rejects: messages whose values are none of the format.
        tombstones: number of messages without a value.
    """

    block: ValueBlock
    rejects: list[Reject] = field(default_factory=list)
    tombstones: int = 0


@dataclass
class ValueReader:
    """Cuts values into records."""

    def read(self, messages: Messages) -> Values:
        """The records of messages."""
        lines = messages.block_parts()
        return Values(one_each(messages, lines), [], len(messages) - len(lines.rows))


def one_each(messages: Messages, lines: Lines) -> ValueBlock:
    """One record in each value; values with line ends inside are put aside, so that each has a line of its own."""
    if lines.data.count(b"\n") == len(lines.rows):
        return ValueBlock(messages, lines.data, lines.rows, {})
    places = np.flatnonzero(np.frombuffer(lines.data, np.uint8) == ord(b"\n"))
    homes = np.searchsorted(lines.starts, places, side="right") - 1
    broken = np.unique(homes[places < lines.ends[homes]]).tolist()
    aside = {i: lines.data[lines.starts[i] : lines.ends[i]] for i in broken}
    bounds = zip(lines.starts.tolist(), lines.ends.tolist(), strict=True)
    pieces = [b"" if i in aside else lines.data[s:e] for i, (s, e) in enumerate(bounds)]
    return ValueBlock(messages, b"\n".join([*pieces, b""]), lines.rows, aside)
