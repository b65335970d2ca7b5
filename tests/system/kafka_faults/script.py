"""A seeded run: records are written, things go wrong, and at the end everything has been counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from tests.brokers.broker import Broker
from tests.brokers.cluster import Cluster
from tests.brokers.operations import Record
from tests.system.kafka_faults.faults import SESSION_SECONDS, Fault
from tests.system.kafka_faults.ledger import Ledger
from tests.system.kafka_faults.member import ANSWERS, OVERLAP, Member, comes, wait_until
from tests.system.kafka_faults.scene import Scene
from tests.system.kafka_faults.writer import PARTITIONS, Writer
from tests.system.process import write_log

DAY = 86_400
RESTARTS = 3
"""Of a broker that keeps back what was committed."""

SOURCE = {"type": "kafka", "session_timeout": f"{SESSION_SECONDS}s", "unreachable": "10m"}
"""Options of the source; the leader of a partition may be away for as long as a fault lasts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a run is.

    Attributes:
        seed: of everything.
        rows: records to write.
        faults: how many.
        kinds: what may happen, with weights.
        members: how many daemons.
        disorder: how much older than others a row may be; where a partition waits for another daemon, much.
        rate: records written in a second while faults happen.
        joined: what was asked and what was answered are in topics of their own.
    """

    seed: int
    rows: int
    faults: int
    kinds: Mapping[Fault, float]
    members: int = 1
    disorder: str = "3h"
    rate: float = 2_500.0
    joined: bool = False

    def order(self, rng: np.random.Generator) -> list[Fault]:
        """The faults, in their order."""
        weights = np.array(list(self.kinds.values()), float)
        chosen = rng.choice(len(weights), self.faults, p=weights / weights.sum())
        return [list(self.kinds)[i] for i in chosen]


def play(plan: Plan, kafka: Broker | Cluster, topic: str, reference: Path, folder: Path) -> Scene:
    """Write, let things go wrong, and return when every record was counted and all daemons have ended.

    In the last third of the records amounts are larger and answers worse.
    """
    rng = np.random.default_rng(plan.seed)
    write_log(folder / "records.ndjson", plan.rows, plan.seed, break_at=plan.rows * 2 // 3)
    lines = (folder / "records.ndjson").read_bytes().splitlines()
    source = {**SOURCE, "brokers": kafka.address.split(","), "group": topic, **_topics(plan, kafka, topic)}
    members = [Member(folder / f"member-{i}", source, reference, plan.disorder) for i in range(plan.members)]
    answers = [answer(line) for line in lines] if plan.joined else []
    writer = Writer(kafka.address, topic, lines, plan.rate, answers)
    scene = Scene(kafka, members, writer, Ledger(kafka, topic), lines)
    try:
        for member in members:
            member.start()
        wait_until(scene.begun, members)
        for number, fault in enumerate(plan.order(rng), 1):
            scene.told.append(fault.__name__)
            writer.allow(plan.rows * number // (plan.faults + 1))
            fault(scene, rng)
        _finish(scene)
    except RuntimeError as error:
        held = {partition: rows[-1].offset for partition, rows in scene.ledger_now().items()}
        raise RuntimeError(f"after {' '.join(scene.told)}: {held} can be read, {error}") from error
    finally:
        writer.end()
        for member in members:
            member.kill()
    return scene


def _topics(plan: Plan, kafka: Broker | Cluster, topic: str) -> dict[str, object]:
    """Make the topics; what the source says of them."""
    kafka.create_topic(topic, PARTITIONS)
    if not plan.joined:
        return {"topics": [topic]}
    kafka.create_topic(topic + ANSWERS, PARTITIONS)
    sides = {"request": topic, "response": topic + ANSWERS}
    return {"join": {side: {"topic": name, "id": "$.id"} for side, name in sides.items()}}


def answer(line: bytes) -> bytes:
    """What a model says to a record, with the record's identifier."""
    whole = orjson.loads(line)
    return orjson.dumps({name: whole[name] for name in ("id", "prediction", "score")})


def _finish(scene: Scene) -> None:
    """Write the rest, and in each partition a record from a later day, which closes all windows.

    It is written once everything before it is counted: brokers answer one after the other, so a daemon that met it in
    one partition could not know yet what the others have got since they answered last, and that would be late by a day.
    """
    for member in scene.members:
        member.start()
    scene.writer.finish()
    last = orjson.loads(scene.lines[-1])
    _close(scene, {**last, "id": "nearly the end"})
    _close(scene, {**last, "id": "the end", "timestamp": last["timestamp"] + DAY})
    if len(scene.members) > 1 or scene.writer.joined:
        total = sum(len(rows) for rows in scene.ledger.rows.values())
        wait_until(lambda: scene.counted() - scene.counted(OVERLAP) == total, scene.members, 60)
    for member in scene.members:
        member.stop()


def _close(scene: Scene, record: dict[str, object]) -> None:
    """Write a record to each partition and wait until everything up to it is counted."""
    lines = {p: orjson.dumps({**record, "id": f"{record['id']} {p}"}) for p in range(PARTITIONS)}
    scene.kafka.produce(scene.topic, [Record(line, partition=p) for p, line in lines.items()])
    if scene.writer.joined:
        answers = [Record(answer(line), partition=p) for p, line in lines.items()]
        scene.kafka.produce(scene.topic + ANSWERS, answers)
    _wait_for(scene, lines)
    scene.wait_behind({partition: rows[-1].offset + 1 for partition, rows in scene.ledger.rows.items()})


def _wait_for(scene: Scene, last: Mapping[int, bytes]) -> None:
    """Until the last record of each partition can be read.

    Apache Kafka 4.3 was seen to leave a transaction open for good that was ended soon after a SIGKILL of its broker:
    nothing behind it can be read by any client until the broker is started anew, once or twice.
    """
    for _ in range(RESTARTS):
        if not isinstance(scene.kafka, Broker) or comes(lambda: scene.ledger.holds(last), 45):
            break
        scene.told.append("restart")
        scene.kafka.stop()
        scene.kafka.start()
    wait_until(lambda: scene.ledger.holds(last), scene.members)
