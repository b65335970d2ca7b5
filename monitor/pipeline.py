"""One monitor's route of a row: poll, take in, close windows, evaluate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from monitor.evaluation import Evaluation
from monitor.sources.base import shared
from monitor.windows.history import History
from monitor.windows.spec import Key, late_before
from monitor.windows.watermark import Holders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.profile import Profile
    from monitor.evaluation import Evaluator
    from monitor.intake import Intake
    from monitor.records import Gap, RecordBatch, Reject
    from monitor.references import References
    from monitor.sources.base import Position, SharedSource, Source
    from monitor.streams import Streams
    from monitor.windows.book import ClosedWindow, PaneBook

MAX_PANES = 64
"""Panes that are open at once for one batch, roughly: a profile of 50 columns takes 0.3 MB."""

GATHERED_ROWS = 8_192
"""What a daemon's memory bears."""

REPLAYED_ROWS = 8 * GATHERED_ROWS
"""What a replay gathers, which may be larger: a row then costs half as much."""


@dataclass
class Pipeline:
    """Everything that one monitor needs between its source and its findings.

    Attributes:
        uncommitted: rows by outcome since the last commit. rejects: records for the dead letters, since then.
        unsaved: profiles of windows closed since then, where windows of a week ago are looked up.
        gaps: what was missing in the source, since then.
        position: the source's position after the last batch.
        gathered_rows: so many rows are profiled together; fewer at a commit, or when a window ends.
    """

    name: str
    source: Source
    references: References
    intake: Intake
    evaluator: Evaluator
    streams: Streams
    history: History = field(default_factory=History)
    uncommitted: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    unsaved: dict[tuple[str, Key, int], Profile] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    position: Position | None = None
    gathered_rows: int = GATHERED_ROWS

    @cached_property
    def shared(self) -> SharedSource | None:
        """The source, where that shares partitions with others."""
        return shared(self.source)

    def poll(self, timeout_seconds: float) -> RecordBatch | None:
        """The next batch of the source, or None.

        Raises:
            SourceError: the source is out of reach.
            PartitionsLostError: what is not committed must be forgotten.
        """
        return self.source.poll(timeout_seconds)

    def process(self, batch: RecordBatch, now: int) -> Iterator[Evaluation]:
        """Take a batch in, and evaluate the windows that its rows close.

        Rows are gathered, and put into panes and streams many at a time: at the latest by `close_due`.

        Args:
            batch: rows in canonical columns.
            now: wall time in microseconds since the epoch.
        """
        for part in self._parts(batch):
            self.uncommitted.update(self.intake.take(part, now, self._holders))
            if self._is_time_to_settle():
                yield from self.close_due()
        self.rejects.extend(batch.rejects)
        self.uncommitted.update(batch.outcomes)
        self.gaps.extend(batch.gaps)
        self.position = batch.position

    def _is_time_to_settle(self) -> bool:
        """Enough rows wait, or a window does."""
        intake = self.intake
        return intake.waiting >= self.gathered_rows or intake.panes_waiting > MAX_PANES or intake.due

    def _parts(self, batch: RecordBatch) -> Iterator[RecordBatch]:
        """A batch that reaches over very many panes in parts, so that memory stays bounded."""
        height = batch.frame.height
        panes = self.intake.panes_in(batch.frame)
        if panes <= MAX_PANES:
            yield batch
            return
        size = max(1, height * MAX_PANES // panes)
        for start in range(0, height, size):
            rejects = batch.rejects if start == 0 else ()
            yield replace(batch, frame=batch.frame.slice(start, size), rejects=rejects)

    @property
    def _holders(self) -> Holders:
        book = self.intake.time
        if self.shared is None or book is None:
            return Holders(self.source.behind)
        return Holders(self.source.behind, self.shared.assigned, book.room)

    def wait(self, now: int) -> bool:
        """The source has nothing just now: time goes by for the partitions that hold the watermark back.

        Returns:
            Whether event time has gone on. Not while it is unknown which partitions are read here.
        """
        if self.shared is None:
            return False
        holders, mark = self._holders, self.intake.watermark
        return bool(holders.open) and mark.value < mark.wait(holders, now)

    def idle(self, elapsed: int) -> None:
        """The source has given nothing for `elapsed` microseconds: event time goes on without it."""
        self.intake.watermark.idle(elapsed)

    def close_due(self, *, flush: bool = False) -> Iterator[Evaluation]:
        """Put gathered rows into their panes and evaluate the windows that are due, oldest end first.

        Args:
            flush: close the windows that hold the newest rows too, at the end of a replay.
        """
        intake = self.intake
        for taken in intake.settle():
            self.streams.take(self.references.main, taken.frame, taken.versions)
        if intake.time is not None:
            mark = intake.watermark.value
            silent = Key(intake.newest_version)
            for window in intake.time.close(mark, silent=silent, flush=flush):
                yield self._evaluate(window, partial=flush and window.end > mark)
        if intake.counted is not None:
            for window in intake.counted.close(intake.rows, flush=flush):
                yield self._evaluate(window, partial=False)
        self._forget_alarms(intake.time, intake.counted)

    def _evaluate(self, window: ClosedWindow, *, partial: bool) -> Evaluation:
        before = self.history.before(window)
        reference, history = self.references.choose(window, before, self._earlier)
        alarms = self.streams.within(window)
        if reference is None:
            evaluation = Evaluation(window, tuple(alarms))
        else:
            evaluation = self.evaluator.evaluate(reference, window, history, alarms, partial=partial)
        profile = window.profile.without_sample()
        self.history.add(window.spec, window.key, window.start, profile)
        if self.references.kind == "week_ago":
            self.unsaved[(window.spec.name, window.key, window.start)] = profile
        return evaluation

    def _earlier(self, window: ClosedWindow, start: int) -> Profile | None:
        """The profile of an earlier window: from the state, or from before the next commit."""
        found = self.unsaved.get((window.spec.name, window.key, start))
        if found is None and self.references.stored is not None:
            return self.references.stored(window, start)
        return found

    def _forget_alarms(self, time: PaneBook | None, counted: PaneBook | None) -> None:
        """Change detectors' alarms that no open window can contain any more."""
        if not self.streams.waiting:
            return
        before_time = before_row = None
        if time is not None:
            before_time = int(late_before(time.specs, np.asarray(self.intake.watermark.value)))
        if counted is not None:
            before_row = {
                key.version: min(counted.closed.get((spec.name, key), 0) for spec in counted.specs)
                for key in self.intake.rows
                if not key.segment
            }
        self.streams.forget(before_time, before_row)
