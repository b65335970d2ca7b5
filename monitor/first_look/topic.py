"""A look at topics: what their messages are, as records in the order of their time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from monitor.decode.formats import ValueReader
from monitor.first_look.raw import NoDataError
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.peek import Peek, peek

if TYPE_CHECKING:
    from monitor.sources.kafka.address import Address

Longs = npt.NDArray[np.int64]

_KEPT_HEADERS = 20
_SHOWN_BYTES = 60
_MAGIC = 0
_SPACE = b" \t\r\n\xef\xbb\xbf"


@dataclass
class TopicLook:
    """Messages of some topics.

    Attributes:
        peeks: what was read of each topic.
        lines: records as JSON, one partition after the other.
        times: of their messages, int64, shape (lines,), microseconds since the epoch; -1 where there is none.
        homes: number of the partition of each line, counted over all topics; int64, shape (lines,).
        kinds: number of messages by what their values look like.
        keys: number of messages with a key; `key` is an example.
        headers: number of messages with each header.
        rejects: number of values that are no records, by reason.
    """

    peeks: list[Peek]
    lines: list[bytes] = field(default_factory=list)
    times: Longs = field(default_factory=lambda: np.empty(0, np.int64))
    homes: Longs = field(default_factory=lambda: np.empty(0, np.int64))
    kinds: Counter[str] = field(default_factory=Counter)
    keys: int = 0
    key: bytes | None = None
    headers: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)

    @property
    def read(self) -> int:
        """Messages that were looked at."""
        return sum(found.read for found in self.peeks)

    @property
    def message_bytes(self) -> float:
        """Mean size of a value."""
        sizes = [int((part.ends - part.starts).sum()) for found in self.peeks for part in found.messages]
        return sum(sizes) / max(self.read, 1)

    @property
    def timed(self) -> bool:
        """Every message has a time."""
        return bool(len(self.times)) and bool((self.times >= 0).all())

    def order(self, times: Longs) -> Longs:
        """The order in which a source that goes by these times reads the lines: each partition stays in its own.

        Args:
            times: of the lines, int64, shape (lines,).
        """
        reached = times.copy()
        for home in np.unique(self.homes).tolist():
            of = self.homes == home
            reached[of] = np.maximum.accumulate(times[of])
        return np.argsort(reached, kind="stable")

    def to_json(self) -> dict[str, Any]:
        """What was seen, without the records."""
        return {
            "topics": [
                {
                    "name": found.topic,
                    "partitions": found.partitions,
                    "messages": found.total,
                    "read": found.read,
                }
                for found in self.peeks
            ],
            "read": self.read,
            "value_bytes": round(self.message_bytes, 1),
            "kinds": dict(self.kinds.most_common()),
            "keys": self.keys,
            "key": None if self.key is None else self.key.decode("utf-8", "replace"),
            "headers": dict(self.headers.most_common(_KEPT_HEADERS)),
            "rejects": dict(self.rejects.most_common()),
        }


def look_at_topics(
    address: Address,
    count: int,
    *,
    newest: bool,
    seconds: float,
    values: ValueReader | None = None,
    progress: Callable[[int], None] = lambda _read: None,
) -> TopicLook:
    """Read some messages of each topic.

    Args:
        address: the topics.
        count: messages of all topics together, at most.
        newest: the last ones; else the first ones.
        seconds: how long to wait where there are none.
        values: reads the values; None: by their looks.
        progress: gets the number of messages read of the topic at hand.

    Raises:
        SourceError: the cluster, a topic or a schema cannot be read.
        NoDataError: there is no message.
    """
    each = max(1, count // len(address.topics))
    peeks = [
        peek(address.connection, topic, each, newest=newest, seconds=seconds, progress=progress)
        for topic in address.topics
    ]
    look = TopicLook(peeks)
    if not look.read:
        raise NoDataError(f"no message came from {', '.join(address.topics)} within {seconds:g} s")
    parts = [part for found in peeks for part in found.messages]
    for part in parts:
        _describe(look, part)
    _records(look, parts, values or ValueReader())
    return look


def _records(look: TopicLook, parts: Sequence[Messages], values: ValueReader) -> None:
    """The values as lines of JSON."""
    times: list[Longs] = []
    for part in parts:
        read = values.read(part)
        look.rejects.update(reject.reason for reject in read.rejects)
        found = [read.block.line(i).replace(b"\n", b" ").replace(b"\r", b" ") for i in range(len(read.block))]
        kept = [i for i, line in enumerate(found) if line]
        look.lines += [found[i] for i in kept]
        times.append(part.timestamps[read.block.homes[np.asarray(kept, np.intp)]])
    look.times = np.concatenate(times)
    look.homes = np.repeat(np.arange(len(times)), [len(stamps) for stamps in times])


def _describe(look: TopicLook, part: Messages) -> None:
    """Count what values, keys and headers look like."""
    for i in range(len(part)):
        headers = dict(part.headers(i)) if part.header_counts[i] else {}
        look.kinds[kind_of(part.value(i), headers)] += 1
        look.headers.update(headers.keys())
        key = part.key(i)
        if key is not None:
            look.keys += 1
            look.key = look.key or key[:_SHOWN_BYTES]


def kind_of(value: bytes | None, headers: Mapping[str, bytes | None]) -> str:
    r"""What the value of a message looks like, in a few words.

    >>> kind_of(b'{"a": 1}', {}), kind_of(b"{}\n{}", {}), kind_of(None, {})
    ('JSON object', 'lines of JSON', 'no value (tombstone)')
    """
    if value is None:
        return "no value (tombstone)"
    content = (headers.get("content-type") or b"").lower()
    if content.startswith(b"application/cloudevents"):
        return "CloudEvent, structured"
    cloud = "CloudEvent, binary: " if "ce_id" in headers or "ce-id" in headers else ""
    if value[:1] == bytes([_MAGIC]):
        return f"{cloud}Confluent wire format (Avro or JSON with a schema registry)"
    text = value.strip(_SPACE)
    if text[:1] == b"{":
        lines = text.count(b"}\n{") + text.count(b"}\r\n{")
        return cloud + ("lines of JSON" if lines else "JSON object")
    if text[:1] == b"[":
        return f"{cloud}JSON array"
    return cloud + ("text" if text[:_SHOWN_BYTES].isascii() else "bytes of another format")
