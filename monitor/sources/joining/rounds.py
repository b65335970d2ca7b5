"""The join itself: what becomes of halves that come in order, for many identifiers at once.

Halves come in the order of their times. An identifier is in one of four states:

* none: nothing is known. The first half makes it wait, until its time + `wait`.
* waiting: some sides are here, not both request and response. After its time is over they are `unjoined`.
* pair: request and response are here, the label is not. After `label_wait` they go on without it.
* finished: joined. For another `wait` a second half of any side is a `duplicate`, a label that was missing `unjoined`.

A second half of a side that is here is a `duplicate` in every state. The states of different identifiers do not touch
each other, so the k-th half that changes a state is taken for all identifiers at once: as many rounds as the
identifier with the most changes has, which is one for each side as a rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from monitor.sources.joining.finished import Finished
from monitor.sources.joining.groups import NOTHING, GroupRows, Groups
from monitor.sources.joining.sides import ALL, LABEL, NAMES, NEVER, PAIR, Bytes, Hashes, Longs, Mask, Terms

_NONE, _WAITING, _PAIRED, _FINISHED = range(4)
_LABEL_BIT = np.uint8(1 << LABEL)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Halves in the order in which they count; each of shape (n,).

    Attributes:
        first, second: hashes of their identifiers. sides: 0, 1, 2. times: microseconds, rising.
        references: see `Halves`.
    """

    first: Hashes
    second: Hashes
    sides: Bytes
    times: Longs
    references: Longs

    def __len__(self) -> int:
        """Number of halves."""
        return len(self.times)


@dataclass
class Leaving:
    """What has come to its end.

    Attributes:
        rows: references of joined halves by side, -1 for a missing label; int64, shape (n, 3), in parts.
        moments: when each row was complete, or its wait for a label over; int64, shape (n,), in parts.
        late: 1 for the latter.
        duplicates, unjoined, evicted: references, in parts.
    """

    rows: list[Longs] = field(default_factory=list)
    moments: list[Longs] = field(default_factory=list)
    late: list[Bytes] = field(default_factory=list)
    duplicates: list[Longs] = field(default_factory=list)
    unjoined: list[Longs] = field(default_factory=list)
    evicted: list[Longs] = field(default_factory=list)

    def emit(self, halves: Longs, moments: Longs, *, late: bool) -> None:
        """Rows that go on."""
        self.rows.append(halves)
        self.moments.append(moments)
        self.late.append(np.full(len(moments), late, np.uint8))

    def __bool__(self) -> bool:
        """Whether anything leaves."""
        return any(
            len(p) for parts in (self.rows, self.duplicates, self.unjoined, self.evicted) for p in parts
        )

    @property
    def all_rows(self) -> tuple[Longs, Longs, Bytes]:
        """Rows, moments and which of them are late, each as one array."""
        rows = np.concatenate([np.empty((0, len(NAMES)), np.int64), *self.rows])
        moments = np.concatenate([np.empty(0, np.int64), *self.moments])
        return rows, moments, np.concatenate([np.empty(0, np.uint8), *self.late])


@dataclass
class Table:
    """All identifiers of a lane.

    Attributes:
        groups: those that wait. finished: those that were joined lately. terms: how long each lasts.
        clock: everything due before is over; microseconds.
    """

    terms: Terms
    groups: Groups
    finished: Finished
    clock: int = NEVER

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.groups.nbytes + self.finished.nbytes

    def take_in(self, arrivals: Arrivals, leaving: Leaving) -> None:
        """Let halves come."""
        if len(arrivals):
            block = _Block(arrivals, self, leaving)
            block.run()
            block.write_back()

    def expire(self, leaving: Leaving) -> None:
        """Let go what has waited for too long."""
        self._let_go(self.groups.due(self.clock), leaving, leaving.unjoined)

    def evict(self, share: float, leaving: Leaving) -> None:
        """Let go a share of what waits: what would be over first."""
        rows = self.groups.living
        order = np.argsort(self.groups.take(rows).due, kind="stable")
        self._let_go(rows[order[: int(np.ceil(share * len(rows)))]], leaving, leaving.evicted)

    def _let_go(self, places: Longs, leaving: Leaving, lost: list[Longs]) -> None:
        """Pairs go on without a label, single halves are lost."""
        if not len(places):
            return
        rows = self.groups.take(places)
        self.groups.kill(places)
        whole = (rows.seen & PAIR) == PAIR
        pairs, rest = rows.take(np.flatnonzero(whole)), rows.halves[~whole]
        leaving.emit(pairs.halves, pairs.due, late=True)
        unlabelled = np.zeros(len(pairs), bool)
        self.finished.put(pairs.first, pairs.second, pairs.due + self.terms.wait, unlabelled, self.clock)
        lost.append(rest[rest != NOTHING])


