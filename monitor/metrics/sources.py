"""Prometheus families about sources that share partitions: lag, coverage and what they had to do for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from monitor.sources.base import SourceReport

COUNTERS = {
    "fetched_records": "Records fetched.",
    "fetched_bytes": "Bytes of records fetched, without their compression.",
    "decoded_records": "Records decoded.",
    "decode_seconds": "Time spent on decoding.",
    "overlap_records": "Records that were counted by another member of the group as well.",
    "unjoined_records": "Halves of a join whose other half did not come.",
    "rebalances": "Times that the group has settled anew who reads what.",
    "reconnects": "Connections that were made anew after a failure.",
}
"""Counters that a source may report, by name."""

GAUGES = {
    "buffered_bytes": "Bytes that are fetched and wait for the loop.",
    "paused_partitions": "Partitions that are not fetched because the buffer is full.",
    "group_settled": "1 while the consumer group has settled who reads what; offsets can only be committed then.",
    "fast_path": "1 while records are unpacked in blocks, 0 on the client's own path.",
    "join_waiting": "Halves that wait for their other half.",
    "join_waiting_bytes": "Bytes of the halves that wait.",
}
"""Gauges that a source may report, by name."""


def source_families(sources: Mapping[str, SourceReport]) -> Iterator[Metric]:
    """The families of all sources; each appears even when it has no series yet."""
    yield _by_topic("driftd_source_lag_records", "Records that are still to be read.", sources, "lag_records")
    text = "Age of the last record counted, 0 where there are no more."
    yield _by_topic("driftd_source_lag_seconds", text, sources, "lag_seconds")
    text = "Partitions that are read here."
    yield _by_topic("driftd_source_assigned_partitions", text, sources, "assigned")
    labels = ("monitor", "topic", "partition")
    lag = GaugeMetricFamily("driftd_source_partition_lag_records", "Lag of one partition.", labels=labels)
    for monitor, report in sources.items():
        for (topic, partition), records in report.partition_lag.items():
            lag.add_metric((monitor, topic, partition), records)
    yield lag
    for name, text in COUNTERS.items():
        counter = CounterMetricFamily(f"driftd_source_{name}", text, labels=("monitor", "topic"))
        for monitor, report in sources.items():
            for topic, total in report.counters.get(name, {}).items():
                counter.add_metric((monitor, topic), total)
        yield counter
    for name, text in GAUGES.items():
        gauge = GaugeMetricFamily(f"driftd_source_{name}", text, labels=("monitor",))
        for monitor, report in sources.items():
            if name in report.gauges:
                gauge.add_metric((monitor,), report.gauges[name])
        yield gauge


def _by_topic(name: str, text: str, sources: Mapping[str, SourceReport], field: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=("monitor", "topic"))
    for monitor, report in sources.items():
        for topic, value in getattr(report, field).items():
            family.add_metric((monitor, topic), float(value))
    return family
