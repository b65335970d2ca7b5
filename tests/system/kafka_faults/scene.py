"""Everything a script of faults acts on."""

import threading
from dataclasses import dataclass, field

import numpy as np
from confluent_kafka import IsolationLevel

from monitor.records import Gap
from tests.brokers.broker import Broker
from tests.brokers.cluster import Cluster
from tests.system.kafka_faults.ledger import Ledger, Row
from tests.system.kafka_faults.member import ACCEPTED, Member, wait_until
from tests.system.kafka_faults.writer import PARTITIONS, Writer


@dataclass
class Scene:
    """A topic, its brokers, the writer and the daemons.

    Attributes:
        kafka: one broker or three.
        members: the daemons.
        ledger: what the topic held.
        lines: all records.
        expected_gaps: gaps that must be reported.
        told: what was done, for a failure's message.
        ahead: rows that daemons had counted beyond the offset in Kafka when they were killed, or paused for longer than
            their session: at most these are counted twice.
        transactions: how many there were.
    """

    kafka: Broker | Cluster
    members: list[Member]
    writer: Writer
    ledger: Ledger
    lines: list[bytes]
    expected_gaps: list[Gap] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    ahead: int = 0
    transactions: int = 0

    @property
    def topic(self) -> str:
        """Where the records are."""
        return self.ledger.topic

    def counted(self, outcome: str = ACCEPTED) -> int:
        """Rows in all state files."""
        return sum(member.counts()[outcome] for member in self.members)

    def story(self) -> str:
        """What was done and what the daemons say, for a failure's message."""
        return "\n".join([" ".join(self.told), *(member.story() for member in self.members)])

    def begun(self) -> bool:
        """The daemons know every partition: what is deleted before that is no gap."""
        return {*range(PARTITIONS)} == {p for member in self.members for p in member.positions()}

    def ledger_now(self) -> dict[int, list[Row]]:
        """All records that can be read now."""
        self.ledger.catch_up()
        return self.ledger.rows

    def position(self, partition: int) -> int:
        """How far the daemons have come in a partition."""
        return max(member.positions().get(partition, 0) for member in self.members)

    def broker(self, rng: np.random.Generator) -> Broker:
        """The broker, or one of three: the leader of some partition."""
        if isinstance(self.kafka, Broker):
            return self.kafka
        return self.kafka.brokers[self.kafka.leader_of(self.topic, int(rng.integers(PARTITIONS)))]

    def member(self, rng: np.random.Generator) -> Member:
        """One of the daemons."""
        return self.members[int(rng.integers(len(self.members)))]

    def kill(self, member: Member) -> None:
        """SIGKILL for a daemon."""
        member.kill()
        self.note_ahead(member)

    def note_ahead(self, member: Member) -> None:
        """A daemon is taken by surprise: notes how far it was ahead of the offsets in Kafka."""
        if len(self.members) > 1:
            told = self.kafka.committed(self.topic, self.topic)
            ahead = (offset - told.get(partition, 0) for partition, offset in member.positions().items())
            self.ahead += sum(max(0, rows) for rows in ahead)

    @staticmethod
    def moment(rng: np.random.Generator, least_seconds: float, most_seconds: float) -> None:
        """Let some time go by: how long a fault lasts is a part of it."""
        threading.Event().wait(rng.uniform(least_seconds, most_seconds))

    def let_count(self, rng: np.random.Generator) -> None:
        """Let the daemons read a part of what can be read and was not."""
        part = rng.random()
        ends = {partition: rows[-1].offset + 1 for partition, rows in self.ledger_now().items()}
        before = {partition: self.position(partition) for partition in ends}
        self.wait_behind({p: at + int(max(0, ends[p] - at) * part) for p, at in before.items()})

    def delete(self, rng: np.random.Generator) -> dict[int, int]:
        """Delete records from the front of one or two partitions, at most what the ledger has.

        Returns:
            The new first offset of each.
        """
        self.writer.flush()
        self.ledger.catch_up()
        begin = self.kafka.begin_offsets(self.topic)
        before = {}
        for partition in map(int, rng.choice(PARTITIONS, int(rng.integers(1, 3)), replace=False)):
            rows = self.ledger.rows.get(partition, [])
            if rows and rows[-1].offset > begin[partition]:
                before[partition] = int(rng.integers(begin[partition] + 1, rows[-1].offset + 2))
        self.ledger.delete(before)
        return before

    def wait_behind(self, begin: dict[int, int]) -> None:
        """Until the daemons are behind some offsets."""
        wait_until(lambda: all(self.position(p) >= offset for p, offset in begin.items()), self.members)

    def wait_stable(self) -> None:
        """Until all that is in the topic now can be read: no transaction is open in it."""
        ends = self.kafka.end_offsets(self.topic)

        def stable() -> bool:
            reached = self.kafka.end_offsets(self.topic, isolation_level=IsolationLevel.READ_COMMITTED)
            return all(reached[partition] >= end for partition, end in ends.items())

        wait_until(stable, self.members)
