"""Apache Kafka itself, in KRaft mode: each broker is its own controller, or one of three."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.brokers import jars
from tests.brokers.broker import Broker
from tests.brokers.process import free_ports

CLUSTER_ID = "ZHJpZnRkLXRlc3RzLTAwMQ"
HEAP = ("-Xmx320m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""A small heap, and no optimising compiler: its threads would take the cores from what is tested."""

SETTINGS: Mapping[str, object] = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "num.partitions": 1,
    "offsets.topic.num.partitions": 4,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    # A transaction that nobody ends is aborted soon after its own time limit.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "log.segment.delete.delay.ms": 1000,
    # Old event times are no reason to delete records.
    "log.retention.ms": -1,
    "log.message.timestamp.after.max.ms": 9223372036854775807,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "num.recovery.threads.per.data.dir": 1,
    "log.cleaner.threads": 1,
    "background.threads": 2,
    "num.replica.fetchers": 1,
    # A broker that was killed comes back only when the controller has missed it for so long.
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 500,
    # A broker that ends waits no longer than this for another leader.
    "controlled.shutdown.max.retries": 1,
}


class Apache(Broker):
    """One broker of Apache Kafka.

    Args:
        folder: for its data, settings and log. port: of its plain listener. node: its id.
        settings: beside `SETTINGS`, or instead of them. options: of the Java machine (`-Dname=value`).
        credentials: for SCRAM, as the storage tool takes them: `SCRAM-SHA-512=[name=alice,password=…]`.
    """

    kind: ClassVar[str] = "apache"

    def __init__(
        self,
        folder: Path,
        port: int,
        node: int = 1,
        *,
        settings: Mapping[str, object],
        options: tuple[str, ...] = (),
        credentials: tuple[str, ...] = (),
    ) -> None:
        self._options = options
        self._file = folder / "server.properties"
        super().__init__(folder, port)
        given = {"node.id": node, "log.dirs": folder / "data", **SETTINGS, **settings}
        self._file.write_text("".join(f"{name}={value}\n" for name, value in given.items()))
        self._credentials = [word for one in credentials for word in ("--add-scram", one)]

    def _java(self, *words: str) -> list[str]:
        return ["java", *HEAP, *self._options, "-cp", f"{jars.libraries()}/*", *words]

    def command(self) -> list[str]:
        """Java with a small heap."""
        level = "-Dorg.apache.logging.log4j.level=WARN"
        return self._java(level, "kafka.Kafka", str(self._file))

    def format(self) -> None:
        """Make its folder of data, once.

        Raises:
            RuntimeError: the storage tool failed; with what it said.
        """
        tool = [
            "kafka.tools.StorageTool",
            "format",
            "-t",
            CLUSTER_ID,
            "-c",
            str(self._file),
            *self._credentials,
        ]
        run = subprocess.run(self._java(*tool), capture_output=True, text=True, timeout=120, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"the storage tool failed: {run.stdout[-1000:]} {run.stderr[-2000:]}")


def alone(port: int, controller: int) -> dict[str, object]:
    """The settings of a broker that is its own controller, with one plain listener."""
    return {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
    }


def start(folder: Path, settings: Mapping[str, object] | None = None) -> Apache:
    """A broker on its own, running."""
    port, controller = free_ports(2)
    broker = Apache(folder, port, settings={**alone(port, controller), **(settings or {})})
    broker.format()
    broker.start()
    return broker
