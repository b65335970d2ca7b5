"""Several members of one group: every record is counted once, whoever reads it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.sources.kafka.ledger import Ledger
from tests.brokers.operations import Operations, Record
from tests.brokers.probes import other_member
from tests.integration.kafka.member_process import MemberProcess
from tests.integration.kafka.members import Member, produce, row, total, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

ROWS = 20_000


@pytest.fixture
def members() -> Iterator[list[Member]]:
    """The members of a test; they are stopped after it."""
    found: list[Member] = []
    yield found
    for member in found:
        member.stop()


def feed(kafka: Operations, topic: str, member: MemberProcess, produced: int, rows: int) -> int:
    """Produce until the process has counted so many rows more; returns how many were produced in all.

    Hundreds come one after another only once it reads: the tests stay within the day that their window is.
    """
    before = member.outcome()
    while member.outcome() < before + rows:
        produce(kafka, topic, range(produced, produced + 100))
        produced += 100
        until(lambda: member.outcome() > before)
    return produced


@pytest.mark.kafka(needs={"cooperative", "eviction", "quick_joins"})
def test_nothing_is_late_while_somebody_dead_holds_partitions(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """Event time waits for partitions that this daemon read last until the group has given them back."""
    kafka.create_topic(topic, 4)
    source = {"brokers": kafka.address, "topics": topic, "group": topic, "session_timeout": "6s"}
    members.append(Member(tmp_path / "a", source))
    produce(kafka, topic, range(1000))
    until(lambda: members[0].outcome() == 1000)
    cooperative = {"partition.assignment.strategy": "cooperative-sticky"}
    with other_member(kafka.address, topic, topic, **cooperative) as other:
        until(lambda: members[0].assigned() == 2)
        other.kill()
        days = range(1000, 3_000_000, 1500)  # nearly four, in all partitions
        kafka.produce(topic, [Record(row(number), partition=i % 4) for i, number in enumerate(days)])
        until(lambda: members[0].outcome() + members[0].outcome("late") == 1000 + len(days))
    assert 0 == members[0].outcome("late")


@pytest.mark.parametrize("assignor", ["cooperative-sticky", "sticky", "range"])
@pytest.mark.kafka(needs={"cooperative"})
def test_clean_handover_counts_once(
    assignor: str, kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """Members that come and go in good order count each record exactly once between them."""
    kafka.create_topic(topic, 4)
    source = {
        "brokers": kafka.address,
        "topics": topic,
        "group": topic,
        "assignor": assignor,
        "session_timeout": "6s",
    }
    members.append(Member(tmp_path / "a", source))
    produce(kafka, topic, range(ROWS // 4))
    until(lambda: members[0].outcome() > 0)
    members.append(Member(tmp_path / "b", source))
    produce(kafka, topic, range(ROWS // 4, ROWS // 2))
    until(lambda: [m.assigned() for m in members] == [2, 2])
    produce(kafka, topic, range(ROWS // 2, 3 * ROWS // 4))
    members[0].stop()
    produce(kafka, topic, range(3 * ROWS // 4, ROWS))
    until(lambda: total(members) >= ROWS)
    members.append(Member(tmp_path / "a", source))
    until(lambda: [m.assigned() for m in members[1:]] == [2, 2])
    members[1].stop()
    members[2].stop()
    assert ROWS == total(members[1:])
    assert 0 == total(members, "overlap")


@pytest.mark.kafka(needs={"cooperative", "eviction", "offset_notes"})
def test_overlap_of_killed_members_is_reported(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """After SIGKILLs the rows that were counted twice are known exactly when the killed member is back."""
    kafka.create_topic(topic, 4)
    source = {"brokers": kafka.address, "topics": topic, "session_timeout": "3s", "group": topic}
    produced = 0
    for _ in range(3):
        killed = MemberProcess(tmp_path / "a", source)
        produced = feed(kafka, topic, killed, produced, 1500)
        killed.kill()
        members.append(Member(tmp_path / "b", source))
        until(members[-1].assigned)
        produce(kafka, topic, range(produced, produced + 3000))
        produced += 3000
        until(lambda: members[-1].outcome() + killed.outcome() >= produced)  # noqa: B023 - called at once
        members[-1].stop()
    back = Member(tmp_path / "a", source)
    members.append(back)
    until(lambda: back.assigned() == 4 and not back.source.behind)
    back.stop()
    overlap = back.outcome("overlap") + members[-2].outcome("overlap")
    assert produced + overlap == back.outcome() + members[-2].outcome()


@pytest.mark.kafka(needs={"offset_notes"})
def test_rows_counted_but_not_committed_to_kafka_are_known(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that ends between its state's commit and Kafka's finds out later what others counted again."""
    kafka.create_topic(topic, 4)
    source = {"brokers": kafka.address, "topics": topic, "group": topic}
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "due", lambda _self, _partitions: {})
        members.append(Member(tmp_path / "a", source))
        produce(kafka, topic, range(ROWS // 2))
        until(lambda: members[0].outcome() == ROWS // 2)
        members[0].stop()
    members.append(Member(tmp_path / "b", source))
    until(lambda: members[1].outcome() == ROWS // 2)
    produce(kafka, topic, range(ROWS // 2, ROWS))
    until(lambda: members[1].outcome() == ROWS)
    members[1].stop()
    members.append(Member(tmp_path / "a", source))
    until(lambda: members[2].outcome("overlap") > 0)
    members[2].stop()
    assert (ROWS // 2, ROWS // 2) == (members[2].outcome(), members[2].outcome("overlap"))


@pytest.mark.kafka(needs={"cooperative", "eviction", "offset_notes"})
def test_paused_member_counts_nothing_that_is_not_its_own(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """A member that slept through its session reads on where the group is now; what both counted is known."""
    kafka.create_topic(topic, 4)
    source = {"brokers": kafka.address, "topics": topic, "session_timeout": "3s", "group": topic}
    sleeper = MemberProcess(tmp_path / "a", source)
    produced = feed(kafka, topic, sleeper, 0, 1000)
    sleeper.pause()
    produce(kafka, topic, range(produced, produced + 3000))
    produced += 3000
    members.append(Member(tmp_path / "b", source))
    until(lambda: members[0].assigned() == 4 and not members[0].source.behind)
    sleeper.resume()
    until(lambda: members[0].assigned() == 2)
    produce(kafka, topic, range(produced, produced + 3000))
    produced += 3000

    def counted() -> int:
        both = members[0].outcome() + sleeper.outcome()
        return both - members[0].outcome("overlap") - sleeper.outcome("overlap")

    until(lambda: counted() == produced)
    members[0].stop()
    sleeper.stop()
    assert produced == counted()


@pytest.mark.kafka(needs={"cooperative", "eviction", "quick_joins"})
def test_who_waits_for_others_says_so(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """A member whose group waits for one that hangs blames the group, not a broker; then it reads."""
    kafka.create_topic(topic, 4)
    source = {"brokers": kafka.address, "topics": topic, "session_timeout": "25s", "group": topic}
    sleeper = MemberProcess(tmp_path / "a", source)
    produce(kafka, topic, range(1000))
    until(lambda: sleeper.outcome() == 1000)
    sleeper.pause()
    members.append(Member(tmp_path / "b", source))
    until(lambda: members[0].trouble)
    until(lambda: members[0].assigned() == 4 and not members[0].source.report().trouble)
    sleeper.kill()
    assert [f"the group {topic} waits for its other members"] == members[0].trouble


@pytest.mark.kafka(needs={"static_membership"})
def test_static_member_keeps_its_partitions(
    kafka: Operations, topic: str, tmp_path: Path, members: list[Member]
) -> None:
    """A member with a name of its own that is away for a moment gets its partitions back; nobody else had them."""
    kafka.create_topic(topic, 4)
    source = {"brokers": kafka.address, "topics": topic, "session_timeout": "10s", "group": topic}
    members += [Member(tmp_path / name, {**source, "member": f"member-{name}"}) for name in "ab"]
    until(lambda: [m.assigned() for m in members] == [2, 2])
    produce(kafka, topic, range(1000))
    until(lambda: total(members) >= 1000)
    members[0].stop()
    rebalances = members[1].source.report().counters["rebalances"][""]
    produce(kafka, topic, range(1000, 2000))
    members[0] = Member(tmp_path / "a", {**source, "member": "member-a"})
    until(lambda: total(members) >= 2000)
    assert [2, 2] == [member.assigned() for member in members]
    assert rebalances == members[1].source.report().counters["rebalances"][""]
    for member in members:
        member.stop()
    assert 2000 == total(members)
