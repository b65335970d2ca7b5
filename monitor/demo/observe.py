"""What driftd tells of itself over its API, as the demo shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import urllib3

from monitor.demo.receiver import RetrainingReceiver
from monitor.demo.scene import Closed, Scene
from sinks.timestamps import parse_rfc3339

ACCEPTED = "accepted"
MONITOR = "car-loan"


class Observer:
    """Asks the running daemon; a daemon that does not answer leaves the scene as it was.

    Args:
        url: of driftd.
        receiver: the retraining endpoint.
    """

    def __init__(self, url: str, receiver: RetrainingReceiver) -> None:
        self._url, self._receiver = url, receiver
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(2.0))

    def ready(self) -> bool:
        """`/readyz` says yes."""
        try:
            return self._pool.request("GET", f"{self._url}/readyz").status == 200  # noqa: PLR2004 - HTTP
        except urllib3.exceptions.HTTPError:
            return False

    def look(self, scene: Scene, *, finished: bool) -> Scene:
        """The scene as it is now."""
        called = replace(scene, calls=self._receiver.calls, refused=tuple(self._receiver.refused))
        try:
            (about,) = self._ask("monitors")["monitors"]
            windows = self._ask(f"windows?monitor={MONITOR}&results=none&limit=1000")["windows"]
            standing = self._ask(f"alerts?monitor={MONITOR}")["alerts"]
            changes = self._ask(f"alerts/history?monitor={MONITOR}&limit=1000")["changes"]
        except urllib3.exceptions.HTTPError:
            return replace(called, finished=finished)
        return replace(
            called,
            counted=about["records"].get(ACCEPTED, 0),
            lost=sum(rows for outcome, rows in about["records"].items() if outcome != ACCEPTED),
            watermark=parse_rfc3339(about["watermark"]) if about["watermark"] else None,
            windows=tuple(_closed(window) for window in reversed(windows)),
            alerts=tuple(reversed(changes)),
            standing=tuple(standing),
            finished=finished,
        )

    def close(self) -> None:
        """Give back the connections."""
        self._pool.clear()

    def _ask(self, path: str) -> Any:
        return self._pool.request("GET", f"{self._url}/api/v1/{path}").json()


def _closed(window: dict[str, Any]) -> Closed:
    start, end = parse_rfc3339(window["start"]), parse_rfc3339(window["end"])
    return Closed(start, end, window["rows"], window["verdict"])
