"""The API under `/api/v1`: monitors, windows, alerts and deliveries as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from detectors.base import Verdict
from monitor import __version__
from monitor.metrics import Snapshot, Telemetry, WindowReport
from monitor.places import delivery_json, place_json, source_json
from monitor.state.outbox import Delivery
from monitor.state.state import State
from monitor.state.windows import StoredWindow
from monitor.web import queries
from monitor.web.answers import answer
from sinks.base import AlertState

VERDICTS = tuple(verdict.value for verdict in Verdict)
BAD = (Verdict.ERROR.value, Verdict.WARNING.value, Verdict.DRIFT.value)
STATES = tuple(state.value for state in AlertState)


class Api:
    """Handlers; they run on the server's threads and read the blackboard and the state file only."""

    def __init__(self, telemetry: Telemetry, state: State, retry: Callable[[str], bool]) -> None:
        self._telemetry, self._state, self._retry = telemetry, state, retry

    @property
    def routes(self) -> list[Route]:
        """Paths and their handlers."""
        return [
            Route("/api/v1/monitors", self.monitors),
            Route("/api/v1/windows", self.windows),
            Route("/api/v1/alerts", self.alerts),
            Route("/api/v1/alerts/history", self.history),
            Route("/api/v1/deliveries", self.deliveries),
            Route("/api/v1/deliveries/{id}/retry", self.retry, methods=["POST"]),
        ]

    def monitors(self, request: Request) -> Response:
        """Every monitor: readiness, watermark, records by outcome, its source, the last windows, alerts."""
        queries.only(request.query_params, ())
        snapshot = self._telemetry.snapshot()
        found = [self._monitor(name, snapshot) for name in snapshot.alerts]
        return answer({"version": __version__, "reasons": dict(snapshot.reasons), "monitors": found})

    def _monitor(self, name: str, snapshot: Snapshot) -> dict[str, Any]:
        alerts = Counter(alert.state for alert in snapshot.alerts[name])
        watermark = snapshot.watermarks.get(name)
        return {
            "name": name,
            "ready": name not in snapshot.reasons,
            "reason": snapshot.reasons.get(name, ""),
            "watermark": None if watermark is None else place_json(watermark),
            "records": self._state.counts.of(name),
            "source": source_json(snapshot.sources.get(name), self._state.gaps.of(name)),
            "alerts": {state: alerts[state] for state in ("pending", "firing")},
            "windows": [_report(report) for report in snapshot.windows if report.monitor == name],
        }

    def windows(self, request: Request) -> Response:
        """Closed windows, the latest first; `next` is the cursor of the following page."""
        query = request.query_params
        known = ("monitor", "version", "segment", "window", "verdict", "after", "before", "cursor", "limit")
        queries.only(query, (*known, "results"))
        results = queries.choice(query, "results", ("all", "bad", "none"), "all")
        size = queries.limit(query)
        found = self._state.windows.find(queries.windows(query, VERDICTS), limit=size)
        following = found[-1].id if len(found) == size else None
        return answer({"windows": [_window(window, results) for window in found], "next": following})

    def alerts(self, request: Request) -> Response:
        """Alerts as they stand, with the newest evidence."""
        query = request.query_params
        queries.only(query, ("monitor", "state"))
        wanted = queries.choice(query, "state", STATES)
        stored = self._state.alerts.of(query.get("monitor"), state=wanted)
        return answer({"alerts": [value["alert"] for value in stored.values()]})

    def history(self, request: Request) -> Response:
        """Changes of alerts' states, the latest first."""
        query = request.query_params
        queries.only(query, ("monitor", "limit"))
        changes = self._state.alerts.history(query.get("monitor"), limit=queries.limit(query))
        return answer(
            {
                "changes": [
                    {"fingerprint": c.fingerprint, "at": place_json(c.at), **c.value, "state": c.state}
                    for c in changes
                ]
            }
        )

    def deliveries(self, request: Request) -> Response:
        """Messages in the outbox, the latest first."""
        query = request.query_params
        queries.only(query, ("state", "destination", "limit"))
        word = queries.choice(query, "state", tuple(state.value for state in Delivery))
        found = self._state.outbox.find(
            state=Delivery(word) if word else None,
            destination=query.get("destination"),
            limit=queries.limit(query),
        )
        return answer({"deliveries": [delivery_json(entry) for entry in found]})

    def retry(self, request: Request) -> Response:
        """Send a message again that is dead or waits; 404 where there is none of this id."""
        message = request.path_params["id"]
        if not self._retry(message):
            raise HTTPException(404, f"no delivery {message!r} that is pending or dead")
        return answer({"id": message, "state": Delivery.PENDING.value}, 202)


def _report(report: WindowReport) -> dict[str, Any]:
    """The last window of a kind, without its results."""
    return {
        "version": report.version,
        "segment": report.segment,
        "window": report.window,
        "start": place_json(report.start),
        "end": place_json(report.end),
        "rows": report.rows,
        "verdict": report.verdict.value,
        "request_rate": report.service.request_rate,
        "error_ratio": report.service.error_ratio,
        "latency": {f"{quantile:g}": seconds for quantile, seconds in report.service.latency.items()},
    }


def _window(window: StoredWindow, results: str | None) -> dict[str, Any]:
    shown = [] if results == "none" else window.results
    if results == "bad":
        shown = [result for result in shown if result["verdict"] in BAD]
    return {
        "id": window.id,
        "monitor": window.monitor,
        "version": window.version,
        "segment": window.segment,
        "window": window.name,
        "start": place_json(window.start),
        "end": place_json(window.end),
        "rows": window.rows,
        "verdict": window.verdict,
        "closed_at": place_json(window.closed_at),
        "results": shown,
    }
