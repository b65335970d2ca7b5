"""What goes wrong. Each fault is put right again before its function returns, or soon after."""

from collections.abc import Callable

import numpy as np
from confluent_kafka import Producer

from monitor.records import Gap
from tests.system.kafka_faults.scene import Scene
from tests.system.kafka_faults.writer import PARTITIONS

TRANSACTION_ROWS = 40
SESSION_SECONDS = 6
"""After that a daemon that does not answer is put out of its group."""

Fault = Callable[[Scene, np.random.Generator], None]


def kill_daemon(scene: Scene, rng: np.random.Generator) -> None:
    """SIGKILL for a daemon at any moment, and a new start."""
    scene.let_count(rng)
    member = scene.member(rng)
    scene.kill(member)
    scene.moment(rng, 0, 2)
    member.start()


def stop_daemon(scene: Scene, rng: np.random.Generator) -> None:
    """SIGTERM for a daemon, and a new start."""
    scene.let_count(rng)
    member = scene.member(rng)
    member.stop()
    scene.moment(rng, 0, 2)
    member.start()


def pause_daemon(scene: Scene, rng: np.random.Generator) -> None:
    """SIGSTOP for a daemon, for a moment."""
    _pause(scene, rng, (0.0, 2.0))


def pause_daemon_long(scene: Scene, rng: np.random.Generator) -> None:
    """SIGSTOP for a daemon until its group has gone on without it."""
    _pause(scene, rng, (SESSION_SECONDS + 1.0, SESSION_SECONDS + 3.0))


def _pause(scene: Scene, rng: np.random.Generator, seconds: tuple[float, float]) -> None:
    scene.let_count(rng)
    member = scene.member(rng)
    member.pause()
    if seconds[0] > SESSION_SECONDS:
        scene.note_ahead(member)
    scene.moment(rng, *seconds)
    member.resume()


def absent_daemon(scene: Scene, rng: np.random.Generator) -> None:
    """A daemon that ends and stays away while the others go on with its partitions."""
    member = scene.member(rng)
    member.stop()
    scene.moment(rng, 1, 6)
    member.start()


def kill_broker(scene: Scene, rng: np.random.Generator) -> None:
    """SIGKILL for a broker, and a new start."""
    broker = scene.broker(rng)
    broker.kill()
    scene.moment(rng, 0, 3)
    broker.start()


def stop_broker(scene: Scene, rng: np.random.Generator) -> None:
    """A broker is ended in its own way, and started again."""
    broker = scene.broker(rng)
    broker.stop()
    scene.moment(rng, 0, 3)
    broker.start()


def pause_broker(scene: Scene, rng: np.random.Generator) -> None:
    """SIGSTOP for a broker: connections stay open, nobody answers."""
    broker = scene.broker(rng)
    broker.pause()
    scene.moment(rng, 0, 8)
    broker.resume()


def delete_unread(scene: Scene, rng: np.random.Generator) -> None:
    """Records are deleted while nobody reads: what was not counted is a gap, exactly."""
    for member in scene.members:
        scene.kill(member)
    scene.moment(rng, 0, 1)
    begin = scene.delete(rng)
    for partition, offset in begin.items():
        if (counted := scene.position(partition)) < offset:
            scene.expected_gaps.append(Gap(f"{scene.topic}/{partition}", counted, offset, "retention"))
    for member in scene.members:
        member.start()
    scene.wait_behind(begin)


def delete_while_reading(scene: Scene, rng: np.random.Generator) -> None:
    """Records are deleted while the daemons read."""
    scene.wait_behind(scene.delete(rng))


def transaction(scene: Scene, rng: np.random.Generator) -> None:
    """A transaction among the other records: committed, aborted, or left open until a successor of its producer comes.

    Nobody relies on the broker's own time limit for that: a broker that was killed may forget it. What it confirms it
    has still to write to the partitions: one that is stopped before may never do so, and nobody can read on.
    """
    end = ("commit", "abort", "leave")[int(rng.integers(3))]
    scene.told.append(end)
    scene.transactions += 1
    settings = {"bootstrap.servers": scene.kafka.address, "transaction.timeout.ms": 2_000, "log_level": 0}
    settings["transactional.id"] = f"{scene.topic}-{scene.transactions}"
    producer = Producer(settings)
    producer.init_transactions(60)
    producer.begin_transaction()
    for _ in range(TRANSACTION_ROWS):
        number = max(0, scene.writer.written - 1 - int(rng.integers(100)))
        producer.produce(scene.topic, scene.lines[number], partition=int(rng.integers(PARTITIONS)))
    producer.flush(60)
    scene.moment(rng, 0, 1)
    if end == "commit":
        producer.commit_transaction(60)
    elif end == "abort":
        producer.abort_transaction(60)
    else:
        scene.moment(rng, 0, 3)
        Producer(settings).init_transactions(60)
    scene.wait_stable()


ALONE: dict[Fault, float] = {
    kill_daemon: 3,
    stop_daemon: 1,
    pause_daemon: 1,
    kill_broker: 1,
    stop_broker: 1,
    pause_broker: 1,
    delete_unread: 1,
    delete_while_reading: 1,
    transaction: 2,
}
"""Faults for one daemon and its brokers, with how often each comes."""

_OF_RECORDS = {delete_unread, delete_while_reading, transaction}

JOINING = {fault: often for fault, often in ALONE.items() if fault not in _OF_RECORDS}
"""Faults that leave every record where it is: each request finds its answer."""

CLEAN: dict[Fault, float] = {stop_daemon: 2, absent_daemon: 2, pause_daemon: 1}
"""Faults that take no daemon by surprise: partitions are handed over, nothing may count twice."""

GROUP: dict[Fault, float] = {
    kill_daemon: 3,
    stop_daemon: 1,
    absent_daemon: 1,
    pause_daemon_long: 2,
    kill_broker: 1,
}
"""Faults for daemons of one group."""
