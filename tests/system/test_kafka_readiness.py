"""What the real daemon says of each fault of Kafka, and that it goes on by itself when the cause goes away."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.brokers.broker import Broker
from tests.brokers.cluster import Cluster
from tests.brokers.operations import SECONDS, Operations, Record
from tests.brokers.secured import USERS, Secured
from tests.system.kafka_faults.member import ACCEPTED
from tests.system.observed import LASTS_SECONDS, MONITOR, RUNS, TROUBLE, Observed
from tests.system.process import write_log
from tests.thorough import NIGHTLY

pytestmark = [pytest.mark.system, pytest.mark.slow]

GROUP = f"driftd.{MONITOR}"
HALF, ALL = 150, 300
MINUTES = 240.0
"""A broker's longest absence, seconds; at night only."""

MIB = 2**20
ROOM = {"message_max_bytes": 20 * MIB, "batch_size": 20 * MIB, "compression_type": "none"}
"""For a producer of large messages and batches."""

Start = Callable[..., Observed]


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Records to write."""
    path = tmp_path_factory.mktemp("rows") / "rows.ndjson"
    write_log(path, ALL, seed=2)
    return path.read_bytes().splitlines()


@pytest.fixture
def start(topic: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a daemon over the topic; it is ended after the test."""
    write_log(tmp_path / "reference.ndjson", 2000, seed=1)
    started: list[Observed] = []

    def run(brokers: str, **source: Any) -> Observed:
        options = {"brokers": brokers, "topics": topic, **source}
        started.append(Observed(tmp_path / "daemon", options, tmp_path / "reference.ndjson"))
        started[-1].start()
        return started[-1]

    yield run
    for daemon in started:
        daemon.kill()


@pytest.fixture
def reading(start: Start, topic: str, rows: list[bytes]) -> Callable[..., Observed]:
    """Makes the topic with the first rows, and starts a daemon that has read them and is ready."""

    def read(kafka: Operations, partitions: int = 2, **config: str) -> Observed:
        kafka.create_topic(topic, partitions, config=config)
        spread(kafka, topic, rows[:HALF], partitions)
        daemon = start(kafka.address)
        daemon.until(lambda: daemon.accepted() == HALF and daemon.is_well())
        return daemon

    return read


def spread(kafka: Operations, topic: str, rows: list[bytes], partitions: int = 2) -> None:
    """Write rows round about the partitions; once each, also where a broker answers late."""
    records = [Record(row, partition=i % partitions) for i, row in enumerate(rows)]
    kafka.produce(topic, records, enable_idempotence=True)


@pytest.mark.kafka(needs={"durability"})
@pytest.mark.parametrize("seconds", [LASTS_SECONDS, *([MINUTES] if NIGHTLY else [])])
def test_broker_killed_and_started(
    seconds: float, broker: Broker, topic: str, rows: list[bytes], reading: Callable[..., Observed]
) -> None:
    """A broker that is away is told, and read on from when it is back."""
    daemon = reading(broker)
    broker.kill()
    daemon.suffers(f"nothing listens at {broker.address}", seconds)
    broker.start()
    spread(broker, topic, rows[HALF:])
    daemon.recovers(ALL)


@pytest.mark.kafka(needs={"durability"})
def test_broker_away_at_the_start(broker: Broker, topic: str, rows: list[bytes], start: Start) -> None:
    """A daemon that starts before its broker is not ready before it has read; it never says that it was."""
    broker.create_topic(topic, 2)
    broker.kill()
    daemon = start(broker.address)
    daemon.suffers(f"nothing listens at {broker.address}")
    assert "" not in daemon.reasons
    broker.start()
    spread(broker, topic, rows)
    daemon.recovers(ALL)


@pytest.mark.kafka(needs={"durability"})
def test_broker_that_hangs(
    broker: Broker, topic: str, rows: list[bytes], reading: Callable[..., Observed]
) -> None:
    """A broker whose connections stay open but that does not answer is told apart from one that is away."""
    daemon = reading(broker)
    broker.pause()
    daemon.suffers(f"{broker.address} is connected but does not answer")
    broker.resume()
    spread(broker, topic, rows[HALF:])
    daemon.recovers(ALL)


