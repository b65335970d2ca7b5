"""A sink that keeps what it gets: the test double for everything that sends alerts."""

from __future__ import annotations

from typing import Literal

from pydantic import PrivateAttr

from sinks.base import Alert, DeliveryError, Sink


class MemorySink(Sink):
    """Keeps alerts with their ids, and fails when it was told to."""

    type: Literal["memory"] = "memory"

    _emitted: list[tuple[str, Alert]] = PrivateAttr(default_factory=list)
    _failures: list[DeliveryError] = PrivateAttr(default_factory=list)

    @property
    def emitted(self) -> list[tuple[str, Alert]]:
        """(message id, alert) in the order in which they came."""
        return self._emitted

    def fail_next(self, *failures: DeliveryError) -> None:
        """The next calls of `emit` raise these, one each."""
        self._failures.extend(failures)

    def emit(self, alert: Alert, *, message_id: str, now: int) -> None:  # noqa: ARG002 - nothing here depends on time
        """Keep the alert.

        Raises:
            DeliveryError: as `fail_next` asked for.
        """
        if self._failures:
            raise self._failures.pop(0)
        self._emitted.append((message_id, alert))
