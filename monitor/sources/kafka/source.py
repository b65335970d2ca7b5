"""Kafka topics as one stream of rows: the loop's side."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from monitor.clock import MICROSECONDS
from monitor.decode.decoder import Decoder
from monitor.decode.registry import value_reader
from monitor.records import RecordBatch
from monitor.sources.base import PartitionsLostError, Position, SourceError, SourceReport, Store
from monitor.sources.kafka.ahead import Ahead
from monitor.sources.kafka.awaited import Awaited
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.decoded import Rows
from monitor.sources.kafka.lag import measure
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.places import Places
from monitor.sources.kafka.reader import Reader
from monitor.sources.kafka.reporting import report
from monitor.sources.kafka.rows import Direct, route_of
from monitor.sources.kafka.sampling import Sampling
from monitor.sources.kafka.sights import unread_of

BATCH_ROWS = 8192
BATCH_BYTES = 2 * 2**20
"""What is decoded together, of all partitions."""

STOP_SECONDS = 12.0
SAMPLED_OUT = "sampled_out"
OVERLAP = "overlap"
_MEMBER, _ID = "member", b"id"


class KafkaStream:
    """The source: takes the next piece from the partition whose newest row so far is the oldest."""

    def __init__(
        self,
        options: KafkaSource,
        decoder: Decoder,
        monitor: str,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the stream; nothing is read before the first poll.

        Args:
            options: of the source.
            decoder: of the records.
            monitor: whose source it is.
            wall: seconds since the epoch.
            monotonic: the clock of the client, seconds.
        """
        self._options, self._decoder, self._monitor = options, decoder, monitor
        self._wall = wall
        self._values = value_reader(options.format, options.registry)
        self._route = route_of(options, decoder, self._values, monitor)
        self._channel = Channel(options.buffer_bytes, always=options.join is not None)
        reading = self._route.read if isinstance(self._route, Direct) else None
        self._ahead = Ahead(self._channel, reading, monitor)
        self._me = secrets.token_hex(6)
        self._saved_id = False
        self._awaited = Awaited(options, monitor, monotonic)
        self._reader: Reader | None = None
        self._places = Places()
        self._overlap: Counter[str] = Counter()
        self._taken_bytes = self._taken_records = 0
        self._given_up: frozenset[str] = frozenset()
        self._finished = False

    # The loop asks for rows.

    def poll(self, timeout_seconds: float) -> RecordBatch | None:
        """The next rows; see `Source.poll`."""
        reader = self._started()
        if self._channel.lost:
            raise PartitionsLostError(
                self._channel.lost, "no record is lost: they are read again by their owner"
            )
        if reader.is_out_of_touch():
            return None  # what is taken now could not be committed
        if leaving := self._channel.leaving - self._given_up:
            return self._give_up(leaving)
        if self._options.join is not None and not self._channel.sights:
            self._channel.wait(timeout_seconds)
            return None  # nobody knows yet which partitions hold something for the halves that wait
        name = self._choose()
        if name is None and timeout_seconds > 0 and not self._read_up:
            self._channel.wait(timeout_seconds)
            name = self._choose()
        return self._rest() if name is None else self._taken(name)

    def _give_up(self, leaving: frozenset[str]) -> RecordBatch:
        """What waits of partitions goes with them; the state remembers it, in case that they come back."""
        ends = {name: self._places[name].place for name in leaving if name in self._places}
        self._route.give_up(ends)
        for name, note in self._route.notes(ends).items():
            self._places[name] = replace(self._places[name], given=note)
        self._given_up |= leaving
        rows = self._route.rest(self._unread, ended=False)
        return self._batch(rows or self._route.empty(min(leaving)), [])

    def _taken(self, name: str) -> RecordBatch | None:
        """The next messages of a partition, as rows; those after them are decoded meanwhile."""
        work = self._ahead.take(name, *self._most)
        if work is None:
            return None
        pieces = work.pieces
        for piece in (piece for piece in pieces if piece.begins):
            self._route.assigned(piece.begins)
        try:
            rows = self._route.take(name, pieces, self._unread, work.known())
        except SourceError:
            self._channel.put_back(work.epoch, name, pieces)
            raise
        self._places[name] = pieces[-1].after
        for piece in pieces:
            if piece.messages:
                self._taken_bytes += piece.size
                self._taken_records += len(piece.messages) + piece.messages.sampled_out
        self._ahead.begin(self._order, *self._most)
        return self._batch(rows, pieces)

    def _rest(self) -> RecordBatch | None:
        """Rows that are complete without new messages; at the end of a replay what is left."""
        reader, ended = self._started(), self._read_up
        rows = self._route.rest(self._unread, ended=ended)
        if rows is not None:
            self._channel.take_note()
            return self._batch(rows, [])
        self._finished = ended
        if not self._options.follow and not ended:
            self._raise_trouble(reader)
        return None

    def _raise_trouble(self, reader: Reader) -> None:
        """Who reads to the end does not wait for what may never come."""
        if reader.failure is not None:
            raise reader.failure
        trouble = reader.watching.trouble
        if trouble.message and not self._channel.sights:
            raise SourceError(trouble.message, trouble.hint)

    def _started(self) -> Reader:
        if self._reader is not None and self._reader.died:
            self._channel.lose("the polling thread has ended")
            self._reader = None
        if self._reader is None:
            sampling = Sampling.of(self._options, self._decoder.plan)
            self._reader = Reader(self._options, self._monitor, self._me, self._channel, sampling)
            self._reader.start()
        return self._reader

    def _choose(self) -> str | None:
        """Of the partitions with something to take the one whose newest row is the oldest."""
        return next(iter(self._order()), None)

    def _order(self) -> list[str]:
        """The partitions with something to take, those first whose newest row is the oldest."""
        waiting = self._channel.waiting()
        if not self._options.follow:
            waiting += [name for name, sight in self._channel.sights.items() if sight.unread]
        if self._options.join is not None:
            ahead = self._route.ahead(self._unread)
            waiting = [name for name in waiting if name not in ahead]
        return sorted(waiting, key=lambda name: (self._route.reached(name), name))

    @property
    def _most(self) -> tuple[int, int]:
        """Rows and bytes of a batch; a join takes piece by piece."""
        return (BATCH_ROWS, BATCH_BYTES) if self._options.join is None else (1, 1)

    def _batch(self, rows: Rows, pieces: Sequence[Piece]) -> RecordBatch:
        outcomes = Counter(rows.outcomes)
        outcomes[SAMPLED_OUT] += sum(p.messages.sampled_out for p in pieces if p.messages is not None)
        for piece in pieces:
            outcomes[OVERLAP] += piece.overlap
            self._overlap[_topic(piece.name)] += piece.overlap
        return RecordBatch(
            frame=rows.decoded.frame,
            position=self._places.position,
            rejects=rows.rejects,
            unknown=dict(rows.decoded.unknown),
            absent=rows.decoded.absent,
            partition=rows.partition,
            outcomes={outcome: number for outcome, number in outcomes.items() if number},
            gaps=tuple(gap for piece in pieces for gap in piece.gaps),
        )

    def seek(self, position: Position) -> None:
        """Go on from a position; see `Source.seek`."""
        self._places = Places(position)
        self._given_up, self._finished = frozenset(), False
        self._channel.go_back(self._places)

    @property
    def exhausted(self) -> bool:
        """Everything up to the ends that were seen at the start has been read; never true while it follows."""
        return self._read_up and self._finished

    @property
    def _read_up(self) -> bool:
        """Nothing will come any more."""
        sights = self._channel.sights
        if self._options.follow or not sights or self._channel.waiting():
            return False
        return not any(sight.unread for sight in sights.values())

    @property
    def _unread(self) -> frozenset[str]:
        """Partitions of which something waits here, or is still to be fetched."""
        unread = unread_of(self._channel.sights, joined=self._options.join is not None)
        return frozenset((*self._channel.waiting(), *unread))

    @property
    def behind(self) -> frozenset[str]:
        """Names under which rows are still to come."""
        return self._route.behind(self._unread | self._awaited.of(self._places, self._channel.sights))

    @property
    def assigned(self) -> frozenset[str]:
        """Names under which rows may come at any time: none while it reads to known ends."""
        return self._route.behind(frozenset(self._channel.sights if self._options.follow else ()))

    @property
    def size_bytes(self) -> tuple[int, int]:
        """(taken so far, known in all); what is still to come is taken to be like what came."""
        places = self._places
        sights = self._channel.sights.items()
        rest = sum(max(0, (s.end or 0) - places[n].place) for n, s in sights if n in places)
        size = self._taken_bytes // self._taken_records if self._taken_records else 1
        return self._taken_bytes, self._taken_bytes + rest * size

    def close(self) -> None:
        """Tell Kafka the last offsets and leave the group."""
        if self._reader is not None:
            self._reader.stop(STOP_SECONDS)
        self._ahead.close()
        self._values.close()

    # The loop commits.

    def listen(self, wake: Callable[[], None]) -> None:
        """See `SharedSource.listen`."""
        self._channel.wake = wake

    @property
    def commit_wanted(self) -> bool:
        """A partition is being given up."""
        leaving = self._channel.leaving
        return bool(leaving) and leaving <= self._given_up

    def before_commit(self) -> None:
        """See `SharedSource.before_commit`."""
        if self._channel.lost:
            raise PartitionsLostError(self._channel.lost)
        if self._reader is not None and self._channel.dirty and self._reader.is_out_of_touch():
            self._channel.lose("the group's coordinator was not heard within the session timeout")
            raise PartitionsLostError(self._channel.lost)

    def committed(self, position: Position | None) -> None:
        """The state is durable: Kafka is told, partitions that are given up go."""
        self._saved_id = True
        places = {} if position is None else self._places
        ends = {n: places[n].offset for n in {*self._channel.sights, *self._given_up} if n in places}
        self._channel.commit(places, self._route.notes(ends), self._given_up)
        self._given_up = frozenset()
        if self._reader is not None:
            self._reader.tell_kafka()

    def save(self, store: Store) -> None:
        """The id under which this daemon is known to the others, and what waits in a join."""
        self._route.save(store)
        if not self._saved_id:
            store.put(_MEMBER, [(_ID, self._me.encode())])

    def load(self, store: Store) -> None:
        """See `save`."""
        self._route.load(store)
        if (saved := dict(store.load(_MEMBER)).get(_ID)) is not None:
            self._me, self._saved_id = saved.decode(), True

    def report(self) -> SourceReport:
        """Lag, counters and trouble."""
        if self._reader is None:
            return SourceReport(began=False)
        lag = measure(self._channel.sights, self._places, round(self._wall() * MICROSECONDS))
        return report(lag, self._reader, self._route, self._overlap)


def _topic(name: str) -> str:
    return name.rpartition("/")[0]
