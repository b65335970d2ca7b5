"""Who read a partition when: the note beside a committed offset, and what two members have both counted.

Each member of a group keeps its own state. A member *takes over* a partition at some offset, and commits that offset
to Kafka, with a note, before it reads. After that it commits to its state first and to Kafka second, so that the
offset in Kafka (`committed`) is never beyond what the state holds (`counted`). When a member dies between the two
commits, the next one begins at `committed`, and the rows from there to `counted` are counted by both. The dead one
finds out how many when it sees the note again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

VERSION = 1
KEPT = 32
"""Hand-overs that a note holds: Kafka takes notes of 4,096 bytes by default."""


@dataclass(frozen=True, slots=True)
class Handover:
    """One member took the partition over.

    Attributes:
        by: the member's id.
        offset: where it began to read.
        committed: the offset that was committed then; smaller than `offset` when the member knew more itself.
    """

    by: str
    offset: int
    committed: int


@dataclass(frozen=True, slots=True)
class Note:
    """What stands beside a partition's committed offset.

    Attributes:
        topic_id: id of the topic that the offset belongs to; "" where the broker gives none.
        number: of the last hand-over, counted from 1.
        handovers: the last ones, oldest first.
        waiting: of a join, which messages before the offset are still to be counted.
    """

    topic_id: str = ""
    number: int = 0
    handovers: tuple[Handover, ...] = field(default=())
    waiting: str = ""

    def taken(self, handover: Handover) -> Note:
        """The note after one more hand-over."""
        return replace(self, number=self.number + 1, handovers=(*self.handovers, handover)[-KEPT:])

    @property
    def last(self) -> Handover | None:
        """The last hand-over."""
        return self.handovers[-1] if self.handovers else None

    def after(self, number: int) -> Sequence[Handover]:
        """Hand-overs after the one of this number, as far as they are still known."""
        later = self.number - number
        return self.handovers[-later:] if later > 0 else ()

    def to_text(self) -> str:
        """The note as it goes to Kafka."""
        entries = [[h.by, h.offset, h.committed] for h in self.handovers]
        value = {"v": VERSION, "topic": self.topic_id, "n": self.number, "handovers": entries}
        if self.waiting:
            value["waiting"] = self.waiting
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str | None) -> Note:
        """The note that `to_text` wrote; an empty one where somebody else wrote something."""
        try:
            value = json.loads(text or "")
            if value["v"] != VERSION:
                return cls()
            entries = tuple(Handover(str(by), int(at), int(done)) for by, at, done in value["handovers"])
            return cls(str(value["topic"]), int(value["n"]), entries, str(value.get("waiting", "")))
        except (ValueError, TypeError, KeyError):
            return cls()


@dataclass(frozen=True, slots=True)
class Committed:
    """What Kafka holds for a partition and a group."""

    offset: int
    note: Note = field(default=Note())


@dataclass(frozen=True, slots=True)
class Counted:
    """How far this member has counted a partition: an entry of its position.

    Attributes:
        offset: the first that is not counted.
        turn: number of the hand-over under which it was counted; 0 when what others have counted too is settled.
        topic_id: of the topic; "" where unknown. epoch: of the leader of the last record, -1 where unknown.
        end: end of the partition when it was last seen.
        again: messages before `offset` that still waited for a join are read again: the next of them, -1 for none.
        given: after the partition was given up, what still waited of it: `Note.waiting`.
        time: of the last record that is counted, microseconds since the epoch; -1 where unknown.
    """

    offset: int
    turn: int = 0
    topic_id: str = ""
    epoch: int = -1
    end: int = 0
    again: int = -1
    given: str = ""
    time: int = -1

    @property
    def place(self) -> int:
        """Where reading goes on."""
        return self.offset if self.again < 0 else self.again

    def moved(self, place: int) -> Counted:
        """The entry after everything up to a place has been read."""
        return replace(self, offset=max(self.offset, place), again=place if place < self.offset else -1)

    def to_json(self) -> dict[str, object]:
        """JSON values."""
        saved = {name: getattr(self, name) for name in ("offset", "turn", "topic_id", "epoch", "end")}
        saved |= {name: at for name in ("again", "time") if (at := getattr(self, name)) >= 0}
        return saved | ({"given": self.given} if self.given else {})

    @classmethod
    def from_json(cls, saved: dict[str, object]) -> Counted:
        """What `to_json` described."""
        numbers = {name: int(str(saved.get(name, missing))) for name, missing in _NUMBERS.items()}
        texts = {name: str(saved.get(name, "")) for name in ("topic_id", "given")}
        return cls(**numbers, **texts)  # type: ignore[arg-type]  # the names are those of the fields


_NUMBERS = {"offset": 0, "turn": 0, "epoch": -1, "end": 0, "again": -1, "time": -1}


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of rows that a member had counted beyond the committed offset.

    Attributes:
        overlap: rows that another member has counted as well.
        finally_known: nothing can be added to that any more.
    """

    overlap: int
    finally_known: bool


def settle(me: str, counted: Counted, committed: Committed) -> Settled:
    """Rows that this member counted in its last turn and others after it.

    The next member began at the offset that was committed then, this one had counted up to `counted.offset`. Those
    between the two are counted twice as soon as somebody has read them again; when this member itself came back
    first, those up to the offset that was committed at that time.

    Args:
        me: this member's id.
        counted: how far it has counted.
        committed: what Kafka holds now.
    """
    later = committed.note.after(counted.turn)
    others = [i for i, handover in enumerate(later) if handover.by != me]
    if not counted.turn or not others:
        return Settled(0, finally_known=not counted.turn)
    begun = later[others[0]].committed
    back = [handover.committed for handover in later[others[0] :] if handover.by == me]
    reached = back[0] if back else committed.offset
    overlap = max(0, min(counted.offset, reached) - begun)
    return Settled(overlap, finally_known=bool(back) or reached >= counted.offset)
