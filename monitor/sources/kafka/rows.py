"""From messages to rows: decoded as they are, or joined from several topics first."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.decode.assembly import Decoded
from monitor.decode.decoder import Decoder
from monitor.decode.formats import ValueReader
from monitor.records import TIME
from monitor.sources.base import Store
from monitor.sources.joining.join import Join
from monitor.sources.kafka.channel import Piece
from monitor.sources.kafka.decoded import Read, Rows
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.options import KafkaSource

NEVER = -(2**63)


class Route(ABC):
    """How messages become rows.

    Attributes:
        records, seconds: decoded so far, by topic, and the time it took.
    """

    def __init__(self, decoder: Decoder, values: ValueReader, weight: float) -> None:
        self._decoder, self._values, self._weight = decoder, values, weight
        self.records: Counter[str] = Counter()
        self.seconds = 0.0

    def empty(self, name: str) -> Rows:
        """No rows of a partition."""
        topic, _, number = name.rpartition("/")
        return Rows(name, self._decoder.messages(Messages.empty(topic, int(number))))

    @abstractmethod
    def take(
        self, name: str, pieces: Sequence[Piece], behind: frozenset[str], read: Read | None = None
    ) -> Rows:
        """Messages of one partition in; perhaps rows out.

        Args:
            name: of the partition.
            pieces: in their order.
            behind: assigned partitions with unread messages.
            read: what the pieces say, where that is known.

        Raises:
            SourceError: a schema cannot be had now; nothing was taken.
        """

    @abstractmethod
    def rest(self, behind: frozenset[str], *, ended: bool) -> Rows | None:
        """Rows that have become complete without new messages. `ended`: nothing will come any more."""

    @abstractmethod
    def reached(self, name: str) -> int:
        """Event time that a partition has reached, microseconds; without one its messages' time."""

    @abstractmethod
    def ahead(self, behind: frozenset[str]) -> frozenset[str]:
        """Partitions that must wait for others."""

    @abstractmethod
    def behind(self, behind: frozenset[str]) -> frozenset[str]:
        """Names under which rows are still to come."""

    @abstractmethod
    def assigned(self, names: Iterable[str]) -> None:
        """These partitions are read here, no others."""

    @abstractmethod
    def give_up(self, ends: Mapping[str, int]) -> None:
        """Partitions go to somebody else; `ends`: their first offsets that were not taken."""

    @abstractmethod
    def notes(self, ends: Mapping[str, int]) -> dict[str, str]:
        """What the next owner of each partition must know beside the offset."""

    @abstractmethod
    def save(self, store: Store) -> None:
        """Keep what waits in the state."""

    @abstractmethod
    def load(self, store: Store) -> None:
        """Take up what was kept."""

    @abstractmethod
    def gauges(self) -> dict[str, float]:
        """Figures for the metrics."""

    def unjoined(self) -> dict[str, int]:
        """Halves of a join whose other half did not come, by topic."""
        return {}


def route_of(options: KafkaSource, decoder: Decoder, values: ValueReader, monitor: str) -> Route:
    """The way that a source's options ask for."""
    if options.join is None:
        return Direct(decoder, values, options.weight)
    join = Join(
        options.join,
        monitor=monitor,
        values=values,
        max_record_bytes=options.max_record_bytes,
        beside=bool(decoder.plan.beside),
    )
    return Joining(decoder, values, join, options.weight)


