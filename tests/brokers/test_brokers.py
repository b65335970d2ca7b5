"""The brokers of the tests do what the tests that use them rely on."""

import contextlib
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brokers.broker import Broker
from tests.brokers.cluster import Cluster
from tests.brokers.operations import Operations, Record
from tests.brokers.process import free_ports

RECORDS = 1_000


def _numbered(count: int = RECORDS) -> list[Record]:
    return [
        Record(b"%d" % number, partition=number % 4, timestamp_ms=1_000 + number) for number in range(count)
    ]


@pytest.mark.kafka
@pytest.mark.integration
def test_records_come_back_as_written(kafka: Operations, topic: str) -> None:
    """Value, key, partition and time of each record are those that were given."""
    kafka.create_topic(topic, 4)
    kafka.produce(topic, [*_numbered(), Record(None, key=b"gone", partition=0, timestamp_ms=5)])
    held = list(kafka.held(topic))
    assert {(n % 4, 1_000 + n, b"%d" % n) for n in range(RECORDS)} == {
        (record.partition, record.timestamp_ms, record.value) for record in held if record.value is not None
    }
    assert [b"gone"] == [record.key for record in held if record.value is None]


@pytest.mark.kafka(needs={"delete_records"})
@pytest.mark.integration
def test_deleted_records_are_gone(kafka: Operations, topic: str) -> None:
    """A partition begins at the offset that records were deleted up to."""
    kafka.create_topic(topic, 4)
    kafka.produce(topic, _numbered())
    kafka.delete_records(topic, {0: 100, 3: 250})
    assert {0: 100, 1: 0, 2: 0, 3: 250} == kafka.begin_offsets(topic)
    assert dict.fromkeys(range(4), 250) == kafka.end_offsets(topic)
    assert RECORDS - 350 == sum(1 for _ in kafka.held(topic))


@pytest.mark.kafka(needs={"transactions"})
@pytest.mark.integration
def test_aborted_records_are_not_held(kafka: Operations, topic: str) -> None:
    """What a transaction wrote that was aborted is not among the committed records."""
    kafka.create_topic(topic)
    kafka.transaction(topic, [b"no"], commit=False, name=topic)
    kafka.transaction(topic, [b"yes"], commit=True, name=topic)
    assert [b"yes"] == [record.value for record in kafka.held(topic)]
    assert [b"no", b"yes"] == [record.value for record in kafka.held(topic, committed=False)]


@pytest.mark.kafka
@pytest.mark.integration
def test_a_deleted_topic_can_be_made_again(kafka: Operations, topic: str) -> None:
    """A topic of the same name begins from nothing."""
    for partitions in (4, 2):
        kafka.create_topic(topic, partitions)
        assert dict.fromkeys(range(partitions), 0) == kafka.end_offsets(topic)
        kafka.produce(topic, [b"x"])
        kafka.delete_topic(topic)


@pytest.mark.kafka(needs={"durability"})
@pytest.mark.integration
def test_a_killed_broker_comes_back_with_its_records(broker: Broker, topic: str) -> None:
    """On the same address, after SIGKILL, a pause and an end in its own way."""
    broker.create_topic(topic, 4)
    broker.produce(topic, _numbered())
    broker.kill()
    assert not broker.runs
    broker.start()
    broker.pause()
    assert broker.runs
    broker.resume()
    broker.stop()
    broker.start()
    assert RECORDS == sum(broker.end_offsets(topic).values())


@pytest.mark.kafka
@pytest.mark.integration
@pytest.mark.slow
def test_a_cluster_goes_on_without_one_broker(cluster: Cluster, topic: str) -> None:
    """The partitions of a killed broker get another leader, and no record is lost."""
    cluster.create_topic(topic, 4)
    cluster.produce(topic, _numbered())
    killed = cluster.kill_leader_of(topic, 0)
    cluster.produce(topic, _numbered())
    assert killed not in {cluster.leader_of(topic, partition) for partition in range(4)}
    assert 2 * RECORDS == sum(1 for _ in cluster.held(topic))


def _ends(pid: int) -> bool:
    """Whether a process that is not our child ends; waits for it."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            return bool(select.select([handle], [], [], 10)[0])
        finally:
            os.close(handle)
    return True


@pytest.mark.system
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_broker_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Also when that process is killed."""
    (port,) = free_ports(1)
    program = (
        "import os, pathlib, sys\n"
        "from tests.brokers.process import ServerProcess\n"
        f"server = ServerProcess([sys.executable, '-m', 'http.server', '{port}', '--bind', '127.0.0.1'], {port},"
        f" pathlib.Path({str(tmp_path)!r}) / 'log')\n"
        "server.launch(); server.wait_until_listening(); print(server.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False)
    assert -9 == run.returncode
    assert _ends(int(run.stdout))
