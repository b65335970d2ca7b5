"""The daemon: one loop over the engine's steps, with the threads around it started and ended in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, current_thread, main_thread
from typing import TYPE_CHECKING, Any

import structlog

from monitor.assembly import Assembly, assemble
from monitor.clock import MICROSECONDS, Clock, SystemClock
from monitor.referencing import ReferenceUnusableError, try_references
from monitor.settings.mistakes import ConfigurationError
from monitor.ticker import Ticker

if TYPE_CHECKING:
    from monitor.settings import Settings

log = structlog.get_logger()

IDLE_SECONDS = 0.5
"""Between two looks at sources that had nothing."""

STOP_SECONDS = 10.0
"""For deliveries under way when the daemon is told to stop."""

PRUNE_SECONDS = 3600.0


@dataclass
class Daemon:
    """Runs until it is told to stop.

    Attributes:
        load: reads the configuration; called again on SIGHUP.
        once: end when every source is read to its end, after closing the last windows.
        ready: set when the first configuration is in force and HTTP answers.
    """

    load: Callable[[], Settings]
    once: bool = False
    clock: Clock = field(default_factory=SystemClock)
    ready: Event = field(default_factory=Event)
    _stop: Event = field(default_factory=Event)
    _reload: Event = field(default_factory=Event)
    _wake: Event = field(default_factory=Event)
    _ticks: SimpleQueue[str] = field(default_factory=SimpleQueue)
    _pruned: float = float("-inf")

    def run(self) -> None:
        """Work until SIGTERM, SIGINT or `stop`; state is saved and deliveries are given some seconds.

        Raises:
            ConfigurationError: the first configuration is wrong.
            StateError: the state file cannot be used or written any more.
            HttpError: the port is taken.
            ReferenceUnusableError: a reference cannot be read or fitted.
        """
        settings = self.load()
        with self._signals(), Ticker(self._ticks, self._wake):
            parts = self._assembled(settings)
            try:
                parts.start()
                log.info("driftd runs", url=parts.url, monitors=[m.name for m in settings.monitors])
                self.ready.set()
                while not self._stop.is_set():
                    parts = self._turn(parts)
            finally:
                self._shut(parts)
        log.info("driftd stopped")

    def stop(self) -> None:
        """End the loop after the step under way; from any thread."""
        self._stop.set()
        self._wake.set()

    def _turn(self, parts: Assembly) -> Assembly:
        """One step of everything; waits a little where there was nothing to do."""
        worked = parts.engine.step()
        self._tick(parts)
        if self._reload.is_set():
            self._reload.clear()
            return self._reloaded(parts)
        if worked:
            return parts
        if self.once and parts.engine.exhausted:
            parts.engine.finish()
            self._stop.set()
        else:
            self._wake.wait(min(IDLE_SECONDS, parts.engine.commit_in_seconds))
            self._wake.clear()
        return parts

    def _tick(self, parts: Assembly) -> None:
        """What is due by the clock: scheduled retraining, retention, figures of the outbox."""
        try:
            self._ticks.get_nowait()
        except Empty:
            return
        parts.engine.tick()
        if self.clock.monotonic() - self._pruned > PRUNE_SECONDS:
            self._pruned = self.clock.monotonic()
            retention = int(parts.settings.retention * MICROSECONDS)
            with parts.state.transaction() as state:
                state.prune(self.clock.now() - retention)

    def _reloaded(self, parts: Assembly) -> Assembly:
        """The same daemon under the new configuration, or under the old one where the new one is wrong."""
        try:
            settings = self.load()
            try_references(settings)
        except (ConfigurationError, ReferenceUnusableError) as error:
            log.error("configuration refused, the old one stays", error=str(error))  # noqa: TRY400 - no traceback
            return parts
        parts.engine.commit()
        parts.stop(STOP_SECONDS)
        fresh = self._assembled(settings)
        fresh.start()
        log.info("configuration reloaded", monitors=[m.name for m in settings.monitors])
        return fresh

    def _assembled(self, settings: Settings) -> Assembly:
        parts = assemble(settings, self.clock)
        parts.engine.listen(self._wake.set)
        return parts

    def _shut(self, parts: Assembly) -> None:
        """Save what is open, give deliveries their time, close."""
        try:
            parts.engine.commit()
        finally:
            parts.stop(STOP_SECONDS)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop, SIGHUP reloads; only the main thread can listen to them."""
        if current_thread() is not main_thread():
            yield
            return

        def stop(_signal: int, _frame: Any) -> None:
            self.stop()

        def reload(_signal: int, _frame: Any) -> None:
            self._reload.set()
            self._wake.set()

        wanted = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
        before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