class Direct(Route):
    """Each message is a record, or holds some."""

    def __init__(self, decoder: Decoder, values: ValueReader, weight: float) -> None:
        super().__init__(decoder, values, weight)
        self._newest: dict[str, int] = {}

    def read(self, several: Sequence[Sequence[Piece]]) -> list[Read]:
        """Decode pieces, each time of one partition; remembers nothing of them.

        Raises:
            SourceError: a schema cannot be had now.
        """
        began = time.monotonic()
        wholes = [
            Messages.concat([m for piece in pieces if (m := piece.messages) is not None and len(m)])
            for pieces in several
        ]
        found = self._decoder.several(wholes, self._values, weight=self._weight)
        second = (time.monotonic() - began) / sum(map(len, wholes))
        return [
            Read(decoded, self._newest_of(whole, decoded), len(whole), second * len(whole))
            for whole, decoded in zip(wholes, found, strict=True)
        ]

    def _newest_of(self, whole: Messages, decoded: Decoded) -> int | None:
        newest: Any = decoded.frame[TIME].max() if self._decoder.timed else whole.timestamps.max()
        return None if newest is None else int(newest)

    def take(
        self,
        name: str,
        pieces: Sequence[Piece],
        behind: frozenset[str],  # noqa: ARG002 - see `ahead`
        read: Read | None = None,
    ) -> Rows:
        """See `Route.take`."""
        if not any(piece.full for piece in pieces):
            return self.empty(name)
        read = read or self.read([pieces])[0]
        self.seconds += read.seconds
        self.records[name.rpartition("/")[0]] += read.messages
        if read.newest is not None:
            self._newest[name] = max(read.newest, self._newest.get(name, NEVER))
        return Rows(name, read.decoded, tuple(read.decoded.rejects), read.decoded.outcomes)

    def reached(self, name: str) -> int:
        """See `Route.reached`."""
        return self._newest.get(name, NEVER)

    def rest(self, behind: frozenset[str], *, ended: bool) -> None:
        """Nothing waits."""

    def ahead(self, behind: frozenset[str]) -> frozenset[str]:  # noqa: ARG002 - they do not depend on each other
        """See `Route.ahead`."""
        return frozenset()

    def behind(self, behind: frozenset[str]) -> frozenset[str]:
        """See `Route.behind`."""
        return behind

    def assigned(self, names: Iterable[str]) -> None:
        """Nothing waits that could belong to others."""

    def give_up(self, ends: Mapping[str, int]) -> None:
        """Nothing waits."""

    def notes(self, ends: Mapping[str, int]) -> dict[str, str]:  # noqa: ARG002 - nothing waits
        """See `Route.notes`."""
        return {}

    def save(self, store: Store) -> None:
        """Nothing waits."""

    def load(self, store: Store) -> None:
        """Nothing was kept."""

    def gauges(self) -> dict[str, float]:
        """See `Route.gauges`."""
        return {}


class Joining(Route):
    """Rows are put together from the messages of several topics."""

    def __init__(self, decoder: Decoder, values: ValueReader, join: Join, weight: float) -> None:
        super().__init__(decoder, values, weight)
        self._join = join

    def take(
        self,
        name: str,
        pieces: Sequence[Piece],
        behind: frozenset[str],
        read: Read | None = None,  # noqa: ARG002 - a join reads its messages when all parts are there
    ) -> Rows:
        """See `Route.take`."""
        for piece in pieces:
            if piece.adopted is not None:
                self._join.adopt(name, piece.after.offset, piece.adopted)
            if piece.messages is not None and len(piece.messages):
                self._join.push(piece.messages)
                self.records[piece.messages.topic] += len(piece.messages)
        return self.rest(behind | {name}, ended=False) or self.empty(name)

    def rest(self, behind: frozenset[str], *, ended: bool) -> Rows | None:
        """See `Route.rest`."""
        began = time.monotonic()
        joined = self._join.next(behind, ended=ended)
        if joined is None:
            return None
        decoded = self._decoder.messages(joined.messages, weight=self._weight, sides=joined.sides)
        rejects = (*joined.rejects, *joined.placed(decoded.rejects))
        outcomes = Counter(joined.outcomes)
        outcomes.update(decoded.outcomes)
        self.seconds += time.monotonic() - began
        return Rows(joined.partition, decoded, rejects, outcomes)

    def reached(self, name: str) -> int:
        """See `Route.reached`."""
        return self._join.reached(name)

    def ahead(self, behind: frozenset[str]) -> frozenset[str]:
        """See `Route.ahead`."""
        return self._join.ahead(behind)

    def behind(self, behind: frozenset[str]) -> frozenset[str]:
        """See `Route.behind`."""
        return self._join.partitions_behind(behind)

    def assigned(self, names: Iterable[str]) -> None:
        """See `Route.assigned`."""
        self._join.keep(names)

    def give_up(self, ends: Mapping[str, int]) -> None:
        """See `Route.give_up`."""
        self._join.give_up(ends)

    def notes(self, ends: Mapping[str, int]) -> dict[str, str]:
        """See `Route.notes`."""
        return self._join.notes(ends)

    def save(self, store: Store) -> None:
        """See `Route.save`."""
        self._join.save(store)

    def load(self, store: Store) -> None:
        """See `Route.load`."""
        self._join.load(store)

    def unjoined(self) -> dict[str, int]:
        """See `Route.unjoined`."""
        return self._join.unjoined

    def gauges(self) -> dict[str, float]:
        """See `Route.gauges`."""
        return {
            "join_waiting": float(self._join.waiting_halves),
            "join_waiting_bytes": float(self._join.waiting_bytes),
        }
