"""What the daemon tells about itself, and how Prometheus reads it."""

from monitor.metrics.reports import AlertReport, ServiceStats, WindowReport
from monitor.metrics.telemetry import Snapshot, Telemetry

__all__ = ["AlertReport", "ServiceStats", "Snapshot", "Telemetry", "WindowReport"]
