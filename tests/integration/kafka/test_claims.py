"""What a member claims to hold when it joins: what it reads, and nothing that its group has taken from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient, MemberToRemove

from tests.brokers.operations import Operations
from tests.integration.kafka.members import Member, produce, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka(needs={"cooperative", "eviction", "group_members"})]


class Group:
    """A group as its coordinator sees it."""

    def __init__(self, address: str, name: str) -> None:
        """Ask the brokers at an address."""
        self._admin, self._name = KafkaAdminClient(bootstrap_servers=address), name

    def close(self) -> None:
        """Hang up."""
        self._admin.close()

    def claims(self) -> dict[str, set[int]]:
        """What each member said to hold when it joined: partitions by member id; nothing while the group changes."""
        found: Any = self._admin.describe_groups([self._name])[self._name]
        if found["group_state"] != "Stable":
            return {}
        return {m["member_id"]: _owned(m["member_metadata"]) for m in found["members"]}

    def put_out(self, member_id: str) -> None:
        """Have the coordinator forget a member, as after a session that ran out."""
        self._admin.remove_group_members(self._name, [MemberToRemove(member_id=member_id)])


def _owned(metadata: Any) -> set[int]:
    return {number for held in metadata["owned_partitions"] for number in held["partitions"]}


@pytest.fixture
def group(kafka: Operations, topic: str) -> Iterator[Group]:
    """The group of the test; it has the topic's name."""
    found = Group(kafka.address, topic)
    yield found
    found.close()


@pytest.mark.parametrize("state", ["settled", "joining"])
def test_who_was_put_out_of_its_group_claims_nothing(
    kafka: Operations, topic: str, tmp_path: Path, group: Group, state: str
) -> None:
    """Else the group waits for it to give up what it has not, and nobody reads that.

    So it is as well where the member was about to join when it was put out, and had prepared for that as a member.
    """
    kafka.create_topic(topic, 4)
    member = Member(tmp_path / "a", {"brokers": kafka.address, "topics": topic, "group": topic})
    try:
        until(lambda: member.assigned() == 4)
        (before,) = group.claims()
        produce(kafka, topic, range(1000))
        until(lambda: member.outcome() == 1000)
        group.put_out(before)
        if state == "joining":
            stream: Any = member.source
            coordinator = stream._reader.client._coordinator
            coordinator.rejoining = coordinator.rejoin_needed = True
        until(lambda: group.claims().keys() - {before})
        assert [set()] == list(group.claims().values())
        produce(kafka, topic, range(1000, 2000))
        until(lambda: member.outcome() == 2000)
    finally:
        member.stop()
