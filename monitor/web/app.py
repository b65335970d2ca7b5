"""Every path that driftd answers, and what handlers may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.metrics import Telemetry
from monitor.metrics.exposition import build_registry, render
from monitor.state.errors import StateError
from monitor.state.state import State
from monitor.web.answers import answer, broken, refused, stateless
from monitor.web.api import Api
from monitor.web.guard import Guard
from monitor.web.page import page

DEAD_AFTER = 10
"""So many times the limit of readiness without a heartbeat, and the process counts as dead."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What handlers see of the daemon; none of it makes the loop wait.

    Attributes:
        telemetry: the loop's blackboard.
        state: a reader of the state file, never the loop's own connection (`State.reader`).
        retry: asks for a delivery to be made again; False when there is none that waits or is dead.
        token_file: see `Guard`.
    """

    telemetry: Telemetry
    state: State
    retry: Callable[[str], bool]
    token_file: Path | None = None


def build_app(sight: Sight) -> Starlette:
    """The ASGI application."""
    api, probes = Api(sight.telemetry, sight.state, sight.retry), _Probes(sight.telemetry)
    return Starlette(
        routes=[
            Route("/", page),
            Route("/metrics", probes.metrics),
            Route("/healthz", probes.alive),
            Route("/readyz", probes.ready),
            *api.routes,
        ],
        middleware=[
            Middleware(Guard, token_file=sight.token_file),
            Middleware(GZipMiddleware, minimum_size=1024),
        ],
        exception_handlers={HTTPException: refused, StateError: stateless, Exception: broken},
    )


class _Probes:
    """What orchestrators and Prometheus ask for; from memory alone."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._registry = build_registry(telemetry)

    def metrics(self, request: Request) -> Response:
        """The exposition."""
        body, content_type = render(self._registry, request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    def alive(self, _request: Request) -> Response:
        """200 unless the loop has been silent for so long that only a restart can help."""
        silent = self._telemetry.silent_seconds
        dead = silent > DEAD_AFTER * self._telemetry.stuck_after_seconds
        return answer({"alive": not dead, "loop_silent_seconds": round(silent, 3)}, 503 if dead else 200)

    def ready(self, _request: Request) -> Response:
        """200 when every monitor reads its source and the state takes commits, else 503 with the reasons."""
        reasons = self._telemetry.readiness()
        return answer({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)
