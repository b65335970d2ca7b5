"""Alerts through a real Alertmanager to the receiver behind it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import urllib3

from monitor.clock import SystemClock
from sinks.alertmanager import AlertmanagerSink
from sinks.base import AlertState
from sinks.events import EXAMPLE_ALERT
from tests import needs
from tests.integration.receivers import Receiver, receiver

pytestmark = pytest.mark.integration

CONFIGURATION = """
route: {receiver: hook, group_by: [monitor], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: hook
    webhook_configs: [{url: "%s", send_resolved: true}]
"""


@contextmanager
def alertmanager(folder: Path, port: int, there: Receiver) -> Iterator[str]:
    """An Alertmanager on this port that tells the receiver."""
    program = needs.tool("prometheus-alertmanager", "alertmanager")
    configuration = folder / "alertmanager.yml"
    configuration.write_text(CONFIGURATION % there.url)
    command = [str(program), f"--config.file={configuration}", f"--storage.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            patient = urllib3.Retry(
                connect=100, status=100, status_forcelist=[503], backoff_factor=0.05, backoff_max=0.3
            )
            urllib3.request("GET", f"{url}/-/ready", retries=patient)
            yield url
        finally:
            process.terminate()


def last_told(there: Receiver, number: int) -> tuple[str, dict[str, str]]:
    """State and labels in the receiver's nth message."""
    there.wait_for(number)
    (alert,) = orjson.loads(there.requests[number - 1].body)["alerts"]
    return alert["status"], alert["labels"]


def test_an_alert_fires_and_is_resolved_through_alertmanager(tmp_path: Path, free_port: int) -> None:
    """Repeats keep one alert; its end is told as resolved, under the same labels."""
    wall = SystemClock().now()
    firing = replace(EXAMPLE_ALERT, at=wall, starts_at=wall)
    with receiver() as there, alertmanager(tmp_path, free_port, there) as url:
        sink = AlertmanagerSink(urls=(url,), labels={"team": "risk"})
        for _ in range(2):
            sink.emit(firing, message_id="a", now=wall)
        status, labels = last_told(there, 1)
        assert status == "firing"
        assert labels["alertname"] == "DriftdDataDrift"
        assert labels["team"] == "risk"
        (active,) = orjson.loads(urllib3.request("GET", f"{url}/api/v2/alerts").data)
        assert active["annotations"]["summary"] == EXAMPLE_ALERT.summary
        resolved = replace(firing, state=AlertState.RESOLVED, ends_at=wall + 1)
        sink.emit(resolved, message_id="b", now=SystemClock().now())
        assert last_told(there, 2) == ("resolved", labels)
