"""Requests, responses and labels in topics of their own: each identifier counts once, whatever happens to members."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.operations import Operations, Record
from tests.integration.kafka.member_process import MemberProcess
from tests.integration.kafka.members import Member, row, total, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

STEP_MS = 2
HOUR_MS = 3_600_000
OUTCOMES = ("accepted", "duplicate", "unjoined", "evicted", "handed_over", "rejected", "late", "tombstone")


class Traffic:
    """Numbered requests and what follows them, an hour ago; one in ten is not answered, one in nine answered twice."""

    def __init__(self, kafka: Operations, topic: str, partitions: tuple[int, int, int]) -> None:
        """Make the topics with so many partitions."""
        self._kafka = kafka
        self._start = int(time.time() * 1000) - HOUR_MS
        self.topics = [f"{topic}.{side}" for side in ("requests", "responses", "labels")]
        self._partitions = partitions
        for name, count in zip(self.topics, partitions, strict=True):
            kafka.create_topic(name, count)
        self.expected: Counter[str] = Counter()

    def source(self, **more: Any) -> dict[str, Any]:
        """Options of the source."""
        request, response, label = ({"topic": name} for name in self.topics)
        join = {"request": request, "response": response, "label": label, "wait": "5m", "label_wait": "5m"}
        group = self.topics[0]
        return {
            "brokers": self._kafka.address,
            "group": group,
            "session_timeout": "6s",
            "join": {**join, **more},
        }

    def produce(self, numbers: Iterable[int], *, sides: tuple[int, ...] = (0, 1, 2)) -> None:
        """Write what belongs to some identifiers: all requests first, then all responses, then all labels."""
        numbers = list(numbers)
        answered = [i for i in numbers if i % 10]
        twice = [i for i in answered if i % 9 == 0]
        labelled = [i for i in numbers if i % 2]
        if 0 in sides:
            self._write(0, ((i, 0, row(i)) for i in numbers))
        if 1 in sides:
            self._write(1, ((i, 100, b'{"y":0.5}') for i in sorted(answered + twice)))
        if 2 in sides:
            self._write(2, ((i, 2_000, b'{"y":0.5}') for i in labelled))
            self.expected["accepted"] += len(answered)
            self.expected["duplicate"] += len(twice)
            self.expected["unjoined"] += len(numbers) - len(answered)
            self.expected["unjoined"] += sum(not i % 10 for i in labelled)

    def finish(self) -> None:
        """One more message in each partition, much later, so that everything before is over."""
        for side, count in enumerate(self._partitions):
            late = [(-1 - number, HOUR_MS // 2, row(0)) for number in range(count)]
            records = [
                Record(value, b"end-%d-%d" % (side, number), number, timestamp_ms=self._start + delay)
                for number, (_, delay, value) in enumerate(late)
            ]
            self._kafka.produce(self.topics[side], records)

    def _write(self, side: int, entries: Iterable[tuple[int, int, bytes]]) -> None:
        records = [
            Record(
                value, b"%d" % i, i % self._partitions[side], timestamp_ms=self._start + i * STEP_MS + delay
            )
            for i, delay, value in entries
        ]
        self._kafka.produce(self.topics[side], records)


@pytest.fixture
def members() -> Iterator[list[Member]]:
    """The members of a test; they are stopped after it."""
    found: list[Member] = []
    yield found
    for member in found:
        member.stop()


def outcomes(members: Iterable[Member]) -> Counter[str]:
    """What all members have counted."""
    members = list(members)
    return +Counter({name: total(members, name) for name in OUTCOMES})


def test_topics_with_different_partitions_and_a_restart(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """One daemon joins topics of 4, 2 and 1 partitions; a half that was read before a restart finds its other half."""
    traffic = Traffic(kafka, topic, (4, 2, 1))
    members.append(Member(tmp_path / "a", traffic.source()))
    traffic.produce(range(3000))
    traffic.produce(range(3000, 6000), sides=(0,))
    until(lambda: members[0].outcome() > 1000 and not members[0].lag())
    members.pop().stop()
    traffic.produce(range(3000, 6000), sides=(1, 2))
    members.append(Member(tmp_path / "a", traffic.source()))
    until(lambda: members[0].assigned() and not members[0].lag())
    traffic.finish()
    until(lambda: outcomes(members).total() >= traffic.expected.total())
    members[0].stop()
    assert traffic.expected == outcomes(members)


def test_a_sample_holds_whole_rows(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """What is kept by identifier finds its other half; what is left out is counted, half by half."""
    traffic = Traffic(kafka, topic, (2, 2, 2))
    source = {**traffic.source(), "sampling": {"rate": 0.25, "by": "id"}}
    members.append(Member(tmp_path / "a", source))
    traffic.produce(range(2000))
    written = 2000 + 1800 + 200 + 1000
    until(lambda: members[0].assigned() and not members[0].lag())
    traffic.finish()
    until(lambda: not members[0].lag() and members[0].outcome("unjoined") > 10)
    members[0].stop()
    kept = written - members[0].outcome("sampled_out")
    share = kept / written
    assert 0.2 < share < 0.3
    found = outcomes(members)
    assert abs(found["accepted"] - share * traffic.expected["accepted"]) < 0.1 * found["accepted"]
    assert abs(found["unjoined"] - share * traffic.expected["unjoined"]) < 0.4 * found["unjoined"]


def test_kills_at_any_moment(kafka: Operations, topic: str, tmp_path: Path, members: list[Member]) -> None:
    """A daemon that is killed again and again counts each identifier once."""
    traffic = Traffic(kafka, topic, (2, 2, 2))
    for kill in range(3):
        process = MemberProcess(tmp_path / "a", traffic.source())
        before = process.outcome()
        for part in range(5):
            begin = (kill * 5 + part) * 400
            traffic.produce(range(begin, begin + 400))
        until(lambda: process.outcome() > before + 100)  # noqa: B023 - called at once
        process.kill()
    members.append(Member(tmp_path / "a", traffic.source()))
    until(lambda: members[0].assigned() and not members[0].lag())
    traffic.finish()
    until(lambda: outcomes(members).total() >= traffic.expected.total())
    members[0].stop()
    assert traffic.expected == outcomes(members)


@pytest.mark.kafka(needs={"offset_notes"})
def test_waiting_halves_go_with_their_partitions(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """Members that come and go in good order: halves that wait meet in the hands of whoever has their partitions."""
    traffic = Traffic(kafka, topic, (4, 4, 4))
    source = traffic.source(partitions="same")
    members.append(Member(tmp_path / "a", source))
    traffic.produce(range(2000))
    traffic.produce(range(2000, 4000), sides=(0,))
    until(lambda: not members[0].lag() and members[0].outcome() >= 1000)
    members.append(Member(tmp_path / "b", source))
    until(lambda: [member.assigned() for member in members] == [6, 6])
    traffic.produce(range(2000, 4000), sides=(1, 2))
    traffic.produce(range(4000, 5000), sides=(0, 1))
    until(lambda: not any(member.lag() for member in members))
    members[0].stop()
    traffic.produce(range(4000, 5000), sides=(2,))
    until(lambda: members[1].assigned() == 12)
    members.append(Member(tmp_path / "c", source))
    until(lambda: [member.assigned() for member in members[1:]] == [6, 6])
    traffic.finish()
    until(lambda: outcomes(members).total() >= traffic.expected.total())
    for member in members:
        member.stop()
    assert traffic.expected == outcomes(members)
