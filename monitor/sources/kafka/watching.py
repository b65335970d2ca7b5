"""How reading stands: what hinders it, which partitions hold unread records, what has been fetched."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from monitor.sources.kafka.channel import Piece
from monitor.sources.kafka.client import Client, Place, TopicPartition, name_of
from monitor.sources.kafka.ledger import Ledger, Line
from monitor.sources.kafka.membership import Holdings
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.sights import Sight
from sinks.kafka.hints import Explanation

if TYPE_CHECKING:
    from sinks.kafka.client_log import ClientLog

GRACE_SECONDS = 1.5
"""A connection may be gone for so long before anybody is told."""

LOOK_SECONDS = 0.3
STUCK_SECONDS = 20.0
"""Beyond the rebalance timeout: a group that has not settled by then is joined anew."""

SILENT_SECONDS = 5.0
"""Fetches are answered twice a second also when there is nothing; a new group settles within three."""

SLEPT_SECONDS = 5.0
"""Between two looks at the partitions lies less, unless this process was stopped or waited for a broker."""

_WELL = Explanation("", "", "", passing=True)


class Watching:
    """Keeps what the loop is told; written by the polling thread, read by the loop.

    Attributes:
        trouble: what hinders reading; its message is empty when nothing does.
        began: whether nothing did at some time.
        records, bytes: fetched since the process began, by topic.
        rebalances: generations of the group that this member has joined.
    """

    def __init__(self, options: KafkaSource) -> None:
        self.trouble = _WELL
        self.began = False
        self.records: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.rebalances = 0
        self._options = options
        self._membership = ("", -1)
        self._connected_at = time.monotonic()
        self._trouble_since: dict[str, float] = {}
        self._seen: dict[TopicPartition, float] = {}
        self._next_look = 0.0
        self._looked_at = time.monotonic()
        self._settled_at = time.monotonic()

    def begin(self, client: Client) -> None:
        """A new client is there."""
        self._membership = client.membership()
        self._connected_at = self._settled_at = time.monotonic()
        self._trouble_since.clear()

    def fail(self, told: Explanation) -> None:
        """The client could not be made, or ended."""
        self.trouble = told

    def fetched(self, pieces: Iterable[Piece]) -> None:
        """Count what was handed over."""
        for piece in pieces:
            if piece.messages is not None:
                topic = piece.messages.topic
                self.records[topic] += len(piece.messages) + piece.messages.sampled_out
                self.bytes[topic] += piece.messages.fetched_bytes

    def note_generation(self, client: Client, began: float, holdings: Holdings) -> None:
        """In a new generation the coordinator knew this member when it joined."""
        now = client.membership()
        if now[0] and now != self._membership:
            client.joined(max(began, holdings.joined_at))
            self._membership = now
            self.rebalances += 1

    def is_stuck(self, client: Client) -> bool:
        """The group has not settled for longer than all its members may take."""
        return self._unsettled_seconds(client) > self._options.rebalance_timeout + STUCK_SECONDS

    def _unsettled_seconds(self, client: Client) -> float:
        now = time.monotonic()
        if not client.grouped or client.membership()[0] or not client.is_connected():
            self._settled_at = now
        return now - self._settled_at

    def sights(self, client: Client, ledger: Ledger, fresh: Iterable[TopicPartition]) -> dict[str, Sight]:
        """How each assigned partition stands."""
        now = time.monotonic()
        slept, self._looked_at = now - self._looked_at > SLEPT_SECONDS, now
        found: dict[str, Sight] = {}
        for partition in (*ledger.lines, *fresh):
            has_leader = client.has_leader(partition)
            if has_leader:
                self._seen[partition] = now
            if slept or not has_leader:
                client.forget_end(partition)
            reachable = now - self._seen.setdefault(partition, now) < self._options.unreachable
            line, place = ledger.lines.get(partition), client.place(partition)
            if line is None or place is None:
                found[name_of(partition)] = Sight(0, None, reachable)
            else:
                found[name_of(partition)] = _sight(line, place, reachable=reachable)
        self._seen = {p: at for p, at in self._seen.items() if name_of(p) in found}
        return found

    def look(
        self, client: Client, log: ClientLog, fresh: set[TopicPartition], errors: Iterable[Exception | None]
    ) -> None:
        """Set `trouble`; what heals within a moment is none, and what was told before lasts until nothing is wrong."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        if client.is_connected():
            self._connected_at = now
        if now - self._connected_at > GRACE_SECONDS:
            self.trouble = log.explain(None)
            return
        found = self._found(client, log, fresh, errors)
        lasting = {message: self._trouble_since.get(message, now) for message in found}
        self._trouble_since = lasting
        old = [message for message, since in lasting.items() if now - since > GRACE_SECONDS]
        if old:
            self.trouble = found[old[0]]
        elif not found:
            self.trouble, self.began = _WELL, True

    def _found(
        self, client: Client, log: ClientLog, fresh: set[TopicPartition], errors: Iterable[Exception | None]
    ) -> dict[str, Explanation]:
        """What is wrong now, the worst first."""
        told = [log.explain(error) for error in errors if error is not None]
        silent = ", ".join(sorted(b for b, seconds in client.silent().items() if seconds > SILENT_SECONDS))
        if silent:
            hint = "the broker's process may hang, or a firewall drops packets"
            told.append(
                Explanation("silent", f"{silent} is connected but does not answer", hint, passing=True)
            )
        if not client.assignment() and self._unsettled_seconds(client) > SILENT_SECONDS:
            told.append(_unsettled(client))
        told += [
            _explained(f"the topic {t} may not be read", "allow Describe and Read")
            for t in sorted(client.forbidden())
        ]
        missing = set(self._options.topic_names) - client.topics().keys() - client.forbidden()
        told += [
            _explained(f"the topic {t} does not exist", "create it, or correct its name")
            for t in sorted(missing)
        ]
        led = {p: client.has_leader(p) for p in (*client.assignment(), *fresh)}
        gone = sorted(name_of(p) for p, has in led.items() if not has)
        if gone:
            told.append(
                _explained(
                    f"no leader is connected for {', '.join(gone[:5])}", "see whether a broker is down"
                )
            )
        return {one.message: one for one in told}


def _sight(line: Line, place: Place, *, reachable: bool) -> Sight:
    """A partition that is read; while its end is not known, the last one that was serves for the lag."""
    if line.stop is not None:
        return Sight(line.reading.place, line.stop, reachable, line.begin)
    end = (line.reading.end or None) if place.end is None else place.end
    return Sight(line.reading.place, end, reachable, line.begin, current=place.end is not None)


def _unsettled(client: Client) -> Explanation:
    """Why a group does not settle."""
    if not client.has_coordinator():
        return _explained(
            f"no broker coordinates the group {client.group}", "see whether all brokers are well"
        )
    hint = "one that was killed or hangs is waited for until its session_timeout is over; later look at the brokers"
    return _explained(f"the group {client.group} waits for its other members", hint)


def _explained(message: str, hint: str) -> Explanation:
    return Explanation("", message, hint, passing=True)
