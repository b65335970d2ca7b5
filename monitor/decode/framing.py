"""Values in the Confluent wire format: a zero byte, the schema's number in four bytes, big end first, and the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages

MAGIC = 0
HEAD = 5
"""Bytes before the data."""

Rows = npt.NDArray[np.intp]


def first_bytes(messages: Messages) -> npt.NDArray[np.int16]:
    """The first byte of each value, -1 where it is null or empty; shape (n,)."""
    found = np.full(len(messages), -1, np.int16)
    there = messages.ends > np.maximum(messages.starts, 0)
    there &= messages.starts >= 0
    found[there] = np.frombuffer(messages.data, np.uint8)[messages.starts[there]]
    return found


def schema_numbers(messages: Messages, rows: Rows) -> npt.NDArray[np.int64]:
    """Numbers of the schemas of values that begin with the magic byte; -1 where the value is too short."""
    starts = messages.starts[rows]
    found = np.full(len(rows), -1, np.int64)
    whole = messages.ends[rows] - starts >= HEAD
    places = starts[whole, None] + np.arange(1, HEAD)
    data = np.frombuffer(messages.data, np.uint8)[places].astype(np.int64)
    found[whole] = data @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
    return found
