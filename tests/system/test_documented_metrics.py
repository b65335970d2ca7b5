"""The metrics that the documentation names are those that driftd has."""

import re

from monitor.metrics.exposition import TelemetryCollector
from monitor.metrics.telemetry import Telemetry
from tests.needs import ROOT


def test_operations_page_names_every_metric() -> None:
    """Each family has its line in docs/operations.md, and no line speaks of a metric that is not there."""
    families = TelemetryCollector(Telemetry()).collect()
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.split("## Metrics")[1].split("\n## ")[0]
    assert names == set(re.findall(r"driftd_[a-z_]+", table))
