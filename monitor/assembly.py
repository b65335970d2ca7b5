"""From a configuration to the parts of a running daemon, put together once and taken apart in order."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.clock import MICROSECONDS, Clock
from monitor.decode.dead_letters import DeadLetters
from monitor.decode.decoder import Decoder
from monitor.delivery import (
    AlertDestination,
    DeadLetterDestination,
    DeadLetterQueue,
    Deliveries,
    RetrainingDestination,
    dead_letter_topic,
    retire_alerts,
)
from monitor.engine import Engine
from monitor.evaluation import Evaluator
from monitor.intake import Intake
from monitor.metrics import Telemetry
from monitor.pipeline import GATHERED_ROWS, REPLAYED_ROWS, Pipeline
from monitor.reaction import Reaction
from monitor.referencing import load_references
from monitor.state.state import State
from monitor.streams import Streams
from monitor.watch import Watch
from monitor.web import HttpServer, Sight, build_app

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.layout import Layout
    from monitor.alerts import AlertOptions
    from monitor.delivery import Destination
    from monitor.settings import MonitorSettings, Settings

WINDOWS_TO_EXPIRE = 3
"""An alert waits at least for so many of its monitor's longest windows before silence takes it back."""

AHEAD_SECONDS = 3600
"""Rows from further in the future than this are counted out: one wrong clock must not close everybody's windows."""


def build_engine(
    settings: Settings,
    state: State,
    telemetry: Telemetry,
    clock: Clock,
    *,
    history: bool = False,
    links: Mapping[str, str] | None = None,
) -> Engine:
    """Pipelines and reactions of every monitor, at the state's positions.

    Args:
        settings: the configuration.
        state: the open state.
        telemetry: the blackboard of metrics.
        clock: where the loop reads the time.
        history: read what exists now and end, for replays.
        links: pages with more, put into every alert.

    Raises:
        ReferenceUnusableError: a reference cannot be read or fitted.
    """
    watches = [
        _watch(monitor, settings, state, clock, history=history, links=links or {})
        for monitor in settings.monitors
    ]
    engine = Engine(watches, state, telemetry, clock, settings.commit_interval)
    engine.restore()
    return engine


def _watch(
    monitor: MonitorSettings,
    settings: Settings,
    state: State,
    clock: Clock,
    *,
    history: bool,
    links: Mapping[str, str],
) -> Watch:
    reference = load_references(monitor, state)
    source = monitor.source.once() if history else monitor.source
    decoder = Decoder(monitor.records, reference.main.layout.columns, source.max_record_bytes)
    opened = source.open(decoder, monitor.name)

    def make() -> tuple[Pipeline, Reaction]:
        pipeline = Pipeline(
            name=monitor.name,
            source=opened,
            references=reference,
            intake=_intake(monitor, reference.main.layout),
            evaluator=Evaluator(monitor.window_tests()),
            streams=Streams(monitor.change_detectors),
            gathered_rows=REPLAYED_ROWS if history else GATHERED_ROWS,
        )
        reaction = Reaction(
            monitor=monitor.name,
            options=_patient(monitor),
            retraining=monitor.retraining,
            sinks=settings.sinks,
            kinds=[spec.name for spec in monitor.specs],
            links=links,
        )
        return pipeline, reaction

    letters = DeadLetters(None if state.path is None else state.path.with_suffix(".dead-letters.ndjson"))
    queue = None if history or dead_letter_topic(monitor.source) is None else DeadLetterQueue(monitor.name)
    return Watch(make, letters, monitor.idle, clock.monotonic(), queue=queue)


def _patient(monitor: MonitorSettings) -> AlertOptions:
    """Alert options under which one window that cannot tell never takes an alert back."""
    longest = max((spec.length / MICROSECONDS for spec in monitor.specs if not spec.by_rows), default=0.0)
    expire_after = max(monitor.alerts.expire_after, WINDOWS_TO_EXPIRE * longest)
    return monitor.alerts.model_copy(update={"expire_after": expire_after})


def _intake(monitor: MonitorSettings, layout: Layout) -> Intake:
    return Intake(
        layout=layout,
        specs=monitor.specs,
        disorder=round(monitor.disorder * MICROSECONDS),
        ahead=AHEAD_SECONDS * MICROSECONDS,
        max_versions=monitor.max_versions,
        max_segments=monitor.max_segments,
        pane=0 if monitor.pane == "auto" else round(monitor.pane * MICROSECONDS),
    )


def destinations(settings: Settings) -> list[Destination]:
    """Everybody who gets messages: the sinks, each monitor's retraining webhook, and topics for dead letters."""
    webhooks = [
        RetrainingDestination(monitor.name, monitor.retraining.webhook)
        for monitor in settings.monitors
        if monitor.retraining is not None
    ]
    letters = [
        DeadLetterDestination(monitor.name, *topic)
        for monitor in settings.monitors
        if (topic := dead_letter_topic(monitor.source)) is not None
    ]
    return [*(AlertDestination(sink) for sink in settings.sinks), *webhooks, *letters]


@dataclass
class Assembly:
    """The parts of a daemon under one configuration."""

    settings: Settings
    state: State
    telemetry: Telemetry
    engine: Engine
    deliveries: Deliveries
    reader: State
    server: HttpServer

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the daemon."""
        return self.server.url

    def start(self) -> None:
        """Begin to answer and to deliver.

        Raises:
            HttpError: the server does not start.
        """
        self.server.start()
        self.deliveries.start()

    def stop(self, seconds: float) -> None:
        """End in order: deliveries get some seconds, then HTTP, sources and state close."""
        self.deliveries.stop(seconds)
        self.server.stop()
        self.engine.close()
        self.reader.close()
        self.state.close()


def assemble(settings: Settings, clock: Clock) -> Assembly:
    """Open and connect everything; nothing runs yet, but the port is bound.

    Raises:
        StateError: the state file cannot be used.
        HttpError: the port is taken.
        ReferenceUnusableError: a reference cannot be read or fitted.
    """
    with ExitStack() as undo:
        state = State.open(settings.state)
        undo.callback(state.close)
        reader = state.reader()
        undo.callback(reader.close)
        names = [monitor.name for monitor in settings.monitors]
        telemetry = Telemetry(names, max_series=settings.http.max_series, clock=clock)
        deliveries = Deliveries(state, destinations(settings), clock=clock, on_outcome=telemetry.delivery)
        sight = Sight(telemetry, reader, lambda key: deliveries.retry([key]) > 0, settings.http.token_file)
        server = HttpServer(build_app(sight), settings.http.host, settings.http.port)
        undo.callback(server.stop)
        links = {"driftd": settings.http.page(server.url)}
        retire_alerts(state, telemetry.monitors, settings.sinks, clock.now())
        engine = build_engine(settings, state, telemetry, clock, links=links)
        engine.on_messages = deliveries.notify
        undo.pop_all()
    return Assembly(settings, state, telemetry, engine, deliveries, reader, server)
