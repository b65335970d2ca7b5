"""Kafka topics as one stream of rows: the loop's side."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping

from monitor.clock import MICROSECONDS
from monitor.decode.assembly import Decoded
from monitor.decode.decoder import Decoder
from monitor.decode.registry import value_reader
from monitor.records import TIME, RecordBatch
from monitor.sources.base import PartitionsLostError, Position, SourceError, SourceReport, Store
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.lag import measure
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.reader import Reader

BATCH_ROWS = 16_384
BATCH_BYTES = 8 * 2**20
STOP_SECONDS = 12.0
SAMPLED_OUT = "sampled_out"
OVERLAP = "overlap"
_MEMBER, _ID = "member", b"id"
_NEVER = -(2**63)


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
        self._wall, self._monotonic = wall, monotonic
        self._values = value_reader(options.format, options.registry)
        self._channel = Channel(options.buffer_bytes)
        self._me = secrets.token_hex(6)
        self._saved_id = False
        self._reader: Reader | None = None
        self._places: dict[str, Counted] = {}
        self._newest: dict[str, int] = {}
        self._last_times: dict[str, int] = {}
        self._overlap: Counter[str] = Counter()
        self._decoded: Counter[str] = Counter()
        self._decode_seconds = 0.0

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
        name = self._choose()
        if name is None and timeout_seconds > 0 and not self.exhausted:
            self._channel.wait(timeout_seconds)
            name = self._choose()
        if name is None:
            if not self._options.follow and reader.failure is not None:
                raise reader.failure
            return None
        epoch = self._channel.epoch
        pieces = self._channel.take(name, BATCH_ROWS, BATCH_BYTES)
        try:
            return self._batch(name, pieces) if pieces else None
        except SourceError:
            self._channel.put_back(epoch, name, pieces)
            raise

    def _started(self) -> Reader:
        if self._reader is None:
            self._reader = Reader(self._options, self._monitor, self._me, self._channel)
            self._reader.start()
        return self._reader

    def _choose(self) -> str | None:
        """Of the partitions with something to take the one whose newest row is the oldest."""
        waiting = self._channel.waiting()
        if not self._options.follow:
            waiting += [name for name, sight in self._channel.sights.items() if sight.unread]
        return min(waiting, key=lambda n: (self._newest.get(n, _NEVER), n), default=None)

    def _batch(self, name: str, pieces: list[Piece]) -> RecordBatch:
        messages = [piece.messages for piece in pieces if piece.messages is not None]
        decoded = self._decode(name, messages)
        self._places[name] = pieces[-1].after
        outcomes = Counter(decoded.outcomes)
        outcomes[SAMPLED_OUT] += sum(part.sampled_out for part in messages)
        outcomes[OVERLAP] += sum(piece.overlap for piece in pieces)
        self._overlap[_topic(name)] += outcomes[OVERLAP]
        return RecordBatch(
            frame=decoded.frame,
            position=Position({n: place.to_json() for n, place in self._places.items()}),
            rejects=tuple(decoded.rejects),
            unknown=dict(decoded.unknown),
            absent=decoded.absent,
            partition=name,
            outcomes={outcome: rows for outcome, rows in outcomes.items() if rows},
            gaps=tuple(gap for piece in pieces for gap in piece.gaps),
        )

    def _decode(self, name: str, messages: list[Messages]) -> Decoded:
        messages = [part for part in messages if len(part)]
        if not messages:
            topic, _, number = name.rpartition("/")
            return self._decoder.messages(Messages.empty(topic, int(number)))
        began = self._monotonic()
        whole = Messages.concat(messages)
        decoded = self._decoder.messages(whole, self._values, weight=self._options.weight)
        self._decode_seconds += self._monotonic() - began
        self._decoded[whole.topic] += len(whole)
        self._last_times[name] = int(whole.timestamps[-1])
        if TIME in decoded.frame.columns and decoded.frame.height:
            newest = int(decoded.frame[TIME].max())  # type: ignore[arg-type]
            self._newest[name] = max(newest, self._newest.get(name, _NEVER))
        return decoded

    def seek(self, position: Position) -> None:
        """Go on from a position; see `Source.seek`."""
        self._places = {name: Counted.from_json(saved) for name, saved in position.partitions.items()}
        self._channel.go_back(self._places)

    @property
    def exhausted(self) -> bool:
        """Everything up to the ends that were seen at the start has been read; never true while it follows."""
        if self._options.follow:
            return False
        sights = self._channel.sights
        return bool(sights) and not self._channel.waiting() and not any(s.unread for s in sights.values())

    @property
    def behind(self) -> frozenset[str]:
        """Partitions of which something waits here, or is still to be fetched from a leader that can be reached."""
        unread = (n for n, sight in self._channel.sights.items() if sight.unread and sight.reachable)
        return frozenset((*self._channel.waiting(), *unread))

    @property
    def size_bytes(self) -> tuple[int, int]:
        """Unknown."""
        return 0, 0

    def close(self) -> None:
        """Tell Kafka the last offsets and leave the group."""
        if self._reader is not None:
            self._reader.stop(STOP_SECONDS)
        self._values.close()

    # The loop commits.

    def listen(self, wake: Callable[[], None]) -> None:
        """See `SharedSource.listen`."""
        self._channel.wake = wake

    @property
    def commit_wanted(self) -> bool:
        """A partition is being given up."""
        return self._channel.commit_wanted

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
        if position is not None:
            self._channel.commit(self._places)
        else:
            self._channel.commit({})
        if self._reader is not None:
            self._reader.tell_kafka()

    def save(self, store: Store) -> None:
        """The id under which this daemon is known to the others."""
        if not self._saved_id:
            store.put(_MEMBER, [(_ID, self._me.encode())])

    def load(self, store: Store) -> None:
        """See `save`."""
        for key, value in store.load(_MEMBER):
            if key == _ID:
                self._me, self._saved_id = value.decode(), True

    def report(self) -> SourceReport:
        """Lag, counters and trouble."""
        reader = self._reader
        if reader is None:
            return SourceReport()
        counted = {n: (place.offset, self._last_times.get(n, -1)) for n, place in self._places.items()}
        lag = measure(self._channel.sights, counted, round(self._wall() * MICROSECONDS))
        watching = reader.watching
        return SourceReport(
            trouble=watching.trouble.message,
            hint=watching.trouble.hint,
            lag_records=lag.records,
            lag_seconds=lag.seconds,
            partition_lag=lag.partitions,
            assigned=lag.assigned,
            counters={**self._counters(reader)},
            gauges={
                "buffered_bytes": self._channel.bytes,
                "paused_partitions": reader.paused,
                "fast_path": reader.fast_path,
            },
        )

    def _counters(self, reader: Reader) -> Mapping[str, Mapping[str, float]]:
        return {
            "fetched_records": dict(reader.watching.records),
            "fetched_bytes": dict(reader.watching.bytes),
            "decoded_records": dict(self._decoded),
            "decode_seconds": {"": self._decode_seconds},
            "overlap_records": dict(self._overlap),
            "rebalances": {"": reader.rebalances},
            "reconnects": {"": reader.reconnects},
        }


def _topic(name: str) -> str:
    return name.rpartition("/")[0]
