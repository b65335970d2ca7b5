"""The join as a source sees it: messages of several topics in, joined messages out, all of it kept in the state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitor.clock import MICROSECONDS, Clock, SystemClock
from monitor.decode.formats import ValueReader
from monitor.decode.messages import TOMBSTONE
from monitor.sources.joining import saving
from monitor.sources.joining.adoption import Waiting, keep_waiting
from monitor.sources.joining.budget import Budget
from monitor.sources.joining.doubts import Doubts
from monitor.sources.joining.joined import Joined, lines_of, no_lines
from monitor.sources.joining.lane import Arrived, Lane
from monitor.sources.joining.lanes import Lanes
from monitor.sources.joining.options import JoinOptions
from monitor.sources.joining.rounds import Leaving
from monitor.sources.joining.screening import SideReader, screened
from monitor.sources.joining.sides import NAMES, NEVER, Longs, Terms
from monitor.sources.kafka.messages import Messages

if TYPE_CHECKING:
    from monitor.records import Reject
    from monitor.sources.base import Store

DUPLICATE, UNJOINED, EVICTED, HANDED_OVER = "duplicate", "unjoined", "evicted", "handed_over"

NOTE_BYTES = 2000
"""Length of a note, at most: Kafka takes 4,096 bytes beside an offset by default, and others write there too."""

_AHEAD = 60 * MICROSECONDS
"""Timestamps further in the future are not believed."""

_NO_LONGS = np.empty(0, np.int64)


class Join:
    """Joins requests, responses and labels.

    `push` messages, then call `next` until it gives None; each block that it gives is decoded and becomes one batch. A
    commit may come after any of them: what `save` writes belongs to the position after all messages that were pushed.

    In a group: `keep` after every assignment, `adopt` for a partition that somebody else has read since, `give_up` for
    those that go, and `notes` beside the offsets that are committed to Kafka.
    """

    def __init__(
        self,
        options: JoinOptions,
        *,
        monitor: str = "",
        values: ValueReader | None = None,
        max_record_bytes: int = 2**20,
        beside: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """Nothing waits yet.

        Args:
            options: which topics, and how long to wait.
            monitor: for the log.
            values: makes JSON of values that are none.
            max_record_bytes: longer values have no identifier in them.
            beside: the mapping wants keys or headers; without them the join is faster.
            clock: for topics that have gone quiet.
        """
        self._options, self._beside, self._clock = options, beside, clock or SystemClock()
        sides = [side for side in (options.request, options.response, options.label) if side is not None]
        values = values or ValueReader()
        self._readers = {side.topic: SideReader(side.id, values, max_record_bytes) for side in sides}
        waits = int(options.wait * MICROSECONDS), int(options.label_wait * MICROSECONDS)
        self._terms = Terms(*waits, labels=options.label is not None)
        self._budget, self._doubts = Budget(options.max_bytes, monitor), Doubts(options, monitor)
        self.lost: Counter[tuple[str, str]] = Counter()
        self._reset()

    def _reset(self) -> None:
        self._lanes = Lanes(self._options, self._terms, self._clock)
        self._adopted: dict[str, Waiting] = {}
        self._given: dict[str, str] = {}
        self._outcomes: Counter[str] = Counter()
        self._rejects: list[Reject] = []

    # Messages in, rows out.

    def push(self, messages: Messages) -> None:
        """Take the next messages of a partition of one of the topics.

        Raises:
            SourceError: a schema cannot be had now. Nothing is lost: call again with the same messages.
        """
        name, lane = messages.name, self._lanes.of(messages.name)
        waiting = self._adopted.get(name)
        count = np.ones(len(messages), bool)
        if waiting is not None:
            count = keep_waiting(waiting, messages.offsets)
        chosen = messages if count.all() else messages.take(count)
        found = screened(replace(chosen, left_out=_NO_LONGS, gaps=()), self._readers[messages.topic])
        times = lane.times(messages, self._clock.now(), _AHEAD)[count][found.kept]
        if len(times):
            side = self._options.sides[messages.topic]
            lane.push(Arrived(found.messages, side, times, found.hashes), self._clock.monotonic())
        self._outcomes[TOMBSTONE] += found.tombstones
        self._rejects += found.rejects
        if waiting is not None:
            self._read_again(name, waiting, messages.next_offset)

    def next(self, behind: Iterable[str], *, ended: bool = False) -> Joined | None:
        """The next rows, or what else became of halves; None when there is nothing to tell.

        Args:
            behind: assigned partitions that hold unread messages or have not been looked at yet (`topic/3`): rows wait
                for them. Those of which messages were pushed in part belong to them too.
            ended: nothing will come any more; halves that wait are over.
        """
        behind = set(behind)
        for lane in self._lanes:
            mine = self._lanes.behind(lane, behind)
            while (leaving := lane.step(mine, self._clock.monotonic(), rest=ended)) is not None:
                if leaving:
                    return self._joined(lane, leaving)
        relief = self._budget.relieve(self._lanes)
        if relief is not None:
            return self._joined(*relief)
        if self._rejects or any(self._outcomes.values()):
            return self._told(
                Joined(self._options.response.topic, no_lines(self._options.response.topic, -1), {})
            )
        return None

    def ahead(self, behind: Iterable[str]) -> frozenset[str]:
        """Partitions of which nothing more should be pushed for now, because others have to catch up.

        Empty while memory is at hand. At least one of those behind is never among them.
        """
        if not self._budget.is_tight(self._lanes):
            return frozenset()
        behind = set(behind)
        found = set()
        for lane in self._lanes:
            mine = self._lanes.behind(lane, behind)
            held = lane.held(mine)
            found |= {n for n in mine if lane.newest.get(n, NEVER) > held}
        return frozenset(found)

    def reached(self, partition: str) -> int:
        """Time that a partition has reached, microseconds: the one with the smallest is to be read next."""
        return self._lanes.reached(partition)

    def partitions_behind(self, behind: Iterable[str]) -> frozenset[str]:
        """Names under which rows will come from these partitions, or from what waits already."""
        names = {self._lanes.name(self._lanes.number(name)) for name in behind}
        return frozenset(names | {lane.name for lane in self._lanes if lane.pending})

    # The state.

    def save(self, store: Store) -> None:
        """Write what changed since the last call, inside the transaction that writes the position."""
        self._lanes.save(store)
        saving.save_adopted(self._adopted, store)

    def load(self, store: Store) -> None:
        """Take up what `save` wrote; everything else is forgotten."""
        self._reset()
        readers = list(self._readers.values())
        self._lanes.load(store, lambda messages, side: readers[side].hashes(messages))
        self._adopted = saving.load_adopted(store)

    # The group.

    def keep(self, partitions: Iterable[str]) -> None:
        """Forget what waits of all other partitions: it went with them to their new owners."""
        kept = set(partitions)
        self._doubts.look(kept)
        known = {name for lane in self._lanes for name in lane.names}
        for name in known - kept:
            self._drop(name)

    def adopt(self, partition: str, offset: int, note: str) -> int:
        """Take a partition over from another member.

        Args:
            partition: its name.
            offset: the committed one.
            note: what the other member wrote beside it, "" for nothing.

        Returns:
            Where to read from: the first message that still waits.

        Raises:
            ValueError: the note is none of ours.
        """
        self._drop(partition)
        self._given.pop(partition, None)
        if not note:
            return offset
        waiting = Waiting.from_text(note)
        if waiting.time != NEVER:
            self._lanes.of(partition).take_over(partition, waiting.time)
        self._read_again(partition, waiting, waiting.begin)
        return waiting.begin

    def give_up(self, ends: Mapping[str, int]) -> None:
        """Partitions go to other members with all that waits of them, as far as their notes can hold it.

        Halves that find no room count as `handed_over`: call `next` once more before the commit.

        Args:
            ends: first offset of each partition that was not pushed.
        """
        for name, waiting in self._waiting(ends).items():
            shortened, left_out = waiting.shortened(NOTE_BYTES)
            self._given[name] = shortened.to_text()
            self._outcomes[HANDED_OVER] += left_out
            self._drop(name)

    def notes(self, ends: Mapping[str, int]) -> dict[str, str]:
        """What is to stand beside the committed offsets, by partition.

        Args:
            ends: first offset of each partition that was not pushed; what is still to be read again does not count.
        """
        found = {name: self._given[name] for name in ends if name in self._given}
        rest = self._waiting({name: end for name, end in ends.items() if name not in found})
        return found | {name: waiting.shortened(NOTE_BYTES)[0].to_text() for name, waiting in rest.items()}

    @property
    def unjoined(self) -> dict[str, int]:
        """Halves whose other half did not come, since the process began, by topic."""
        return {topic: self.lost[UNJOINED, NAMES[side]] for topic, side in self._options.sides.items()}

    @property
    def waiting_halves(self) -> int:
        """Halves in memory."""
        return sum(lane.halves.count for lane in self._lanes)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the join holds."""
        return sum(lane.size for lane in self._lanes)

    def _joined(self, lane: Lane, leaving: Leaving) -> Joined:
        """What leaves a lane, as one block."""
        rows = lane.in_order(leaving)
        lost = {DUPLICATE: leaving.duplicates, UNJOINED: leaving.unjoined, EVICTED: leaving.evicted}
        gone = {outcome: np.concatenate([_NO_LONGS, *parts]) for outcome, parts in lost.items()}
        for outcome, references in gone.items():
            self._count(lane, outcome, references)
        if len(rows):
            messages, sides = lines_of(lane.halves, rows, lane.names, number=lane.number, beside=self._beside)
        else:
            messages, sides = no_lines(self._options.response.topic, lane.number), {}
        lane.forget(np.concatenate([rows[rows >= 0], *gone.values()]))
        return self._told(Joined(lane.name, messages, sides))

    def _told(self, joined: Joined) -> Joined:
        """With what has become of other messages since the last block."""
        outcomes = {outcome: n for outcome, n in self._outcomes.items() if n}
        rejects = tuple(self._rejects)
        self._outcomes, self._rejects = Counter(), []
        return replace(joined, outcomes=outcomes, rejects=rejects)

    def _count(self, lane: Lane, outcome: str, references: Longs) -> None:
        self._outcomes[outcome] += len(references)
        sides = np.bincount(lane.halves.gather(references, "sides"), minlength=len(NAMES))
        for name, count in zip(NAMES, sides.tolist(), strict=True):
            self.lost[outcome, name] += count

    def _read_again(self, partition: str, waiting: Waiting, offset: int) -> None:
        """What is still to come of a partition that was adopted, and has been read again up to an offset."""
        if offset < waiting.end:
            self._adopted[partition] = replace(waiting, offsets=waiting.offsets[waiting.offsets >= offset])
        else:
            self._adopted.pop(partition, None)

    def _drop(self, partition: str) -> None:
        self._adopted.pop(partition, None)
        self._lanes.drop(partition)

    def _waiting(self, ends: Mapping[str, int]) -> dict[str, Waiting]:
        """What waits of some partitions."""
        here = {name: found for lane in self._lanes for name, found in lane.waiting().items()}
        waiting = {}
        for name, end in ends.items():
            offsets, time = here.get(name, (_NO_LONGS, NEVER))
            adopted = self._adopted.get(name)
            if adopted is not None:
                offsets = np.concatenate([offsets, adopted.offsets])
            waiting[name] = Waiting(end if adopted is None else max(end, adopted.end), offsets, time)
        return waiting
