"""Topics for the tests of the join, a store in memory, and the join done record by record with a dictionary."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from monitor.clock import ManualClock
from monitor.sources.joining.join import Join
from monitor.sources.joining.joined import Joined
from monitor.sources.joining.options import JoinOptions
from monitor.sources.kafka.messages import Messages

START = 1_700_000_000_000_000
SECOND = 1_000_000
EVER = 10**9
"""Seconds since START at which everything is there."""

TOPICS = ("requests", "responses", "labels")

Row = tuple[int, int, int | None]
"""Numbers of the request, the response and the label."""


@dataclass(frozen=True)
class Half:
    """One message: identifier, seconds since START, and a number of its own."""

    id: int
    time: int
    number: int


Topics = dict[str, list[Half]]
"""Messages by partition; their place is their offset."""


def options(*, labels: bool = True, wait: int = 10, label_wait: int = 15, **more: object) -> JoinOptions:
    """Options with the topics of this module."""
    sides: dict[str, object] = {"request": {"topic": "requests"}, "response": {"topic": "responses"}}
    if labels:
        sides["label"] = {"topic": "labels"}
    return JoinOptions.model_validate({**sides, "wait": wait, "label_wait": label_wait, **more})


def messages(partition: str, halves: Sequence[Half], offset: int, *, size: int = 0) -> Messages:
    """Halves as messages with their id as the key; `size`: bytes to fill the values up with."""
    topic, _, number = partition.rpartition("/")
    keys = [f"id-{half.id}".encode() for half in halves]
    fill = ',"fill":"' + "x" * size + '"' if size else ""
    values = [f'{{"n":{half.number}{fill}}}'.encode() for half in halves]
    data, bounds = b"", []
    for pieces in (keys, values):
        widths = np.array([len(piece) for piece in pieces], np.int64)
        ends = np.cumsum(widths) + len(data)
        bounds += [ends - widths, ends]
        data += b"".join(pieces)
    none = np.zeros(len(halves), np.int64)
    return Messages(
        topic=topic,
        partition=int(number),
        data=data,
        starts=bounds[2],
        ends=bounds[3],
        key_starts=bounds[0],
        key_ends=bounds[1],
        header_starts=none,
        header_ends=none,
        header_counts=none,
        offsets=np.arange(offset, offset + len(halves)),
        timestamps=np.array([START + half.time * SECOND for half in halves], np.int64),
        next_offset=offset + len(halves),
    )


def rows_of(joined: Joined) -> list[Row]:
    """The rows of a block by their numbers."""
    found: list[Row] = []
    for value in joined.messages.values():
        record = json.loads(value or b"")
        label = record.get("label")
        found.append((record["request"]["n"], record["response"]["n"], None if label is None else label["n"]))
    return found


@dataclass
class MemoryStore:
    """A store whose last commit can be gone back to."""

    items: dict[tuple[str, bytes], bytes] = field(default_factory=dict)

    def put(self, kind: str, items: Iterable[tuple[bytes, bytes]]) -> None:
        """See `Store`."""
        for key, value in items:
            self.items[kind, key] = value

    def delete(self, kind: str, keys: Iterable[bytes]) -> None:
        """See `Store`."""
        for key in keys:
            self.items.pop((kind, key), None)

    def load(self, kind: str) -> list[tuple[bytes, bytes]]:
        """See `Store`."""
        return sorted((key, value) for (k, key), value in self.items.items() if k == kind)


@dataclass
class Reader:
    """One daemon: reads some partitions, and can be killed at any moment.

    Attributes:
        topics: what the partitions hold.
        offsets: first message of each assigned partition that is not read.
        rows, lost: what was counted, the uncommitted included.
        now: seconds since START; what comes later is not in the topics yet.
    """

    topics: Mapping[str, Sequence[Half]]
    settings: JoinOptions
    offsets: dict[str, int]
    clock: ManualClock = field(default_factory=lambda: ManualClock(START + 3600 * SECOND))
    store: MemoryStore = field(default_factory=MemoryStore)
    rows: list[Row] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    now: int = EVER

    def __post_init__(self) -> None:
        self.join = self._new()
        self.commit()

    def _new(self) -> Join:
        return Join(self.settings, clock=self.clock)

    @property
    def behind(self) -> set[str]:
        """Partitions with unread messages."""
        return {name for name, offset in self.offsets.items() if offset < self.end(name)}

    def end(self, partition: str) -> int:
        """How many messages a partition holds by now."""
        halves = self.topics[partition]
        if self.now == EVER:
            return len(halves)
        return next((i for i, half in enumerate(halves) if half.time > self.now), len(halves))

    def read(self, partition: str, count: int) -> None:
        """Read some messages of a partition."""
        begin = self.offsets[partition]
        halves = self.topics[partition][begin : min(begin + count, self.end(partition))]
        if halves:
            self.join.push(messages(partition, halves, begin))
            self.offsets[partition] = begin + len(halves)

    def step(self, *, ended: bool = False) -> bool:
        """Take one block of rows; whether there was one."""
        joined = self.join.next(self.behind, ended=ended)
        if joined is None:
            return False
        self.rows += rows_of(joined)
        self.lost.update(joined.outcomes)
        return True

    def drain(self, *, ended: bool = False) -> None:
        """Take all that there is."""
        while self.step(ended=ended):
            pass

    def commit(self) -> None:
        """Everything up to now is durable."""
        self.join.save(self.store)
        self._kept = (dict(self.store.items), dict(self.offsets), len(self.rows), Counter(self.lost))

    def kill(self) -> None:
        """The process ends and begins anew at its last commit."""
        items, offsets, rows, lost = self._kept
        self.store.items = dict(items)
        self.offsets = dict(offsets)
        del self.rows[rows:]
        self.lost = Counter(lost)
        self.join = self._new()
        self.join.load(self.store)


def read_all(reader: Reader) -> None:
    """Read what is left, and end."""
    reader.now = EVER
    for name in sorted(reader.offsets):
        reader.read(name, len(reader.topics[name]))
    reader.drain()
    reader.drain(ended=True)


@dataclass
class _Identifier:
    """What the dictionary holds for one identifier."""

    here: dict[str, int]
    due: int
    state: str


@dataclass
class Plainly:
    """The join record by record: what must come out."""

    wait: int
    label_wait: int
    labels: bool
    rows: list[tuple[tuple[int, int, str, int], Row]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    known: dict[int, _Identifier] = field(default_factory=dict)

    def join(self, topics: Mapping[str, Sequence[Half]]) -> list[Row]:
        """The rows in their order; `lost` has the other halves."""
        order = []
        for name, halves in topics.items():
            time = -(10**9)
            for offset, half in enumerate(halves):
                time = max(time, half.time)
                order.append((time, name, offset, half))
        place = {half.number: (name, offset) for _, name, offset, half in order}
        for time, name, _, half in sorted(order, key=lambda entry: entry[:3]):
            self._take(time, name.rpartition("/")[0], half, place)
        for found in self.known.values():
            self._end(found, 10**9, place)
        self.lost += Counter()
        return [row for _, row in sorted(self.rows)]

    def _take(self, time: int, topic: str, half: Half, place: Mapping[int, tuple[str, int]]) -> None:
        found = self.known.get(half.id)
        if found is not None:
            self._end(found, time, place)
        if found is None or found.state == "none":
            self.known[half.id] = _Identifier({topic: half.number}, time + self.wait, "waiting")
        elif topic in found.here:
            self.lost["duplicate"] += 1
        elif found.state == "finished":
            self.lost["unjoined"] += 1
            found.here[topic] = half.number
        else:
            found.here[topic] = half.number
            if {"requests", "responses"} <= found.here.keys():
                if "labels" in found.here or not self.labels:
                    self._emit(found, time, 0, place)
                else:
                    found.state, found.due = "pair", time + self.label_wait

    def _end(self, found: _Identifier, time: int, place: Mapping[int, tuple[str, int]]) -> None:
        if found.state == "pair" and time > found.due:
            self._emit(found, found.due, 1, place)
        if found.state == "waiting" and time > found.due:
            self.lost["unjoined"] += len(found.here)
            found.state = "none"
        if found.state == "finished" and time > found.due:
            found.state = "none"

    def _emit(self, found: _Identifier, time: int, late: int, place: Mapping[int, tuple[str, int]]) -> None:
        row = (found.here["requests"], found.here["responses"], found.here.get("labels"))
        self.rows.append(((time, late, *place[row[1]]), row))
        found.state, found.due = "finished", time + self.wait
