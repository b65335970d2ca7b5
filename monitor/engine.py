"""The daemon's work without its threads: steps over all monitors, and one transaction at each commit point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import structlog

from monitor import checkpoint
from monitor.alerts.gaps import words_of
from monitor.clock import MICROSECONDS, Clock
from monitor.reporting import active_alerts, close_delay_seconds, pending_by_destination, window_report
from monitor.results import result_json
from monitor.sources.base import PartitionsLostError, SourceError
from monitor.state.windows import StoredWindow

if TYPE_CHECKING:
    from monitor.evaluation import Evaluation
    from monitor.metrics import Telemetry
    from monitor.records import RecordBatch
    from monitor.state.state import State
    from monitor.watch import Watch
    from sinks.base import Alert

log = structlog.get_logger()

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 15.0


@dataclass
class Engine:
    """Steps over the watches and commits; a step takes one batch of each monitor.

    Attributes:
        commit_seconds: longest time between two commits while rows come in.
        strict: a source that fails raises; otherwise it is tried again.
        poll_seconds: how long a source may wait for rows before it says that there are none.
        on_window, on_alert: told of every evaluation and every change of an alert, in order.
        on_messages: told after a commit that put messages into the outbox.
    """

    watches: Sequence[Watch]
    state: State
    telemetry: Telemetry
    clock: Clock
    commit_seconds: float = 1.0
    poll_seconds: float = 0.0
    strict: bool = False
    on_window: Callable[[str, Evaluation], None] = lambda _name, _evaluation: None
    on_alert: Callable[[Alert], None] = lambda _alert: None
    on_messages: Callable[[], None] = lambda: None
    uncommitted_since: float | None = None
    urgent: bool = False

    @property
    def exhausted(self) -> bool:
        """Every source is read to its end."""
        return all(watch.pipeline.source.exhausted for watch in self.watches)

    @property
    def size_bytes(self) -> tuple[int, int]:
        """(read so far, known in all) over all sources."""
        sizes = [watch.pipeline.source.size_bytes for watch in self.watches]
        return sum(read for read, _ in sizes), sum(total for _, total in sizes)

    def listen(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, from any thread, when a source has much to take or waits for a commit."""
        for watch in self.watches:
            if (source := watch.shared) is not None:
                source.listen(wake)

    def close(self) -> None:
        """Give back the sources' files and connections."""
        # side by side: one that hangs holds up no other
        with ThreadPoolExecutor(max_workers=len(self.watches) or 1) as pool:
            list(pool.map(lambda watch: watch.pipeline.source.close(), self.watches))

    def restore(self) -> None:
        """Take up the state of the last run."""
        for watch in self.watches:
            watch.restore(self.state)

    def step(self) -> bool:
        """One batch of each monitor, at most; whether any gave rows."""
        worked = False
        for watch in self.watches:
            worked |= self._step(watch)
        self.telemetry.beat()
        self.commit_if_due()
        return worked

    def _step(self, watch: Watch) -> bool:
        """One batch of one monitor; a source that fails is left alone for a while."""
        now = self.clock.monotonic()
        if now < watch.retry_at:
            return False
        watch.look(now)
        try:
            batch = watch.pipeline.poll(self.poll_seconds)
        except PartitionsLostError as error:
            self._roll_back(watch, error)
            return False
        except SourceError as error:
            if self.strict:
                raise
            self._source_failed(watch, error)
            return False
        watch.began |= batch is not None
        self._source_works(watch)
        if batch is None:
            self._idle(watch, now)
            return False
        watch.quiet_since = now
        self._take(watch, batch)
        return True

    def _take(self, watch: Watch, batch: RecordBatch) -> None:
        """Rows into the pipeline, and what follows from them."""
        for evaluation in watch.pipeline.process(batch, self.clock.now()):
            self._react(watch, evaluation)
        if batch.gaps:
            for gap in batch.gaps:
                log.warning("records are missing in the source", monitor=watch.name, **words_of(gap))
            self._tell(watch, watch.reaction.missing(batch.gaps, self._event_time(watch)))
        self._changed()

    def _roll_back(self, watch: Watch, error: PartitionsLostError) -> None:
        log.warning(
            "rows since the last commit are read again", monitor=watch.name, why=str(error), hint=error.hint
        )
        watch.roll_back(self.state)

    def _source_failed(self, watch: Watch, error: SourceError) -> None:
        watch.failures += 1
        wait = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** (watch.failures - 1))
        watch.retry_at = self.clock.monotonic() + wait
        if watch.failures == 1:
            log.warning("source unreachable", monitor=watch.pipeline.name, error=str(error), hint=error.hint)
        self.telemetry.ready(watch.pipeline.name, f"source: {error}")

    def _source_works(self, watch: Watch) -> None:
        if watch.failures:
            watch.back()
        watch.failures, watch.retry_at = 0, 0.0
        if watch.began or watch.trouble:
            self.telemetry.ready(watch.name, f"source: {watch.trouble}" if watch.trouble else None)

    def _look_at_source(self, watch: Watch) -> None:
        """How a shared source stands: figures for the metrics, trouble for readiness."""
        if (source := watch.shared) is None:
            return
        report = source.report()
        self.telemetry.source(watch.name, report)
        if report.trouble and report.trouble != watch.trouble:
            log.warning("source in trouble", monitor=watch.name, error=report.trouble, hint=report.hint)
        elif watch.trouble and not report.trouble:
            watch.back()
        watch.trouble, watch.began = report.trouble, watch.began or report.began

    def _idle(self, watch: Watch, now: float) -> None:
        """The source has nothing: after seconds silent partitions are not waited for, after minutes no row is."""
        quiet = now - watch.quiet_since
        if quiet >= watch.idle_seconds:
            watch.pipeline.idle(int(quiet * MICROSECONDS))
        elif not watch.trouble and watch.pipeline.wait(self.clock.now()):
            self._changed()
        else:
            return
        for evaluation in watch.pipeline.close_due():
            self._react(watch, evaluation)
            self._changed()

    def finish(self) -> None:
        """Close every window that has rows, at the end of a replay, and commit."""
        for watch in self.watches:
            for evaluation in watch.pipeline.close_due(flush=True):
                self._react(watch, evaluation)
        self._changed()
        self.commit()

    def _react(self, watch: Watch, evaluation: Evaluation) -> None:
        """Alerts and calls that follow from a window; kept until the next commit."""
        name = watch.pipeline.name
        watch.closed.append(stored_window(name, evaluation, self.clock.now()))
        self.on_window(name, evaluation)
        self.telemetry.window_closed(window_report(name, evaluation))
        self.telemetry.close_delay(name, close_delay_seconds(evaluation, self.clock.now()))
        self._tell(watch, watch.reaction.react(evaluation, self._event_time(watch)))

    def _tell(self, watch: Watch, alerts: Sequence[Alert]) -> None:
        """Alerts that changed; they and retraining calls do not wait for the next commit in turn."""
        for alert in alerts:
            self.on_alert(alert)
            self.urgent = True
        self.urgent |= bool(watch.reaction.requests)

    def _event_time(self, watch: Watch) -> int:
        """How far the monitor's rows have come; wall time where they have no time."""
        watermark = watch.pipeline.intake.watermark
        return watermark.seen if watermark.started else self.clock.now()

    def tick(self) -> None:
        """What is due by the clock rather than by rows."""
        for watch in self.watches:
            self._look_at_source(watch)
            if watch.reaction.tick(self.clock.now(), watch.pipeline.intake.newest_version):
                self.urgent = True
                self._changed()
        self.telemetry.outbox_pending(pending_by_destination(self.state))

    def _changed(self) -> None:
        if self.uncommitted_since is None:
            self.uncommitted_since = self.clock.monotonic()

    @property
    def commit_in_seconds(self) -> float:
        """How long until the next commit is due; infinite while nothing waits for one."""
        since = self.uncommitted_since
        return inf if since is None else max(0.0, since + self.commit_seconds - self.clock.monotonic())

    def commit_if_due(self) -> None:
        """Commit when alerts or sources wait for it, or the last commit is long enough ago."""
        wanted = any(s.commit_wanted for watch in self.watches if (s := watch.shared) is not None)
        due = self.commit_in_seconds <= 0 or (self.urgent and self.uncommitted_since is not None)
        if wanted or due:
            self.commit()

    def commit(self) -> None:
        """Everything since the last commit becomes durable together: rows, windows, alerts, calls, positions.

        Raises:
            StateError: the state file cannot be written; nothing of it counts as done.
        """
        for watch in self.watches:
            self._before_commit(watch)
            for evaluation in watch.pipeline.close_due():
                self._react(watch, evaluation)
            if watch.pipeline.rejects:
                watch.dead_letters.write(watch.pipeline.rejects)
        told = self.urgent or any(watch.reaction.windows for watch in self.watches)
        with self.state.transaction() as state:
            for watch in self.watches:
                for window, profile in watch.closed:
                    state.windows.put(window, profile)
                watch.reaction.save(state, self.clock.now())
                if watch.queue is not None:
                    told |= watch.queue.put(state.outbox, watch.pipeline.rejects, self.clock.now())
                checkpoint.save(state, watch.pipeline, self.clock.now())
        if told:
            self.on_messages()
        for watch in self.watches:
            self._publish(watch)
            if (source := watch.shared) is not None:
                source.committed(watch.pipeline.position)
        self.uncommitted_since, self.urgent = None, False

    def _before_commit(self, watch: Watch) -> None:
        """A source that shares its partitions may say that they are no longer its own."""
        try:
            if (source := watch.shared) is not None:
                source.before_commit()
        except PartitionsLostError as error:
            self._roll_back(watch, error)

    def _publish(self, watch: Watch) -> None:
        """After the commit: counts into the metrics, and the working lists begin anew."""
        name, pipeline = watch.pipeline.name, watch.pipeline
        for outcome, rows in pipeline.uncommitted.items():
            self.telemetry.records(name, outcome, rows)
        for reject in pipeline.rejects:
            self.telemetry.dead_letters(reject.reason)
        for gap in pipeline.gaps:
            self.telemetry.gap(name, gap)
        if pipeline.intake.time is not None and pipeline.intake.watermark.started:
            self.telemetry.watermark(name, pipeline.intake.watermark.value)
        self.telemetry.alerts(name, active_alerts(watch.reaction.tracks.values()))
        watch.closed.clear()
        watch.reaction.committed()
        checkpoint.committed(pipeline)


def stored_window(monitor: str, evaluation: Evaluation, now: int) -> tuple[StoredWindow, bytes]:
    """A closed window as it goes into the state file, and its profile: the counts without the sample."""
    window = evaluation.window
    stored = StoredWindow(
        *(monitor, window.key.version, window.key.segment, window.spec.name),
        *(window.start, window.end, window.profile.rows, evaluation.verdict.value),
        results=[result_json(result) for result in evaluation.results],
        closed_at=now,
    )
    return stored, window.profile.without_sample().to_bytes()
