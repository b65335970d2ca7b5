"""One monitor at work: its pipeline, what follows from its windows, and how its source is doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from monitor import checkpoint
from monitor.sources.base import Position, SharedSource

if TYPE_CHECKING:
    from monitor.decode.dead_letters import DeadLetters
    from monitor.delivery.dead_letters import DeadLetterQueue
    from monitor.pipeline import Pipeline
    from monitor.reaction import Reaction
    from monitor.state.state import State
    from monitor.state.windows import StoredWindow

log = structlog.get_logger()

ASLEEP_SECONDS = 10.0
"""A source that was not asked for so long was not asked at all."""


@dataclass
class Watch:
    """One monitor at work.

    Attributes:
        make: makes the pipeline and the reaction as they are before the first row, over the same source.
        idle_seconds: quiet for so long, the source no longer holds event time back.
        quiet_since: monotonic seconds of the last batch. looked_at: the same of the last look at the source.
        retry_at: when a failed source is tried again.
        trouble: what the source says is wrong although it can be polled.
        began: the source could be read at some time; one that is shared says so itself.
        slept: before the last look nobody looked for long.
        queue: takes the dead letters that go to a topic, where one is asked for.
        closed: windows since the last commit, with their profiles as bytes.
    """

    make: Callable[[], tuple[Pipeline, Reaction]]
    dead_letters: DeadLetters
    idle_seconds: float
    quiet_since: float
    retry_at: float = 0.0
    failures: int = 0
    trouble: str = ""
    slept: bool = False
    queue: DeadLetterQueue | None = None
    closed: list[tuple[StoredWindow, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.looked_at = self.quiet_since
        self.pipeline, self.reaction = self.make()
        self.began = self.shared is None

    @property
    def name(self) -> str:
        """The monitor's name."""
        return self.pipeline.name

    @property
    def shared(self) -> SharedSource | None:
        """Its source, where that shares partitions with others."""
        return self.pipeline.shared

    def look(self, now: float) -> None:
        """The source is asked now.

        Time in which nobody asked, as this process was stopped, says nothing about a source that others write to; nor
        does time in which it cannot be read, or holds what is still to be fetched.
        """
        asleep, self.looked_at = now - self.looked_at, now
        if self.shared is None:
            return
        slept, self.slept = self.slept, asleep > ASLEEP_SECONDS
        if self.slept:
            self.quiet_since += asleep
        if self.slept and not slept:  # twice in a row it is slow
            self.pipeline.intake.watermark.wait_anew()
        if self.trouble or self.shared.behind:
            self.quiet_since = now

    def back(self) -> None:
        """The source can be read again: partitions have been silent from now on."""
        log.info("source back", monitor=self.name)
        self.pipeline.intake.watermark.wait_anew()

    def restore(self, state: State) -> None:
        """Take up the state of the last run."""
        checkpoint.restore(state, self.pipeline)
        self.reaction.restore(state)

    def roll_back(self, state: State) -> None:
        """Forget everything since the last commit, and send the source back to it."""
        self.pipeline, self.reaction = self.make()
        self.closed.clear()
        self.restore(state)
        if self.pipeline.position is None:
            self.pipeline.source.seek(Position({}))
