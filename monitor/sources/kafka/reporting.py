"""What the Kafka source says of itself."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.sources.base import SourceReport
from monitor.sources.kafka.lag import Lag
from monitor.sources.kafka.reader import Reader
from monitor.sources.kafka.rows import Route


def report(lag: Lag, reader: Reader, route: Route, overlap: Mapping[str, int]) -> SourceReport:
    """Figures for the metrics and trouble for readiness.

    Args:
        lag: of the assigned partitions.
        reader: the polling side of the source.
        route: the loop side.
        overlap: records that others have counted too, by topic.
    """
    watching = reader.watching
    return SourceReport(
        trouble=watching.trouble.message,
        hint=watching.trouble.hint,
        began=watching.began,
        lag_records=lag.records,
        lag_seconds=lag.seconds,
        partition_lag=lag.partitions,
        assigned=lag.assigned,
        counters={
            "fetched_records": dict(watching.records),
            "fetched_bytes": dict(watching.bytes),
            "decoded_records": dict(route.records),
            "decode_seconds": {"": route.seconds},
            "overlap_records": dict(overlap),
            "unjoined_records": route.unjoined(),
            "rebalances": {"": watching.rebalances},
            "reconnects": {"": reader.reconnects},
        },
        gauges={
            "buffered_bytes": reader.channel.bytes,
            "paused_partitions": reader.paused,
            "group_settled": reader.group_settled,
            "fast_path": reader.fast_path,
            **route.gauges(),
        },
    )
