"""Joined halves as one block of messages: lines of JSON that are put together without being parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from monitor.records import Reject
from monitor.sources.joining.halves import Halves
from monitor.sources.joining.sides import LABEL, NAMES, RESPONSE, Longs
from monitor.sources.kafka.messages import NULL, Messages

_STRIDE = 1024
"""More partitions than a topic has as a rule; offset * stride + partition tells halves of several partitions apart."""

_NO_LONGS = np.empty(0, np.int64)


@dataclass(frozen=True)
class Joined:
    """Rows that are complete, in the order in which they became so, and what became of other halves.

    Attributes:
        partition: the name under which the rows travel on: windows see one partition for each lane.
        messages: one for each row, with the value `{"request": …, "response": …[, "label": …]}`; timestamp, key and
            headers are those of the response.
        sides: the messages of each side row by row, without values; offset -1 where a row has no label.
        outcomes: halves that became no row: `duplicate`, `unjoined`, `evicted`, `handed_over`, `tombstone`.
        rejects: halves that cannot be joined: no identifier, no object.
    """

    partition: str
    messages: Messages
    sides: Mapping[str, Messages]
    outcomes: dict[str, int] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()

    def placed(self, rejects: Sequence[Reject]) -> list[Reject]:
        """The decoder's rejects with the response's real partition and offset."""
        if self.messages.partition >= 0:
            return list(rejects)
        topic = self.messages.topic
        return [
            replace(r, partition=f"{topic}/{r.offset % _STRIDE}", offset=r.offset // _STRIDE) for r in rejects
        ]


def lines_of(
    halves: Halves, rows: Longs, names: Sequence[str], *, number: int, beside: bool
) -> tuple[Messages, dict[str, Messages]]:
    """Put the lines of some rows together.

    Args:
        halves: where they lie.
        rows: references by side, -1 for a missing label; int64, shape (n, 3).
        names: the lane's partitions, `topic/3`.
        number: the partition number that all of them have, -1 where they differ.
        beside: keys and headers are wanted.
    """
    sides = {
        name: _beside(halves, rows[:, side], names, beside=beside)
        for side, name in enumerate(NAMES)
        if side != LABEL or (rows[:, side] >= 0).any()
    }
    data, ends, widths = _spliced([_values(halves, rows[:, side]) for side in range(len(NAMES))])
    response = sides[NAMES[RESPONSE]]
    offsets = response.offsets
    if number < 0:
        offsets = offsets * _STRIDE + _numbers(halves, rows[:, RESPONSE], names)
    moved: dict[str, Any] = {
        name: np.where(getattr(response, name) < 0, NULL, getattr(response, name) + len(data))
        for name in ("key_starts", "key_ends", "header_starts", "header_ends")
    }
    messages = replace(
        response,
        partition=number,
        data=data + response.data,
        starts=ends - widths,
        ends=ends,
        offsets=offsets,
        **moved,
    )
    return messages, sides


def no_lines(topic: str, number: int) -> Messages:
    """No rows."""
    none: dict[str, Any] = dict.fromkeys(_LONGS, _NO_LONGS)
    return Messages(topic=topic, partition=number, data=b"", next_offset=0, **none)


_LONGS = (
    *("starts", "ends", "offsets", "timestamps", "key_starts", "key_ends"),
    *("header_starts", "header_ends", "header_counts"),
)


def _values(halves: Halves, references: Longs) -> list[bytes]:
    """The raw value of each reference, b"" for -1."""
    return _slices(halves, references, "starts", "ends")


def _slices(halves: Halves, references: Longs, begin: str, end: str) -> list[bytes]:
    found = [b""] * len(references)
    known = np.flatnonzero(references >= 0)
    for segment, rows, places in halves.located(references[known]):
        data = segment.messages.data
        starts, ends = getattr(segment.messages, begin)[rows], getattr(segment.messages, end)[rows]
        for place, s, e in zip(known[places].tolist(), starts.tolist(), ends.tolist(), strict=True):
            found[place] = data[s:e]
    return found


def _spliced(values: Sequence[list[bytes]]) -> tuple[bytes, Longs, Longs]:
    """Lines with a line end behind each; where they end, and how long they are."""
    requests, responses, labels = values
    if any(labels):
        lines = [
            b'{"request":%b,"response":%b,"label":%b}' % parts
            if parts[2]
            else b'{"request":%b,"response":%b}' % parts[:2]
            for parts in zip(requests, responses, labels, strict=True)
        ]
    else:
        pairs = zip(requests, responses, strict=True)
        lines = [b'{"request":%b,"response":%b}' % pair for pair in pairs]
    widths = np.fromiter(map(len, lines), np.int64, len(lines))
    ends = np.cumsum(widths + 1) - 1
    lines.append(b"")
    return b"\n".join(lines), ends, widths


def _beside(halves: Halves, references: Longs, names: Sequence[str], *, beside: bool) -> Messages:
    """What messages bring beside their values, for some references; nothing for -1."""
    n = len(references)
    wanted = ("partitions", "offsets", "timestamps")
    own, offsets, timestamps = halves.gather_all(references, wanted)
    partitions = np.flatnonzero(np.bincount(own[own >= 0])).tolist()
    topic, _, number = names[partitions[0]].rpartition("/")
    nulls = np.full(n, NULL, np.int64)
    arrays: dict[str, Any] = dict.fromkeys(_LONGS, nulls)
    arrays["header_counts"] = np.zeros(n, np.int64)
    data = b""
    if beside:
        data, places = _keys_and_headers(halves, references)
        arrays |= places
    arrays |= {"offsets": offsets, "timestamps": timestamps}
    return Messages(
        topic=topic,
        partition=int(number) if len(partitions) == 1 else NULL,
        data=data,
        next_offset=0,
        **arrays,
    )


def _keys_and_headers(halves: Halves, references: Longs) -> tuple[bytes, dict[str, Longs]]:
    found: dict[str, Longs] = {}
    buffers: list[bytes] = []
    for name in ("key", "header"):
        pieces = _slices(halves, references, f"{name}_starts", f"{name}_ends")
        widths = np.fromiter(map(len, pieces), np.int64, len(pieces))
        ends = np.cumsum(widths) + sum(map(len, buffers))
        missing = halves.gather(references, f"{name}_starts") < 0
        found[f"{name}_starts"] = np.where(missing, NULL, ends - widths)
        found[f"{name}_ends"] = np.where(missing, NULL, ends)
        buffers.append(b"".join(pieces))
    found["header_counts"] = np.maximum(halves.gather(references, "header_counts"), 0)
    return b"".join(buffers), found


def _numbers(halves: Halves, references: Longs, names: Sequence[str]) -> Longs:
    """Partition number of each reference."""
    numbers = np.array([int(name.rpartition("/")[2]) for name in names], np.int64)
    return np.asarray(numbers[halves.gather(references, "partitions")], np.int64)
