"""The clock's thread: puts a tick on the loop's queue every second, and does nothing else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from apscheduler.schedulers.background import BackgroundScheduler

if TYPE_CHECKING:
    from queue import SimpleQueue
    from threading import Event
    from types import TracebackType

TICK_SECONDS = 1


class Ticker:
    """Ticks while it is entered. What is due at a tick follows from the state, never from the scheduler's memory."""

    def __init__(self, ticks: SimpleQueue[str], wake: Event) -> None:
        self._ticks, self._wake = ticks, wake
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._scheduler.add_job(
            self._tick,
            "interval",
            seconds=TICK_SECONDS,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def _tick(self) -> None:
        if self._ticks.empty():
            self._ticks.put("tick")
            self._wake.set()

    def __enter__(self) -> Self:
        self._scheduler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.shutdown(wait=False)
