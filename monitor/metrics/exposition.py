"""The text that a scrape gets: one private registry for each daemon."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.metrics.families import families
from monitor.metrics.telemetry import Telemetry


class TelemetryCollector(Collector):
    """Makes the families of each scrape from one snapshot, so that all of its samples belong together."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def collect(self) -> Iterator[Metric]:
        """All families of this moment."""
        labels = ("version", "python")
        build = GaugeMetricFamily("driftd_build_info", "Which driftd this is; always 1.", labels=labels)
        build.add_metric((__version__, platform.python_version()), 1)
        yield build
        yield from families(self._telemetry.snapshot())

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are checked when they are collected, not when the collector is registered."""
        return iter(())


def build_registry(telemetry: Telemetry) -> CollectorRegistry:
    """A registry with the daemon's metrics and those of its process (CPU, memory, descriptors)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(TelemetryCollector(telemetry))
    ProcessCollector(registry=registry)
    return registry


def render(registry: CollectorRegistry, accept: str = "") -> tuple[bytes, str]:
    """The exposition and its content type: OpenMetrics for who accepts it, else the text format."""
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type
