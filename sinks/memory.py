"""A sink that keeps what it gets: the test double for everything that sends alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import PrivateAttr

from sinks.base import Alert, DeliveryError, WindowSink


class MemorySink(WindowSink):
    """Keeps alerts and windows with their ids, and fails when it was told to."""

    type: Literal["memory"] = "memory"

    windows: bool = False
    """Whether it takes the results of closed windows."""

    _emitted: list[tuple[str, Alert]] = PrivateAttr(default_factory=list)
    _told: list[tuple[str, Mapping[str, Any]]] = PrivateAttr(default_factory=list)
    _failures: list[DeliveryError] = PrivateAttr(default_factory=list)

    @property
    def emitted(self) -> list[tuple[str, Alert]]:
        """(message id, alert) in the order in which they came."""
        return self._emitted

    @property
    def told(self) -> list[tuple[str, Mapping[str, Any]]]:
        """(message id, event) of windows in the order in which they came."""
        return self._told

    @property
    def wants_windows(self) -> bool:
        """As the options say."""
        return self.windows

    def fail_next(self, *failures: DeliveryError) -> None:
        """The next calls raise these, one each."""
        self._failures.extend(failures)

    def emit(self, alert: Alert, *, message_id: str, now: int) -> None:  # noqa: ARG002 - nothing here depends on time
        """Keep the alert.

        Raises:
            DeliveryError: as `fail_next` asked for.
        """
        self._fail_if_told()
        self._emitted.append((message_id, alert))

    def emit_window(self, event: Mapping[str, Any], *, message_id: str, now: int) -> None:  # noqa: ARG002 - as above
        """Keep the window's event.

        Raises:
            DeliveryError: as `fail_next` asked for.
        """
        self._fail_if_told()
        self._told.append((message_id, event))

    def _fail_if_told(self) -> None:
        if self._failures:
            raise self._failures.pop(0)
