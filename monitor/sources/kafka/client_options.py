"""How kafka-python's consumer is set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from monitor.sources.kafka.claims import HonestAssignor
from monitor.sources.kafka.options import KafkaSource

BOOTSTRAP_MS = 6_000
FETCH_BYTES, FETCH_MS = 256 * 2**10, 250
"""Brokers gather so many bytes, or wait so long: with one answer for each record a slow stream takes a whole core."""

REQUEST_MS = 15_000
LEAST_PIECES, MOST_PIECES = 4, 256
"""Pieces that one poll gives at most, where they are large and where they are small."""

_ASSIGNORS: Mapping[str, type] = {
    "cooperative-sticky": HonestAssignor,
    "sticky": StickyPartitionAssignor,
    "range": RangePartitionAssignor,
}


def consumer_options(source: KafkaSource, monitor: str, group: str | None) -> dict[str, Any]:
    """Arguments for KafkaConsumer."""
    options = source.client_options(monitor) | {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "allow_auto_create_topics": False,
        "isolation_level": source.isolation,
        "check_crcs": True,
        "metrics_enabled": False,
        "max_poll_records": LEAST_PIECES,
        "fetch_min_bytes": FETCH_BYTES,
        "fetch_max_wait_ms": FETCH_MS,
        "fetch_max_bytes": source.fetch_bytes,
        "max_partition_fetch_bytes": source.partition_fetch_bytes,
        "receive_buffer_bytes": 2**20,
        # in a session a partition without news is left out of the answers: after a rebalance its end stays unknown
        "enable_incremental_fetch_sessions": False,
        "request_timeout_ms": REQUEST_MS,
        "bootstrap_timeout_ms": BOOTSTRAP_MS,
        "metadata_max_age_ms": 10_000,
        "session_timeout_ms": round(source.session_timeout * 1000),
        "heartbeat_interval_ms": round(min(3.0, source.session_timeout / 4) * 1000),
        "max_poll_interval_ms": round(source.rebalance_timeout * 1000),
        "partition_assignment_strategy": [_ASSIGNORS[source.assignor_name]],
    }
    if group is not None and source.member is not None:
        options["group_instance_id"] = source.member
    return options
