"""The polling thread: owns the consumer, keeps its place in the group, and hands what it fetches to the loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

import structlog
from kafka.errors import KafkaError

from monitor.sources.base import SourceError
from monitor.sources.kafka.backpressure import Backpressure
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.client import Client, TopicPartition
from monitor.sources.kafka.client_options import consumer_options
from monitor.sources.kafka.handover import Committed
from monitor.sources.kafka.ledger import Ledger
from monitor.sources.kafka.membership import Membership
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.placing import Placing
from monitor.sources.kafka.recovery import Recovery
from monitor.sources.kafka.sampling import Sampling
from monitor.sources.kafka.watching import Watching
from sinks.kafka.client_log import listen

log = structlog.get_logger()

POLL_MS = 500
BUSY_MS = 20
"""Time of a poll while partitions are paused or about to be settled."""

LEAST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 2.0
LEAVE_SECONDS = 6.0
"""So long a member that ends waits for a group that is changing: nobody may commit to it meanwhile."""

COMMIT_SECONDS = 1.0
"""Between two looks at whether Kafka lacks an offset."""


class Reader:
    """Polls until it is stopped; makes the consumer anew when it cannot go on.

    Attributes:
        failure: why reading cannot go on, for sources that end instead of waiting.
    """

    def __init__(
        self,
        options: KafkaSource,
        monitor: str,
        me: str,
        channel: Channel,
        sampling: Sampling | None = None,
    ) -> None:
        """Make it; nothing happens before `start`."""
        self.options, self.monitor, self.channel = options, monitor, channel
        self.group = options.group_of(monitor)
        self.failure: SourceError | None = None
        self.ledger = Ledger(channel)
        self.watching = Watching(options)
        self.reconnects = 0
        self._me, self._sampling = me, sampling
        self._stop = Event()
        self._thread = Thread(target=self._run, name=f"kafka-{monitor}", daemon=True)
        self._client: Client | None = None
        self._member_id = ""
        self._epoch = -1
        self._next_commit = 0.0

    @property
    def client(self) -> Client:
        """The client; there is one while `_serve` runs."""
        assert self._client is not None  # noqa: S101 - see above
        return self._client

    def start(self) -> None:
        """Begin; well if it runs."""
        if self._thread.ident is None:
            self._thread.start()

    @property
    def died(self) -> bool:
        """The thread has ended although nobody wanted it to."""
        return self._thread.ident is not None and not self._thread.is_alive() and not self._stop.is_set()

    def stop(self, seconds: float) -> None:
        """Tell Kafka the last offsets, leave the group, end the thread."""
        self._stop.set()
        if self._client is not None:
            self.membership.closing = True
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        self.log = listen(self.options, self.monitor)
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._connect()
                self._serve()
            except Exception as error:  # noqa: BLE001 - whatever it was: say so, and try again
                if self._stop.is_set():
                    break
                failures = 0 if time.monotonic() - began > 10 * LONGEST_PAUSE_SECONDS else failures + 1
                self._fail(error)
                self._stop.wait(min(LONGEST_PAUSE_SECONDS, LEAST_PAUSE_SECONDS * 2 ** min(failures - 1, 5)))
            finally:
                self._disconnect()
        self.log.close()

    @property
    def paused(self) -> int:
        """Partitions that are not fetched because too much of them waits."""
        return 0 if self._client is None else len(self._backpressure.paused)

    @property
    def fast_path(self) -> float:
        """1 while records are unpacked in blocks."""
        client = self._client
        return float(client is not None and client.unpacking.mode == "fast")

    @property
    def group_settled(self) -> float:
        """1 while offsets can be committed, or there is no group."""
        client = self._client
        return float(self.group is None or (client is not None and bool(client.membership()[0])))

    def is_out_of_touch(self) -> bool:
        """The coordinator has not been heard for so long that the partitions may be somebody else's."""
        client = self._client
        if self.group is None:
            return False
        return client is None or time.monotonic() - client.heard() > self.options.session_timeout

    def _connect(self) -> None:
        client = Client(consumer_options(self.options, self.monitor, self.group), self._sampling)
        self.membership = Membership(
            self.monitor, lambda: self.client, self.ledger, self.options.rebalance_timeout
        )
        self._placing = Placing(self.options, self._me, client, self.ledger)
        self._recovery = Recovery(client, self.channel, self.ledger)
        self._backpressure = Backpressure(client, self.ledger, self._recovery.blocked)
        self._epoch, self.failure = -1, None
        self.watching.begin(client)
        self._client = client  # from here on other threads look at it, and at what belongs to it
        if self.options.partitions:
            wanted = self.options.partitions.items()
            client.assign(TopicPartition(topic, number) for topic, ns in wanted for number in ns)
        else:
            client.subscribe(self.options.topic_names, self.options.pattern, self.membership)
            client.rejoin_as(self._member_id)

    def _serve(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self._look_at_assignment()
            fresh = self.membership.holdings.fresh
            settled = bool(fresh) and self._placing.settle(fresh, self._epoch)
            self._commit(began)
            self._backpressure.make_room(fresh)
            found = self._poll(BUSY_MS if fresh or self.paused or self.channel.lost else POLL_MS)
            self._watch(began)  # first: who takes rows must know which other partitions hold some
            if found is not None:
                self._hand_over(found)
            self._placing.look_at_others(began, self._epoch)
            if settled or found:
                self.log.clear()

    def _poll(self, milliseconds: int) -> dict[TopicPartition, list[Messages]] | None:
        """What came; None when something was in the way that has been dealt with."""
        try:
            return self.client.poll(milliseconds)
        except Exception as error:
            if not self._recovery.handle(error, self.membership.holdings.fresh, self._epoch):
                raise
            return None

    def _look_at_assignment(self) -> None:
        """Partitions that are new here, or whose place is no longer right, are to be settled."""
        assigned = self.client.assignment()
        fresh = self.membership.holdings.fresh
        self.ledger.keep(assigned - fresh)
        fresh &= assigned
        if self._epoch != self.channel.epoch:
            self._epoch = self.channel.epoch
            self.ledger.lines.clear()
            self._placing.go_back()
        for partition in assigned - fresh - self.ledger.lines.keys():
            self.client.hold(partition)
            fresh.add(partition)
        for partition in self._placing.recreated():
            self.client.hold(partition)
            fresh.add(partition)

    def _hand_over(self, found: dict[TopicPartition, list[Messages]]) -> None:
        """Pieces to the loop; of partitions whose topic was just made anew nothing is believed."""
        recreated = self._placing.recreated()
        pieces: list[Piece] = []
        for partition in self.ledger.lines.keys() - self.membership.holdings.fresh - recreated:
            place = self.client.place(partition)
            if partition in found:
                pieces += self.ledger.pieces(partition, found[partition], place)
            elif place is not None and (piece := self.ledger.moved(partition, place)) is not None:
                pieces.append(piece)
        if pieces:
            self.channel.put(self._epoch, pieces)
            self.watching.fetched(pieces)

    def tell_kafka(self) -> None:
        """Commit what the state holds, at once and without waiting; any thread may call this."""
        client = self._client
        if client is not None and client.grouped:
            with suppress(RuntimeError):  # the client is being closed
                client.soon(lambda: self._tell(client))

    def _tell(self, client: Client) -> None:
        """On the client's thread, as the listener is: one commit follows the other in the order of their offsets."""
        if self.channel.lost or not client.membership()[0]:
            return
        if offsets := self._due(client):
            client.commit_soon(offsets, lambda well: self.ledger.confirm(offsets) if well else None)

    def _due(self, client: Client) -> dict[TopicPartition, Committed]:
        """What the state holds and Kafka lacks, of the partitions that are read here."""
        return self.ledger.due(client.assignment() - self.membership.holdings.fresh)

    def _commit(self, now: float) -> None:
        """Once more what Kafka has not confirmed."""
        if now >= self._next_commit:
            self._next_commit = now + COMMIT_SECONDS
            self.tell_kafka()

    def _watch(self, began: float) -> None:
        """How things stand, for the loop and for people."""
        self.watching.note_generation(self.client, began, self.membership.holdings)
        if self.watching.is_stuck(self.client):
            raise TimeoutError("the consumer group does not settle")
        fresh = self.membership.holdings.fresh
        self.channel.see(self.watching.sights(self.client, self.ledger, fresh), self._epoch)
        errors = (self._placing.trouble if fresh else None, self._recovery.trouble)
        self.watching.look(self.client, self.log, fresh, errors)

    def _fail(self, error: Exception) -> None:
        told = self.log.explain(error)
        self.watching.fail(told)
        self.failure = SourceError(told.message, told.hint)
        if told.cause == "other":
            log.warning("kafka client failed", monitor=self.monitor, error=repr(error), exc_info=error)
        self.channel.see({})

    def _disconnect(self) -> None:
        """Leave; what is not in the state is read again by whoever comes next."""
        client = self._client
        if client is None:
            return
        self.membership.closing, self._member_id = True, client.member_id
        if not self._stop.is_set():
            self.reconnects += 1
            self.channel.lose("the connection was made anew")
        leave: Callable[[], None]
        for leave in (lambda: self._last_commit(client), client.close):
            try:
                leave()
            except Exception as error:  # noqa: BLE001 - it is over either way
                log.debug("kafka client did not close well", monitor=self.monitor, error=repr(error))
        self._client = None
        self.ledger.lines.clear()

    def _last_commit(self, client: Client) -> None:
        """Tell Kafka what the state holds; who ends for good waits for a group that is just changing."""
        if not client.grouped:
            return
        deadline = time.monotonic() + (LEAVE_SECONDS if self._stop.is_set() else 0.0)
        while offsets := self._due(client):
            can = client.is_connected() and not self.channel.lost
            with suppress(KafkaError):  # the group may have begun to change in this very moment
                if can and client.membership()[0]:
                    client.commit(offsets)
                    self.ledger.confirm(offsets)
                    return
            if not can or time.monotonic() > deadline:
                unconfirmed = self.ledger.unconfirmed(offsets)
                log.warning("last offsets are not in Kafka", monitor=self.monitor, unconfirmed=unconfirmed)
                return
            with suppress(KafkaError):
                client.poll(BUSY_MS)
