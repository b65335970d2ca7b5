"""Three brokers of Apache Kafka, of which one at a time may be killed."""

from collections.abc import Mapping
from pathlib import Path

from tests.brokers.apache import Apache
from tests.brokers.operations import Operations
from tests.brokers.process import free_ports

NODES = (1, 2, 3)
SETTINGS = {
    "default.replication.factor": 3,
    "min.insync.replicas": 2,
    "offsets.topic.replication.factor": 3,
    "transaction.state.log.replication.factor": 3,
    "transaction.state.log.min.isr": 2,
    # A killed broker is noticed soon; the defaults wait 9 and 30 seconds.
    "broker.session.timeout.ms": 3000,
    "replica.lag.time.max.ms": 5000,
    "controller.quorum.election.timeout.ms": 500,
    "controller.quorum.fetch.timeout.ms": 1000,
}


class Cluster(Operations):
    """Three brokers, each a controller too; topics have three replicas unless told otherwise.

    Attributes:
        brokers: node id -> broker. address: all three, with commas.
    """

    def __init__(self, folder: Path) -> None:
        ports = free_ports(2 * len(NODES))
        plain, control = ports[: len(NODES)], ports[len(NODES) :]
        voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in zip(NODES, control, strict=True))
        self.brokers = {
            node: Apache(
                folder / f"node-{node}",
                port,
                node,
                settings={
                    **SETTINGS,
                    "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                    "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
                    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                    "controller.quorum.voters": voters,
                },
            )
            for node, port, controller in zip(NODES, plain, control, strict=True)
        }
        super().__init__(",".join(broker.address for broker in self.brokers.values()))

    def start(self) -> None:
        """Format and run all three; return when they answer."""
        for broker in self.brokers.values():
            broker.format()
            broker.process.launch()
        self._wait_until_whole()

    def _wait_until_whole(self) -> None:
        for broker in self.brokers.values():
            broker.process.wait_until_listening(90)
        self.wait_for_brokers(len(NODES))

    def kill_leader_of(self, topic: str, partition: int) -> int:
        """Kill the broker that leads a partition; its node id."""
        node = self.leader_of(topic, partition)
        self.brokers[node].kill()
        return node

    def heal(self) -> None:
        """Undo what a test did: all three run and know each other."""
        for broker in self.brokers.values():
            broker.resume()
            if not broker.runs:
                broker.process.launch()
        self._wait_until_whole()

    def create_topic(
        self,
        topic: str,
        partitions: int = 1,
        *,
        replication: int = 3,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """Make a topic with three replicas, unless told otherwise."""
        super().create_topic(topic, partitions, replication=replication, config=config)

    def remove(self) -> None:
        """End all three at once and delete their data."""
        for broker in self.brokers.values():
            broker.remove()
