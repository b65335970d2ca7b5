"""The whole configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import Field, model_validator

from monitor.paths import LocalPath
from monitor.plugins import registry
from monitor.settings.monitors import MonitorSettings
from monitor.settings.options import Options
from monitor.settings.registered import OneOf
from sinks import BUILTIN, ENTRY_POINTS
from sinks.base import Sink
from sinks.duration import Seconds
from sinks.log import LogSink

_SINKS = registry(ENTRY_POINTS, Sink, BUILTIN)


class HttpSettings(Options):
    """The HTTP server: `/metrics`, `/healthz`, `/readyz` and the API."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` for every interface."""

    port: Annotated[int, Ge(0), Le(65535)] = 9465
    """Port to listen on; 0 takes a free one."""

    token_file: LocalPath | None = None
    """File with the bearer token that `/api` and `/metrics` ask for; without it whoever reaches the port reads."""

    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$")] | None = None
    """Where people reach the server, for the links in alerts; the address that it listens on where not given."""

    max_series: Annotated[int, Ge(100)] = 10_000
    """Most time series about windows in `/metrics`; beyond it the windows closed longest ago are left out."""

    def page(self, bound: str) -> str:
        """URL of the page for people.

        Args:
            bound: URL of the address that the server listens on.
        """
        return f"{(self.public_url or bound).rstrip('/')}/"


class LogSettings(Options):
    """driftd's own log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe messages that are written."""

    format: Literal["json", "text"] = "json"
    """One JSON object a line, or text for people."""


class Settings(Options):
    """The configuration file."""

    state: Annotated[LocalPath, Field(validate_default=True)] = Path("driftd.state")
    """SQLite file with positions, panes, results and the outbox; dead letters are written beside it."""

    commit_interval: Annotated[Seconds, Ge(0)] = 1.0
    """Longest time between two writes of the state while rows come in; alerts are written at once."""

    retention: Annotated[Seconds, Gt(0)] = 90 * 86400.0
    """How long results, profiles and finished deliveries are kept in the state."""

    http: HttpSettings = HttpSettings()
    """The HTTP server."""

    log: LogSettings = LogSettings()
    """driftd's own log."""

    sinks: tuple[Annotated[Sink, OneOf(_SINKS)], ...] = (LogSink(),)
    """Where alerts go; a word alone (`log`) stands for a sink with its defaults."""

    monitors: Annotated[tuple[MonitorSettings, ...], MinLen(1)]
    """Models under watch."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        _differ([monitor.name for monitor in self.monitors], "monitors")
        _differ([sink.destination for sink in self.sinks], "sinks")
        return self


def _differ(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two {what} are called {name!r}: give one of them another `name`")
