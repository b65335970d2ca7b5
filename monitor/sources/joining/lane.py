"""One lane of a join: partitions whose halves may belong together, in one order of time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from monitor.sources.joining.finished import Finished
from monitor.sources.joining.groups import Groups, groups_of
from monitor.sources.joining.halves import Halves, renumbered
from monitor.sources.joining.pending import Pending
from monitor.sources.joining.rounds import Arrivals, Leaving, Table
from monitor.sources.joining.sides import ALWAYS, NEVER, RESPONSE, Hashes, Longs, Terms
from monitor.sources.kafka.messages import Messages

MOST = 16_384
"""Halves in one block of work."""

GRACE = 5_000_000
"""Where a partition is read up to its end, halves are given up this much later: topics differ by moments."""

ASLEEP_SECONDS = 10.0
"""Nobody looked for so long: this process was stopped, or could not read; what came since is still to be fetched."""

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Messages of one partition, all with an identifier.

    Attributes:
        messages: the halves.
        side: 0 request, 1 response, 2 label.
        times: when each counts as come, rising; microseconds.
        hashes: of the identifiers.
    """

    messages: Messages
    side: int
    times: Longs
    hashes: tuple[Hashes, Hashes]


class Lane:
    """Joins the halves of its partitions.

    A half counts at its *time*: its timestamp, or that of an earlier message of the same partition where that is later.
    Halves are taken in the order of these times, up to the time that every partition with unread messages has
    reached. So what is joined, and in which order, follows from what the topics hold: not from which of them is read
    ahead, from how messages are cut into blocks, or from restarts. At the end of all partitions nothing is held back.

    Attributes:
        name: of the lane, as the rows' partition.
        number: partition number of its partitions; -1 where they differ.
        names: its partitions; halves refer to them by their place here.
        newest: time that each partition has reached.
    """

    def __init__(self, name: str, number: int, terms: Terms, monotonic: float) -> None:
        """Args: see the attributes; `terms`: how long halves wait; `monotonic`: seconds now."""
        self.name, self.number = name, number
        self.names: list[str] = []
        self.newest: dict[str, int] = {}
        self.halves = Halves()
        self.pending = Pending()
        self.table = Table(terms, Groups(), Finished())
        self.seen = NEVER
        self.quiet_since = self.looked_at = monotonic

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.halves.size + self.table.nbytes

    def place_of(self, partition: str) -> int:
        """Number of a partition within the lane."""
        if partition not in self.names:
            self.names.append(partition)
        return self.names.index(partition)

    def times(self, messages: Messages, now: int, ahead: int) -> Longs:
        """When each message of a partition counts as come; the partition has reached the last of these.

        Args:
            messages: they follow those of the call before.
            now: wall time in microseconds, for messages without a time.
            ahead: times that are later than `now` by more than this are not believed.
        """
        before = self.newest.get(messages.name, NEVER)
        own = messages.timestamps
        own = np.where((own < 0) | (own > now + ahead), NEVER, own)
        times = np.maximum.accumulate(np.concatenate([[before], own]))[1:]
        times = np.asarray(np.where(times == NEVER, now, times), np.int64)
        if len(times):
            self.newest[messages.name] = int(times[-1])
            self.seen = max(self.seen, int(times[-1]))
        return times

    def push(self, arrived: Arrived, monotonic: float) -> None:
        """Take halves in; they count when their time has come. `monotonic`: seconds now."""
        place = self.place_of(arrived.messages.name)
        references = self.halves.add(arrived.messages, arrived.side, place, arrived.times, arrived.hashes)
        self.pending.add(arrived.messages.name, references, arrived.times)
        self.quiet_since = monotonic

    def held(self, behind: Collection[str]) -> int:
        """Time up to which (exclusively) the partitions with unread messages have come; `ALWAYS` if there are none."""
        return min((self.newest.get(partition, NEVER) for partition in behind), default=ALWAYS)

    def step(self, behind: Collection[str], monotonic: float, *, rest: bool = False) -> Leaving | None:
        """Take the next halves; None where there is nothing to do.

        Args:
            behind: the lane's partitions with unread messages.
            monotonic: seconds now.
            rest: nothing will come any more: what waits is over.
        """
        held = self.held(behind)
        references, times = self.pending.take(held, MOST)
        full = len(times) == MOST
        clock = self._clock(behind, monotonic, rest=rest)
        clock = min(clock, int(times[-1])) if full else clock
        self.table.clock = max(self.table.clock, clock)
        leaving = Leaving()
        self.table.take_in(self._arrivals(references, times), leaving)
        self.table.expire(leaving)
        return leaving if len(times) or leaving else None

    def overtake(self) -> Leaving | None:
        """Take the next halves although other partitions have not come so far; the clock does not go on."""
        references, times = self.pending.take(ALWAYS, MOST)
        leaving = Leaving()
        self.table.take_in(self._arrivals(references, times), leaving)
        return leaving if len(times) else None

    def forget(self, references: Longs) -> None:
        """Halves that have left are no longer needed."""
        self.halves.kill(references)

    def compact(self, share: float = 0.5) -> None:
        """Give back the memory of halves that have left, where a smaller share than this lives."""
        self.renumber(*self.halves.rewrite(self.halves.sparse(share)))

    def in_order(self, leaving: Leaving) -> Longs:
        """The rows of what leaves, in the order in which they became complete; int64, shape (n, 3)."""
        rows, moments, late = leaving.all_rows
        offsets, places = self.halves.gather_all(rows[:, RESPONSE], ("offsets", "partitions"))
        ranks = np.argsort(np.argsort(self.names))
        return np.asarray(rows[np.lexsort((offsets, ranks[places], late, moments))])

    def living(self) -> Longs:
        """References of all halves that wait."""
        segments = self.halves.segments.values()
        return np.concatenate([_NONE, *(s.references[s.living] for s in segments)])

    def waiting(self) -> dict[str, tuple[Longs, int]]:
        """Offsets of each partition's halves that wait, rising, and the time that it had reached before the first."""
        found = {name: (_NONE, time) for name, time in self.newest.items()}
        columns = self.halves.gather_all(self.living(), ("partitions", "offsets", "times"))
        order = np.lexsort((columns[1], columns[0]))
        places, offsets, times = (column[order] for column in columns)
        begins = np.searchsorted(places, np.arange(len(self.names) + 1))
        for name, (begin, end) in zip(self.names, pairwise(begins.tolist()), strict=True):
            if begin < end:
                found[name] = offsets[begin:end], int(times[begin])
        return found

    def take_over(self, partition: str, time: int) -> None:
        """A partition of which another member has read up to a time."""
        self.place_of(partition)
        self.newest[partition] = time
        self.seen = max(self.seen, time)

    def drop(self, partition: str) -> bool:
        """Forget a partition; whether nothing is left of the lane."""
        if self.newest.pop(partition, None) is not None and partition in self.names:
            self.pending.drop(partition)
            self.forget(self._of(partition))
            waiting = np.setdiff1d(self.living(), self.pending.references())
            self.table.groups = Groups()
            self.table.groups.insert(groups_of(self.halves, waiting, self.table.terms))
        return not self.newest

    def _of(self, partition: str) -> Longs:
        """References of a partition's halves that wait."""
        references = self.living()
        mine = self.halves.gather(references, "partitions") == self.names.index(partition)
        return np.asarray(references[mine])

    def renumber(self, old: Longs, new: Longs) -> None:
        """Follow halves that were moved."""
        if not len(old):
            return
        groups = self.table.groups
        living = groups.living
        groups.renumber(renumbered(groups.take(living).halves, old, new), living)
        self.pending.renumber(old, new)

    def _clock(self, behind: Collection[str], monotonic: float, *, rest: bool) -> int:
        """What was due before this is over.

        Partitions that are read up to their ends may still get messages that are a little older than the newest.
        """
        asleep, self.looked_at = monotonic - self.looked_at, monotonic
        if rest and not behind:
            return ALWAYS
        if asleep > ASLEEP_SECONDS:
            self.quiet_since = min(monotonic, self.quiet_since + asleep)
        if behind:
            self.quiet_since = monotonic
        held = self.held(behind)
        if self.seen == NEVER or self.newest.keys() <= set(behind):
            return min(held, self.seen)
        return min(held, self.seen + int((monotonic - self.quiet_since) * 1_000_000) - GRACE)

    def _arrivals(self, references: Longs, times: Longs) -> Arrivals:
        first, second, sides = self.halves.gather_all(references, ("first", "second", "sides"))
        return Arrivals(
            first.view(np.uint64), second.view(np.uint64), sides.astype(np.uint8), times, references
        )
