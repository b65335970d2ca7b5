"""What a pipeline must remember, written in one transaction and read back after any kind of end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from detectors.profile import Profile
from monitor.grouping import Bounded
from monitor.sources.base import shared
from monitor.state.panes import StoredPane
from monitor.streams import Detection
from monitor.windows.history import depth
from monitor.windows.spec import Key

if TYPE_CHECKING:
    from monitor.intake import Intake
    from monitor.pipeline import Pipeline
    from monitor.state import State
    from monitor.streams import Streams

log = structlog.get_logger()

SHAPE = "shape"
INTAKE = "intake"
STREAMS = "streams"


def shape(pipeline: Pipeline) -> dict[str, Any]:
    """What stored panes and histories depend on: another reference or other windows make them useless."""
    specs = [[spec.name, spec.length, spec.slide] for spec in pipeline.intake.specs]
    panes = {series: book.pane for series, book in pipeline.intake.books()}
    return {"reference": pipeline.references.fingerprint, "windows": specs, "panes": panes}


def save(state: State, pipeline: Pipeline, now: int) -> None:
    """Write everything that changed since the last commit; called inside a transaction.

    Order: panes, the books about them, the streams' memories, what the source keeps, and last the position that they
    all belong to.

    Args:
        state: the state file.
        pipeline: what is saved.
        now: wall time in microseconds since the epoch.
    """
    name, intake = pipeline.name, pipeline.intake
    for series, book in intake.books():
        for key, before in book.dropped.items():
            state.panes.delete(name, key.version, key.segment, before, series=series)
        state.panes.put(name, (_stored(series, book.panes[k][s], k, s) for k, s in sorted_dirty(book.dirty)))
    state.documents.put(name, SHAPE, shape(pipeline))
    state.documents.put(name, INTAKE, _intake_json(intake))
    state.documents.put(name, STREAMS, _streams_json(pipeline.streams))
    state.counts.add(name, pipeline.uncommitted)
    state.gaps.put(name, pipeline.gaps, now)
    if (source := shared(pipeline.source)) is not None:
        source.save(state.source_items.of(name))
    if pipeline.position is not None:
        state.positions.put(name, pipeline.position)


def committed(pipeline: Pipeline) -> None:
    """The transaction is durable."""
    pipeline.uncommitted.clear()
    pipeline.rejects.clear()
    pipeline.gaps.clear()
    pipeline.unsaved.clear()
    for _, book in pipeline.intake.books():
        book.committed()


def restore(state: State, pipeline: Pipeline) -> None:
    """Take up where the last commit left off; without one, begin at the source's start."""
    name = pipeline.name
    if (source := shared(pipeline.source)) is not None:
        source.load(state.source_items.of(name))
    position = state.positions.get(name)
    if position is None:
        return
    pipeline.source.seek(position)
    pipeline.position = position
    documents = state.documents.all(name)
    if documents.get(SHAPE) != shape(pipeline):
        log.warning("open windows begin anew", monitor=name, why="the reference or the windows have changed")
        with state.transaction():
            for series in {pane.series for pane in state.panes.load(name)}:
                state.panes.delete_before(name, 2**62, series=series)
        return
    _restore_intake(pipeline.intake, documents[INTAKE])
    _restore_streams(pipeline.streams, documents[STREAMS])
    books = dict(pipeline.intake.books())
    for pane in state.panes.load(name):
        profile = Profile.from_bytes(pipeline.intake.layout, pane.profile)
        books[pane.series].load(Key(pane.version, pane.segment), pane.start, profile)
    _restore_history(state, pipeline)


def sorted_dirty(dirty: set[tuple[Key, int]]) -> list[tuple[Key, int]]:
    """A fixed order, so that the same run writes the same file."""
    return sorted(dirty, key=lambda pane: (pane[1], pane[0].version, pane[0].segment))


def _stored(series: str, profile: Profile, key: Key, start: int) -> StoredPane:
    return StoredPane(key.version, key.segment, start, profile.rows, profile.to_bytes(), series)


def _intake_json(intake: Intake) -> dict[str, Any]:
    return {
        "watermark": intake.watermark.to_json(),
        "newest_version": intake.newest_version,
        "rows": [[k.version, k.segment, n] for k, n in intake.rows.items()],
        "labels": {name: bound.known for name, bound in intake.bounds.items()},
        "closed": {
            series: [[name, k.version, k.segment, start] for (name, k), start in book.closed.items()]
            for series, book in intake.books()
        },
    }


def _restore_intake(intake: Intake, saved: dict[str, Any]) -> None:
    intake.watermark.restore(saved["watermark"])
    intake.newest_version = saved["newest_version"]
    intake.rows = {Key(version, segment): n for version, segment, n in saved["rows"]}
    for name, known in saved["labels"].items():
        intake.bounds[name] = Bounded(intake.limit(name), known)
    for series, book in intake.books():
        for name, version, segment, start in saved["closed"].get(series, []):
            book.closed[(name, Key(version, segment))] = start


def _streams_json(streams: Streams) -> dict[str, Any]:
    return {
        "states": [[word, version, state.to_json()] for (word, version), state in streams.states.items()],
        "rows": dict(streams.rows),
        "waiting": [detection.to_json() for detection in streams.waiting],
    }


def _restore_streams(streams: Streams, saved: dict[str, Any]) -> None:
    detectors = {str(getattr(d, "type", "")): d for d in streams.detectors}
    for word, version, state in saved["states"]:
        if word in detectors:
            streams.states[(word, version)] = detectors[word].restore(state)
    streams.rows.update(saved["rows"])
    streams.waiting = [Detection.from_json(value) for value in saved["waiting"]]


def _restore_history(state: State, pipeline: Pipeline) -> None:
    """The profiles of recent windows, so that the next ones are tested at several lengths as before."""
    for _, book in pipeline.intake.books():
        specs = {spec.name: spec for spec in book.specs}
        for name, key in book.closed:
            spec = specs[name]
            stored = state.windows.recent_profiles(
                pipeline.name, key.version, key.segment, name, limit=depth(spec)
            )
            for start, _, profile in reversed(stored):
                known = Profile.from_bytes(pipeline.intake.layout, profile)
                pipeline.history.add(spec, key, start, known)
