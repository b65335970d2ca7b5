"""The threads of delivery: one for each destination, a thin shell around `Worker.step`."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

import structlog

from monitor.clock import Clock, SystemClock
from monitor.delivery.destinations import Destination
from monitor.delivery.worker import Outcome, Worker
from monitor.state.errors import StateError
from monitor.state.outbox import Delivery
from monitor.state.state import State

log = structlog.get_logger()

LONGEST_WAIT_SECONDS = 60.0
STATE_FAILED_SECONDS = 30.0
"""A worker that could not write down how a call went waits this long; the loop meets the same error and stops."""


class Deliveries:
    """Starts, wakes and stops the workers. Its methods may be called from any thread."""

    def __init__(
        self,
        state: State,
        destinations: Sequence[Destination],
        *,
        clock: Clock | None = None,
        on_outcome: Outcome = lambda _destination, _outcome: None,
    ) -> None:
        """Prepare a worker for each destination; their names must differ."""
        self._state = state
        self._clock = clock or SystemClock()
        self._runners = [
            _Runner(Worker(destination, state, self._clock, on_outcome=on_outcome))
            for destination in destinations
        ]

    def start(self) -> None:
        """Begin to deliver; warns of messages for destinations that are no longer configured."""
        orphans = self.orphans()
        if orphans:
            log.warning(
                "messages wait for destinations that are not configured", destinations=sorted(orphans)
            )
        for runner in self._runners:
            runner.thread.start()

    def notify(self) -> None:
        """There may be new messages: called after a commit that wrote some."""
        for runner in self._runners:
            runner.wake.set()

    def retry(self, message_ids: Collection[str]) -> int:
        """Send dead or waiting messages again now; how many there were.

        Raises:
            StateError: the state file cannot be written.
        """
        with self._state.transaction() as state:
            number = state.outbox.retry(message_ids, at=self._clock.now())
        for runner in self._runners:
            runner.worker.resume()
        self.notify()
        return number

    def orphans(self) -> set[str]:
        """Destinations of pending messages that nobody serves."""
        served = {runner.worker.destination.name for runner in self._runners}
        pending = {name for (name, standing) in self._state.outbox.counts() if standing is Delivery.PENDING}
        return pending - served

    def stop(self, deadline_seconds: float) -> bool:
        """Send what is due, as far as that goes within the deadline, and end; what is left stays in the outbox.

        Returns:
            Whether every worker has ended; one that hangs in a call ends with the process.
        """
        until = self._clock.monotonic() + deadline_seconds
        for runner in self._runners:
            runner.stop_by(until)
        for runner in self._runners:
            if runner.thread.ident is not None:
                runner.thread.join(max(0.0, until - self._clock.monotonic()))
        ended = [runner for runner in self._runners if not runner.thread.is_alive()]
        for runner in ended:
            runner.worker.destination.close()
        return len(ended) == len(self._runners)


class _Runner:
    """One worker's thread."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.wake = threading.Event()
        self.thread = threading.Thread(
            target=self._run, name=f"deliver-{worker.destination.name}", daemon=True
        )
        self._stop_by: float | None = None

    def stop_by(self, monotonic: float) -> None:
        """The step after this one is the last, and begins no call after this time."""
        self._stop_by = monotonic
        self.wake.set()

    def _run(self) -> None:
        while True:
            self.wake.clear()
            last = self._stop_by is not None
            wait = self._step()
            if last:
                return
            self.wake.wait(wait)

    def _step(self) -> float:
        try:
            self.worker.step(go_on=self._go_on)
            return self.worker.wait_seconds(LONGEST_WAIT_SECONDS)
        except StateError as error:
            if self._stop_by is None:
                log.exception("delivery cannot use the state file", destination=self.worker.destination.name)
            else:
                log.info("delivery ends", destination=self.worker.destination.name, why=str(error))
            return STATE_FAILED_SECONDS

    def _go_on(self) -> bool:
        return self._stop_by is None or self.worker.clock.monotonic() < self._stop_by
