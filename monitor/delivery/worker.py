"""One destination's work: what is due is sent, how it went is written down."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import structlog

from monitor.alerts.track import Track
from monitor.clock import MICROSECONDS, Clock
from monitor.delivery.backoff import Again, after_failure
from monitor.delivery.destinations import KEPT, Destination
from monitor.state.outbox import Entry
from monitor.state.state import State
from sinks.base import AlertState, DeliveryError

log = structlog.get_logger()

Outcome = Callable[[str, str], None]
"""Told of (destination, `delivered` | `retried` | `dead`) after each try."""

PAUSE_SECONDS = 15.0
"""A destination that failed is left alone at most this long, unless it asked for more; other messages wait with it."""

_ERROR_LENGTH = 300


class Worker:
    """Steps over the due messages of one destination; the clock, chance and the thread come from outside.

    A message is sent first and marked afterwards: a crash in between sends it again under the same id.
    """

    def __init__(
        self,
        destination: Destination,
        state: State,
        clock: Clock,
        *,
        on_outcome: Outcome = lambda _destination, _outcome: None,
        random: Random | None = None,
    ) -> None:
        self.destination = destination
        self._state = state
        self.clock = clock
        self._on_outcome = on_outcome
        self._random = random or Random()  # noqa: S311 - jitter, not a secret
        self._paused_until = 0
        self._repeated_at = 0

    def step(self, *, go_on: Callable[[], bool] = lambda: True) -> None:
        """Send what is due now; after a failure the rest waits for the next step.

        Args:
            go_on: asked before each message; False ends the step.

        Raises:
            StateError: the state file cannot be used.
        """
        while self.clock.now() >= self._paused_until and go_on():
            due = self._state.outbox.due(self.destination.name, self.clock.now(), limit=1)
            if not due:
                break
            self._try(due[0])
        self._repeat()

    def resume(self) -> None:
        """Forget the pause after a failure: a person asked for another try."""
        self._paused_until = 0

    def wait_seconds(self, longest: float) -> float:
        """Seconds until there is something to do, at most `longest`.

        Raises:
            StateError: the state file cannot be used.
        """
        due = self._state.outbox.next_due(self.destination.name)
        times = [] if due is None else [max(due, self._paused_until)]
        if self.destination.repeat_seconds:
            times.append(self._next_repeat())
        if not times:
            return longest
        return min(longest, max(0.0, (min(times) - self.clock.now()) / MICROSECONDS))

    def _try(self, entry: Entry) -> None:
        name = self.destination.name
        try:
            self._send(entry)
        except DeliveryError as error:
            self._failed(entry, error)
            return
        with self._state.transaction() as state:
            keep = entry.message.kind in KEPT
            state.outbox.mark_delivered(entry.message.id, at=self.clock.now(), keep_body=keep)
        log.info("delivered", destination=name, id=entry.message.id, kind=entry.message.kind)
        self._on_outcome(name, "delivered")

    def _send(self, entry: Entry) -> None:
        """Send, with any failure of a sink as a `DeliveryError`: a plug-in's mistake must not end the thread."""
        try:
            self.destination.send(entry.message, self.clock.now())
        except DeliveryError:
            raise
        except Exception as error:
            log.exception("sink failed", destination=self.destination.name)
            raise DeliveryError(f"{type(error).__name__}: {error}") from error

    def _failed(self, entry: Entry, error: DeliveryError) -> None:
        name, now, words = self.destination.name, self.clock.now(), str(error)[:_ERROR_LENGTH]
        verdict = after_failure(
            entry,
            error,
            now=now,
            give_up_after_seconds=self.destination.give_up_after_seconds,
            chance=self._random.random(),
        )
        with self._state.transaction() as state:
            if isinstance(verdict, Again):
                state.outbox.mark_failed(entry.message.id, next_at=verdict.at, error=words)
            else:
                state.outbox.mark_dead(entry.message.id, at=now, error=words)
        if isinstance(verdict, Again):
            longest = now + round(PAUSE_SECONDS * MICROSECONDS)
            self._paused_until = verdict.at if error.retry_after is not None else min(verdict.at, longest)
        outcome = "retried" if isinstance(verdict, Again) else "dead"
        log.warning("delivery failed", destination=name, id=entry.message.id, outcome=outcome, error=words)
        self._on_outcome(name, outcome)

    def _repeat(self) -> None:
        """Firing alerts again, for destinations that forget; a failure is made good by the next time."""
        now = self.clock.now()
        if not self.destination.repeat_seconds or now < max(self._next_repeat(), self._paused_until):
            return
        self._repeated_at = now
        for value in self._state.alerts.of(state=AlertState.FIRING.value).values():
            try:
                self.destination.repeat(Track.from_json(value).alert, now)
            except DeliveryError as error:
                log.warning(
                    "repeat failed", destination=self.destination.name, error=str(error)[:_ERROR_LENGTH]
                )
                return

    def _next_repeat(self) -> int:
        return self._repeated_at + round(self.destination.repeat_seconds * MICROSECONDS)