class _Block:
    """One block of arrivals, by identifier, and the states of these identifiers."""

    def __init__(self, arrivals: Arrivals, table: Table, leaving: Leaving) -> None:
        order = np.argsort(arrivals.first, kind="stable")
        first, second = arrivals.first[order], arrivals.second[order]
        change = np.concatenate([[True], (first[1:] != first[:-1]) | (second[1:] != second[:-1])])
        begins = np.flatnonzero(change)
        self.table, self.terms, self.leaving = table, table.terms, leaving
        self.owner = np.cumsum(change) - 1
        self.sides, self.times = arrivals.sides[order], arrivals.times[order]
        self.references = arrivals.references[order]
        self.place = table.groups.find(first[begins], second[begins])
        self._load(first[begins], second[begins])

    def _load(self, first: Hashes, second: Hashes) -> None:
        """The states before the block."""
        here = np.flatnonzero(self.place >= 0)
        rows = GroupRows.empty(len(first))
        rows.put(here, self.table.groups.take(self.place[here]))
        rows.first, rows.second = first, second
        state = np.where((rows.seen & PAIR) == PAIR, _PAIRED, _WAITING)
        state[self.place < 0] = _NONE
        away = np.flatnonzero(self.place < 0)
        until, labelled = self.table.finished.find(first[away], second[away])
        known = until != NEVER
        joined = away[known]
        state[joined] = _FINISHED
        rows.due[joined] = until[known]
        rows.seen[joined] = np.where(labelled[known], ALL, PAIR)
        self.rows, self.state = rows, state.astype(np.uint8)
        self.touched = np.zeros(len(first), bool)

    def run(self) -> None:
        """Round by round, until no half is left."""
        left = np.arange(len(self.times))
        while len(left):
            owner = self.owner[left]
            again = self._again(left, owner)
            number = np.where(again, len(self.times), np.arange(len(left)))
            begins = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
            changing = np.minimum.reduceat(number, begins)
            before = np.repeat(changing, np.diff(np.append(begins, len(left))))
            places = np.arange(len(left))
            self.leaving.duplicates.append(self.references[left[places < before]])
            self._change(left[changing[changing < len(self.times)]])
            left = left[places > before]

    def _again(self, places: Longs, owner: Longs) -> Mask:
        """Halves whose side is here already, while that counts."""
        seen = self.rows.seen[owner] >> self.sides[places] & 1
        return np.asarray((seen != 0) & (self.times[places] <= self.rows.due[owner]))

    def _change(self, places: Longs) -> None:
        """One half each of different identifiers, each of which changes a state."""
        owner, times = self.owner[places], self.times[places]
        self._end(owner, times)
        again = self._again(places, owner)
        self.leaving.duplicates.append(self.references[places[again]])
        places, owner, times = places[~again], owner[~again], times[~again]
        state, bits = self.state[owner], np.left_shift(np.uint8(1), self.sides[places])
        over = state == _FINISHED
        self.leaving.unjoined.append(self.references[places[over]])
        self.rows.seen[owner] |= bits
        self.touched[owner[over]] = True
        places, owner, times, state = places[~over], owner[~over], times[~over], state[~over]
        self.rows.halves[owner, self.sides[places]] = self.references[places]
        new = state == _NONE
        self.rows.due[owner[new]] = times[new] + self.terms.wait
        self.state[owner[new]] = _WAITING
        self._complete(owner[~new], times[~new])

    def _end(self, owner: Longs, times: Longs) -> None:
        """Identifiers whose time is over when their next half comes."""
        rows, over = self.rows, times > self.rows.due[owner]
        paired = owner[over & (self.state[owner] == _PAIRED)]
        self.leaving.emit(rows.halves[paired], rows.due[paired], late=True)
        self._finish(paired, rows.due[paired])
        waiting = owner[over & (self.state[owner] == _WAITING)]
        lost = rows.halves[waiting]
        self.leaving.unjoined.append(lost[lost != NOTHING])
        self._forget(waiting)
        self._forget(owner[(times > rows.due[owner]) & (self.state[owner] == _FINISHED)])

    def _complete(self, owner: Longs, times: Longs) -> None:
        """Identifiers that have got one more side."""
        seen = self.rows.seen[owner]
        paired = (seen & PAIR) == PAIR
        whole = paired & (((seen & _LABEL_BIT) != 0) | (not self.terms.labels))
        owners = owner[whole]
        self.leaving.emit(self.rows.halves[owners], times[whole], late=False)
        self._finish(owners, times[whole])
        pairs = paired & ~whole
        self.state[owner[pairs]] = _PAIRED
        self.rows.due[owner[pairs]] = times[pairs] + self.terms.label_wait

    def _finish(self, owner: Longs, moments: Longs) -> None:
        self.state[owner] = _FINISHED
        self.rows.due[owner] = moments + self.terms.wait
        self.rows.halves[owner] = NOTHING
        self.touched[owner] = True

    def _forget(self, owner: Longs) -> None:
        self.state[owner] = _NONE
        self.rows.seen[owner] = 0
        self.rows.halves[owner] = NOTHING

    def write_back(self) -> None:
        """The states after the block."""
        rows, open_ = self.rows, (self.state == _WAITING) | (self.state == _PAIRED)
        here = self.place >= 0
        kept, gone = np.flatnonzero(here & open_), np.flatnonzero(here & ~open_)
        self.table.groups.update(self.place[kept], rows.take(kept))
        self.table.groups.kill(self.place[gone])
        self.table.groups.insert(rows.take(np.flatnonzero(~here & open_)))
        done = np.flatnonzero((self.state == _FINISHED) & self.touched)
        labelled = (rows.seen[done] & _LABEL_BIT) != 0
        self.table.finished.put(
            rows.first[done], rows.second[done], rows.due[done], labelled, self.table.clock
        )