@pytest.mark.kafka(needs={"missing_topics"})
def test_missing_topic(broker: Broker, topic: str, rows: list[bytes], start: Start) -> None:
    """A topic that is not there yet is told, and read once somebody has made it."""
    daemon = start(broker.address)
    daemon.suffers(f"the topic {topic} does not exist")
    assert "" not in daemon.reasons
    broker.create_topic(topic, 2)
    spread(broker, topic, rows)
    daemon.recovers(ALL)


@pytest.mark.kafka
def test_more_than_a_fetch_takes(broker: Broker, topic: str, rows: list[bytes], start: Start) -> None:
    """A message and a batch that are larger than a fetch are read all the same; the daemon is ready all the while."""
    broker.create_topic(topic, config={"max.message.bytes": str(20 * MIB)})
    daemon = start(broker.address, buffer_bytes=MIB, group=None)
    daemon.until(daemon.is_well)
    daemon.reasons.clear()
    long = [row[:-1] + b',"note":"' + os.urandom(10_000).hex().encode() + b'"}' for row in rows]
    broker.produce(topic, [b"\n".join(long[:HALF])], **ROOM)
    broker.produce(topic, long[HALF:-10], **ROOM)
    broker.produce(topic, rows[-10:])
    daemon.until(lambda: daemon.is_well() and daemon.accepted() == ALL)
    assert {""} == set(daemon.reasons)
    assert [] == daemon.log_lines(TROUBLE)
    assert {ACCEPTED: ALL} == daemon.counts()


@pytest.mark.kafka
def test_leader_moves(
    cluster: Cluster, topic: str, rows: list[bytes], reading: Callable[..., Observed]
) -> None:
    """One of three brokers dies: while it is away the daemon is ready as soon as all partitions have leaders."""
    daemon = reading(cluster, 3)
    node = cluster.kill_leader_of(topic, 0)
    spread(cluster, topic, rows[HALF:], 3)
    daemon.until(lambda: daemon.accepted() == ALL and daemon.is_well())
    assert not cluster.brokers[node].runs
    assert cluster.leader_of(topic, 0) not in {-1, node}
    assert all(line["hint"] for line in daemon.log_lines(TROUBLE)), daemon.tail()
    cluster.heal()
    daemon.until(daemon.is_well)
    assert {ACCEPTED: ALL} == daemon.counts()


@pytest.mark.kafka
def test_partition_without_a_leader(cluster: Cluster, topic: str, rows: list[bytes], start: Start) -> None:
    """A partition whose only broker is away is named, the others are read on; it is read when the broker is back."""
    cluster.create_topic(topic, 3, replication=1, config={"min.insync.replicas": "1"})
    spread(cluster, topic, rows[:HALF], 3)
    daemon = start(cluster.address)
    daemon.until(lambda: daemon.accepted() == HALF and daemon.is_well())
    cluster.kill_leader_of(topic, 0)
    daemon.suffers(f"no leader is connected for {topic}/0")
    cluster.produce(topic, [Record(row, partition=1) for row in rows[HALF:-10]])
    daemon.until(lambda: daemon.accepted() == ALL - 10)
    daemon.until(lambda: daemon.is_down(f"no leader is connected for {topic}/0"))
    cluster.heal()
    cluster.produce(topic, [Record(row, partition=0) for row in rows[-10:]])
    daemon.recovers(ALL)


