"""Which messages can be joined: those with an identifier and with a JSON object as their value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor.decode.assembly import KEPT_BYTES
from monitor.decode.cloud_events import wrapped
from monitor.decode.ids import IdReader
from monitor.decode.json_line import NOT_AN_OBJECT
from monitor.records import Reject
from monitor.sources.joining.identifiers import hashed
from monitor.sources.joining.sides import Hashes, Mask
from monitor.sources.kafka.messages import Messages

if TYPE_CHECKING:
    from monitor.decode.formats import ValueReader
    from monitor.decode.values import ValueBlock

MISSING_ID = "missing_id"
_OPEN, _CLOSE = ord("{"), ord("}")
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Screened:
    """Messages that can be joined, and what became of the others.

    Attributes:
        kept: the messages that can be joined; shape (n,).
        messages: these, with values that are JSON objects.
        hashes: of their identifiers.
        rejects: the others, except those without a value.
        tombstones: how many had no value.
    """

    kept: Mask
    messages: Messages
    hashes: tuple[Hashes, Hashes]
    rejects: list[Reject] = field(default_factory=list)
    tombstones: int = 0


class SideReader:
    """Reads the messages of one topic.

    Attributes:
        path: where the identifier stands.
        values: makes JSON of values that are none.
    """

    def __init__(self, path: str, values: ValueReader, max_record_bytes: int) -> None:
        self.path, self.values = path, values
        self._ids = IdReader(path, None, max_record_bytes)

    def hashes(self, messages: Messages) -> tuple[Hashes, Hashes, Mask]:
        """Of the identifiers of messages whose values are JSON already; see `hashed`."""
        return hashed(self._ids, messages)


def screened(messages: Messages, reader: SideReader) -> Screened:
    """Look at messages of one partition.

    Raises:
        SourceError: a schema cannot be had now. Nothing is lost: call again with the same messages.
    """
    refused: list[Reject] = []
    if reader.values.form == "cloudevents" or not _plain(messages).all() or wrapped(messages).any():
        messages, refused = _as_objects(messages, reader.values)
    first, second, known = reader.hashes(messages)
    objects = _plain(messages)
    good = objects & known
    nameless = np.flatnonzero(objects & ~known).tolist()
    detail = f"there is no identifier at {reader.path}"
    refused += [_reject(messages, i, MISSING_ID, detail) for i in nameless]
    kept = messages if good.all() else messages.take(good)
    refused.sort(key=lambda reject: reject.offset)
    tombstones = int(messages.nulls.sum())
    return Screened(good, kept, (first[good], second[good]), refused, tombstones)


def _plain(messages: Messages) -> Mask:
    """Values that begin and end as an object does."""
    there = messages.ends > np.maximum(messages.starts, 0)
    there &= messages.starts >= 0
    data = np.frombuffer(messages.data, np.uint8)
    found = np.zeros(len(messages), bool)
    found[there] = data[messages.starts[there]] == _OPEN
    found[there] &= data[messages.ends[there] - 1] == _CLOSE
    return found


def _as_objects(messages: Messages, values: ValueReader) -> tuple[Messages, list[Reject]]:
    """The same with other formats as JSON, without white space around values, and the values that are no objects."""
    read = values.read(messages)
    texts = [b""] * len(messages)
    for i, text in _texts(read.block):
        texts[i] = texts[i] or text
    widths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(widths) + len(messages.data)
    nulls = messages.nulls
    other = replace(
        messages,
        data=messages.data + b"".join(texts),
        starts=np.where(nulls, messages.starts, ends - widths),
        ends=np.where(nulls, messages.ends, ends),
    )
    told = {reject.offset for reject in read.rejects}
    bad = np.flatnonzero(~_plain(other) & ~nulls).tolist()
    words = NOT_AN_OBJECT, "the value is no JSON object"
    return other, [
        *read.rejects,
        *(_reject(messages, i, *words) for i in bad if int(messages.offsets[i]) not in told),
    ]


def _texts(block: ValueBlock) -> Iterator[tuple[int, bytes]]:
    for i, home in enumerate(block.homes.tolist()):
        yield home, block.line(i).removeprefix(_BOM).strip(_SPACE)


def _reject(messages: Messages, i: int, reason: str, detail: str) -> Reject:
    value = messages.value(i) or b""
    return Reject(reason, detail, messages.name, int(messages.offsets[i]), value[:KEPT_BYTES])
