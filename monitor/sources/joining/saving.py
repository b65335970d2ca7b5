"""A lane in the state: what waits, what has left since, what was joined lately, and how far its partitions have come.

* `join.halves`: segments, written once. Halves that leave before the next commit are never written.
* `join.left`: for each commit the references of halves in stored segments that have left.
* `join.finished`: for each commit the identifiers that were joined.
* `join.lane`: one JSON object for each lane.

Segments in which most halves are dead are written anew, without them. Identifiers that wait are not written: they
follow from the halves. Keys are the lane's number + 1 and a running number, 8 bytes each, big end first.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.sources.joining.adoption import Waiting
from monitor.sources.joining.blobs import pack, unpack
from monitor.sources.joining.groups import groups_of
from monitor.sources.joining.halves import Segment
from monitor.sources.joining.identifiers import version
from monitor.sources.joining.sides import NEVER, Hashes, Mask
from monitor.sources.kafka.messages import Messages

if TYPE_CHECKING:
    from monitor.sources.base import Store
    from monitor.sources.joining.lane import Lane

HALVES, LEFT, FINISHED, LANE = "join.halves", "join.left", "join.finished", "join.lane"
ADOPTED = "join.adopted"

_KEY = struct.Struct(">QQ")
_ROW_BITS = 32
_MESSAGE_ARRAYS = (
    *("starts", "ends", "key_starts", "key_ends", "header_starts", "header_ends", "header_counts"),
    *("offsets", "timestamps"),
)
_SEGMENT_ARRAYS = ("sides", "partitions", "times")

Rehash = Callable[[Messages, int], tuple[Hashes, Hashes, Mask]]
"""Hashes of the identifiers of messages of one side."""


@dataclass
class Book:
    """What of a lane is in the state.

    Attributes:
        commits: how often it was saved. left: stored segments that each record of leavings is about, by its number.
        finished: when each record of joined identifiers is over, by its number.
        written: the lane's JSON as it was written last.
    """

    commits: int = 0
    left: dict[int, set[int]] = field(default_factory=dict)
    finished: dict[int, int] = field(default_factory=dict)
    written: str = ""


def save(lane: Lane, book: Book, store: Store) -> None:
    """Write what has changed since the last call."""
    lane.compact()
    lane.renumber(*lane.halves.rewrite(lane.halves.young()))
    book.commits += 1
    for segment in lane.halves.young():
        store.put(HALVES, [(_key(lane, segment.number), _segment_blob(segment))])
        segment.stored = True
    _save_leavings(lane, book, store)
    _save_finished(lane, book, store)
    text = json.dumps(_lane_json(lane, book), sort_keys=True)
    if text != book.written:
        store.put(LANE, [(_key(lane, 0), text.encode())])
        book.written = text


def delete(number: int, store: Store) -> None:
    """Forget a lane that was given up, by its number."""
    for kind in (HALVES, LEFT, FINISHED, LANE):
        keys = [key for key, _ in store.load(kind) if _KEY.unpack(key)[0] == number + 1]
        store.delete(kind, keys)


def lane_numbers(store: Store) -> dict[int, dict[str, Any]]:
    """The lanes that are in the state, and their JSON."""
    return {_KEY.unpack(key)[0] - 1: json.loads(text) for key, text in store.load(LANE)}


def load(lane: Lane, saved: dict[str, Any], store: Store, rehash: Rehash) -> Book:
    """Take up what `save` wrote into a lane that is new."""
    book = Book(int(saved["commits"]))
    lane.names, lane.newest = list(saved["names"]), dict(saved["newest"])
    lane.seen = max(lane.newest.values(), default=NEVER)
    lane.table.clock = int(saved["clock"])
    _load_halves(lane, saved, store, rehash)
    _load_leavings(lane, book, store)
    if saved["version"] == version():
        _load_finished(lane, book, store)
    _take_up(lane, saved["pending"])
    return book


def save_adopted(adopted: dict[str, Waiting], store: Store) -> None:
    """Write what is still to be read again of partitions that others had."""
    known = [key for key, _ in store.load(ADOPTED)]
    if known or adopted:
        store.delete(ADOPTED, [key for key in known if key.decode() not in adopted])
        store.put(ADOPTED, [(name.encode(), w.to_text().encode()) for name, w in adopted.items()])


def load_adopted(store: Store) -> dict[str, Waiting]:
    """What `save_adopted` wrote."""
    return {key.decode(): Waiting.from_text(text.decode()) for key, text in store.load(ADOPTED)}


def _key(lane: Lane, number: int) -> bytes:
    return _KEY.pack(lane.number + 1, number)


def _own(lane: Lane, kind: str, store: Store) -> list[tuple[int, bytes]]:
    found = ((_KEY.unpack(key), value) for key, value in store.load(kind))
    return [(number, value) for (owner, number), value in found if owner == lane.number + 1]


def _segment_blob(segment: Segment) -> bytes:
    arrays = {name: getattr(segment.messages, name) for name in _MESSAGE_ARRAYS}
    arrays |= {name: getattr(segment, name) for name in _SEGMENT_ARRAYS}
    return pack({**arrays, "data": np.frombuffer(segment.messages.data, np.uint8)})


def _save_leavings(lane: Lane, book: Book, store: Store) -> None:
    halves = lane.halves
    gone = [r for r in halves.deaths if int(r[0]) >> _ROW_BITS in halves.segments]
    if gone:
        references = np.concatenate(gone)
        store.put(LEFT, [(_key(lane, book.commits), pack({"references": references}))])
        book.left[book.commits] = set(np.unique(references >> _ROW_BITS).tolist())
    if halves.dropped:
        store.delete(HALVES, [_key(lane, number) for number in halves.dropped])
        over = [n for n, about in book.left.items() if about.isdisjoint(halves.segments)]
        store.delete(LEFT, [_key(lane, n) for n in over])
        for n in over:
            del book.left[n]
    halves.deaths.clear()
    halves.dropped.clear()


def _save_finished(lane: Lane, book: Book, store: Store) -> None:
    first, second, until, labelled = lane.table.finished.changed()
    if len(first):
        blob = pack({"first": first, "second": second, "until": until, "labelled": labelled})
        store.put(FINISHED, [(_key(lane, book.commits), blob)])
        book.finished[book.commits] = int(until.max())
    over = [n for n, until_ in book.finished.items() if until_ < lane.table.clock]
    store.delete(FINISHED, [_key(lane, n) for n in over])
    for n in over:
        del book.finished[n]


def _lane_json(lane: Lane, book: Book) -> dict[str, Any]:
    pending = lane.pending.first()
    offsets = lane.halves.gather(np.array([*pending.values()], np.int64), "offsets").tolist()
    return {
        "names": lane.names,
        "newest": lane.newest,
        "clock": lane.table.clock,
        "pending": dict(zip(pending, offsets, strict=True)),
        "next": lane.halves.next_number,
        "commits": book.commits,
        "version": version(),
    }


def _load_halves(lane: Lane, saved: dict[str, Any], store: Store, rehash: Rehash) -> None:
    for number, blob in _own(lane, HALVES, store):
        arrays: dict[str, Any] = unpack(blob)
        messages = Messages(
            topic="",
            partition=0,
            data=arrays["data"].tobytes(),
            next_offset=0,
            **{name: arrays[name] for name in _MESSAGE_ARRAYS},
        )
        sides = arrays["sides"]
        first, second = np.zeros(len(sides), np.uint64), np.zeros(len(sides), np.uint64)
        for side in np.unique(sides).tolist():
            rows = np.flatnonzero(sides == side)
            first[rows], second[rows], _ = rehash(messages.take(rows), side)
        rest = (sides, arrays["partitions"], arrays["times"], first, second, np.ones(len(sides), bool))
        lane.halves.segments[number] = Segment(number, messages, *rest, stored=True)
    lane.halves.next_number = int(saved["next"])


def _load_leavings(lane: Lane, book: Book, store: Store) -> None:
    for number, blob in _own(lane, LEFT, store):
        references = unpack(blob)["references"]
        about = references >> _ROW_BITS
        book.left[number] = set(np.unique(about).tolist())
        lane.halves.kill(references[np.isin(about, [*lane.halves.segments])])
    lane.halves.deaths.clear()


def _load_finished(lane: Lane, book: Book, store: Store) -> None:
    finished = lane.table.finished
    for number, blob in _own(lane, FINISHED, store):
        rows = unpack(blob)
        finished.put(rows["first"], rows["second"], rows["until"], rows["labelled"], lane.table.clock)
        book.finished[number] = int(rows["until"].max())
    finished.changed()


def _take_up(lane: Lane, pending: dict[str, int]) -> None:
    """Living halves wait for their other half, or for their turn from the first pending offset on."""
    references = lane.living()
    partitions, offsets = (
        lane.halves.gather(references, "partitions"),
        lane.halves.gather(references, "offsets"),
    )
    ahead = np.zeros(len(references), bool)
    for name, first in pending.items():
        mine = np.flatnonzero((partitions == lane.names.index(name)) & (offsets >= first))
        mine = mine[np.argsort(offsets[mine], kind="stable")]
        lane.pending.add(name, references[mine], lane.halves.gather(references[mine], "times"))
        ahead[mine] = True
    lane.table.groups.insert(groups_of(lane.halves, references[~ahead], lane.table.terms))