@pytest.mark.kafka
def test_wrong_password(
    secured_broker: Secured, topic: str, rows: list[bytes], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user whom the brokers do not know is told, and let in once they do."""
    secured_broker.broker.create_topic(topic, 2)
    secured_broker.allow("erin", topic=topic, group=GROUP)
    monkeypatch.setenv("ERIN", "erins-secret")
    sasl = {"mechanism": "scram-sha-256", "username": "erin", "password": "${ERIN}"}
    daemon = start(secured_broker.addresses["sasl"], sasl=sasl)
    daemon.suffers("do not accept the user name or the password (SCRAM-SHA-256)")
    assert "" not in daemon.reasons
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    change = UserScramCredentialUpsertion("erin", info, b"erins-secret")
    for future in secured_broker.broker._admin.alter_user_scram_credentials([change]).values():
        future.result(SECONDS)
    spread(secured_broker.broker, topic, rows)
    daemon.recovers(ALL)
    assert "erins-secret" not in daemon.log.read_text()


@pytest.mark.kafka
def test_missing_rights(
    secured_broker: Secured, topic: str, rows: list[bytes], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right that was never given, and one that is taken away: told, and read on when it is there."""
    secured_broker.broker.create_topic(topic, 2)
    spread(secured_broker.broker, topic, rows[:HALF])
    secured_broker.allow("bob", group=GROUP)
    monkeypatch.setenv("BOB", USERS["bob"])
    sasl = {"mechanism": "scram-sha-512", "username": "bob", "password": "${BOB}"}
    daemon = start(secured_broker.addresses["sasl"], sasl=sasl)
    daemon.suffers(f"the topic {topic} may not be read")
    assert "" not in daemon.reasons
    secured_broker.allow("bob", topic=topic)
    daemon.recovers(HALF)
    secured_broker.forbid("bob")
    daemon.suffers(f"may not use the topic {topic}")
    secured_broker.allow("bob", topic=topic, group=GROUP)
    spread(secured_broker.broker, topic, rows[HALF:])
    daemon.recovers(ALL)


@pytest.mark.kafka
def test_expired_certificate(secured_broker: Secured, topic: str, rows: list[bytes], start: Start) -> None:
    """A broker's certificate that has expired is told, and a new one taken."""
    secured_broker.broker.create_topic(topic, 2)
    secured_broker.allow("ANONYMOUS", topic=topic, group=GROUP)
    authority = {"ca": str(secured_broker.authority.certificate)}
    daemon = start(secured_broker.addresses["expired"], tls=authority)
    daemon.suffers("has expired")
    assert "" not in daemon.reasons
    secured_broker.renew()
    spread(secured_broker.broker, topic, rows)
    daemon.recovers(ALL)


@pytest.mark.kafka(needs={"delete_records", "out_of_range"})
def test_records_gone_while_it_was_away(
    broker: Broker, topic: str, rows: list[bytes], reading: Callable[..., Observed]
) -> None:
    """What retention took while the daemon was stopped is told by the log, an alert, the API and the metrics."""
    daemon = reading(broker, 1)
    daemon.stop()
    broker.produce(topic, rows[HALF:])
    broker.delete_records(topic, {0: ALL - 10})
    daemon.start()
    daemon.until(lambda: len(daemon.log_lines(RUNS)) == 2 and daemon.accepted() == 10)
    daemon.until(daemon.is_well)
    gap = {"partition": f"{topic}/0", "start": HALF, "end": ALL - 10, "reason": "retention"}
    lost = ALL - 10 - HALF
    (line,) = daemon.log_lines("records are missing in the source")
    assert gap == {key: line[key] for key in gap}
    assert line["hint"]
    (alert,) = json.loads(daemon.answer("/api/v1/alerts")[1])["alerts"]
    assert ("source", "firing") == (alert["cause"], alert["state"])
    assert f"{topic}/0" in alert["summary"]
    assert f"{lost} records" in alert["columns"][0]["detail"]
    (monitor,) = json.loads(daemon.answer("/api/v1/monitors")[1])["monitors"]
    assert [{**gap, "records": lost, "bytes": 0}] == monitor["source"]["gaps"]
    assert lost == daemon.sample("driftd_source_gap_records_total", reason="retention")
    assert {ACCEPTED: HALF + 10} == daemon.counts()
