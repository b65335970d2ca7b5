"""Where reading of a partition begins: the stored offset, the committed one, or the configured start."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.records import Gap
from monitor.sources.kafka.handover import Committed, Counted, Handover, Note, settle

RECREATED = "recreated"
RETENTION = "retention"
TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Bounds:
    """First offset of a partition that is there, and the one after its last."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class TakeOver:
    """How a partition is begun.

    Attributes:
        counted: where reading begins, as the position's entry.
        note: goes to Kafka with that offset before anything is read; None when it stands there already.
        overlap: rows of this member's last turn that others have counted too.
        gaps: records that were lost with an older topic of this name.
        adopted: what the member before has left waiting (`Note.waiting`); None where this member's own state goes on.
    """

    counted: Counted
    note: Note
    overlap: int = 0
    gaps: tuple[Gap, ...] = ()
    adopted: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a partition when it is assigned.

    Attributes:
        name: `topic/3`.
        topic_id: of the topic as it is now; "" where the broker gives none.
        stored: this member's entry, if it has one. committed: what Kafka holds for the group, if anything.
    """

    name: str
    topic_id: str
    stored: Counted | None
    committed: Committed | None

    @property
    def recreated(self) -> bool:
        """The stored entry belongs to a topic that is gone."""
        return self.stored is not None and not _same(self.stored.topic_id, self.topic_id)

    @property
    def own(self) -> Counted | None:
        """The stored entry, where it belongs to the topic as it is now."""
        return None if self.recreated else self.stored

    @property
    def shared(self) -> Committed | None:
        """What Kafka holds, where it belongs to the topic as it is now."""
        good = self.committed is not None and _same(self.committed.note.topic_id, self.topic_id)
        return self.committed if good else None

    @property
    def unknown(self) -> bool:
        """Neither this member nor the group has read the topic."""
        return self.own is None and self.shared is None


def take_over(me: str, known: Known, start: int) -> TakeOver:
    """Where to begin.

    The member's own offset counts where nobody else has read since; otherwise the larger of its own and the committed
    one; `start` where there is neither.

    Args:
        me: this member's id.
        known: see there.
        start: offset by the configuration, or the beginning where the topic was made anew.
    """
    own, shared = known.own, known.shared
    note = shared.note if shared is not None else Note()
    note = replace(note, topic_id=known.topic_id)
    overlap = settle(me, own, shared).overlap if own is not None and shared is not None else 0
    gaps = _lost_with_topic(known)
    last = note.last
    if last is not None and last.by == me and shared is not None:
        adopted = (own.given or None) if own is not None and own.turn == note.number else note.waiting
        return TakeOver(_resumed(known, own, shared, last), note, overlap, gaps, adopted)
    committed = shared.offset if shared is not None else None
    offset = max((o for o in (own.offset if own else None, committed) if o is not None), default=start)
    handover = Handover(me, offset, offset if committed is None else committed)
    adopted = None if shared is None else note.waiting
    if last is None and own is not None and offset == own.offset:
        adopted = own.given or None  # a broker that keeps no notes, and nobody has read on
    return TakeOver(_entry(known, own, offset, note.number + 1), note.taken(handover), overlap, gaps, adopted)


def _resumed(known: Known, own: Counted | None, shared: Committed, last: Handover) -> Counted:
    """Nobody else came between: the own state is right, also where it is behind (after a truncated log)."""
    if own is not None and own.turn == shared.note.number:
        return replace(own, given="")
    offset = last.offset if own is None else max(own.offset, last.offset)
    return _entry(known, own, offset, shared.note.number)


def _entry(known: Known, own: Counted | None, offset: int, turn: int) -> Counted:
    if own is None or own.offset != offset:
        return Counted(offset, turn, known.topic_id, end=0 if own is None else own.end)
    return Counted(offset, turn, known.topic_id, own.epoch, own.end, time=own.time)


def _lost_with_topic(known: Known) -> tuple[Gap, ...]:
    """What of the topic before was not read; only its last reader tells."""
    stored = known.stored
    if not known.recreated or stored is None or not stored.turn:
        return ()
    return (Gap(known.name, stored.offset, max(stored.end, stored.offset), RECREATED),)


def out_of_range(name: str, offset: int, bounds: Bounds) -> tuple[int, Gap | None]:
    """Where reading goes on when the broker does not have an offset, and what is missing.

    Below the beginning: retention has taken records away. Above the end: the log has become shorter; what was read from
    the part that is gone cannot be taken back, and the gap names it.
    """
    if offset < bounds.begin:
        return bounds.begin, Gap(name, offset, bounds.begin, RETENTION)
    if offset > bounds.end:
        return bounds.end, Gap(name, bounds.end, offset, TRUNCATED)
    return offset, None


def _same(first: str, second: str) -> bool:
    return not first or not second or first == second
