"""Rows into panes: late and future rows are counted out, the others are profiled in one pass for each family.

A pass costs some milliseconds however few its rows are, so rows of small batches are gathered first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from detectors.profile import profile_groups
from monitor.grouping import Bounded, Labels, group_by_pane, segment_columns, single, version_labels
from monitor.records import TIME
from monitor.records import VERSION as VERSIONS
from monitor.windows.book import PaneBook
from monitor.windows.spec import Key, WindowSpec, late_before
from monitor.windows.watermark import Holders, Watermark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from detectors.layout import Layout
    from monitor.records import RecordBatch

ACCEPTED = "accepted"
LATE = "late"
FUTURE = "future"
REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows that have been put into their panes.

    Attributes:
        frame: the rows, in the order of their arrival. versions: of each row.
    """

    frame: pl.DataFrame
    versions: Labels


@dataclass
class Gathered:
    """Accepted rows that are in no pane yet.

    Attributes:
        schema: of the frames. frames: of neighbouring batches with the same columns.
        unknown: rows that carried unknown columns, by name.
    """

    schema: pl.Schema
    frames: list[pl.DataFrame]
    unknown: Counter[str]

    def whole(self) -> pl.DataFrame:
        """All rows."""
        return self.frames[0] if len(self.frames) == 1 else pl.concat(self.frames, rechunk=True)


@dataclass
class Intake:
    """Sorts the rows of one monitor into its panes.

    Attributes:
        specs: the monitor's windows, of time and of rows.
        disorder, ahead: how much older than the newest row, and how much newer than now, a row may be (µs).
        rows: rows seen so far by key, for windows of rows.
        gathered: rows that wait for `settle`. waiting: how many. span: smallest and largest of their times.
    """

    layout: Layout
    specs: Sequence[WindowSpec]
    disorder: int
    ahead: int
    max_versions: int = 20
    max_segments: int = 20
    pane: int = 0
    time: PaneBook | None = None
    counted: PaneBook | None = None
    rows: dict[Key, int] = field(default_factory=dict)
    bounds: dict[str, Bounded] = field(default_factory=dict)
    newest_version: str = ""
    gathered: list[Gathered] = field(default_factory=list)
    waiting: int = 0
    span: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        timed = [spec for spec in self.specs if not spec.by_rows]
        counted = [spec for spec in self.specs if spec.by_rows]
        self.watermark = Watermark(self.disorder)
        self.time = PaneBook(self.layout, timed, self.pane) if timed else None
        self.counted = PaneBook(self.layout, counted) if counted else None

    def books(self) -> Iterable[tuple[str, PaneBook]]:
        """The families of panes by name."""
        return ((n, b) for n, b in (("time", self.time), ("rows", self.counted)) if b is not None)

    def take(self, batch: RecordBatch, now: int, holders: Holders) -> Counter[str]:
        """Gather the rows of a batch that are neither late nor from the future.

        Args:
            batch: rows in canonical columns.
            now: wall time in microseconds since the epoch; rows from beyond it are refused.
            holders: partitions of the source that hold the watermark back.

        Returns:
            Number of rows by outcome; they add up to the records that the batch was made from.
        """
        outcomes = Counter({REJECTED: len(batch.rejects)} if batch.rejects else {})
        frame = batch.frame
        if self.time is not None:
            frame = self._on_time(batch, now, holders, outcomes)
        outcomes[ACCEPTED] += frame.height
        if frame.height:
            self._gather(frame, batch.unknown)
        return outcomes

    def _gather(self, frame: pl.DataFrame, unknown: Mapping[str, int]) -> None:
        if self.time is not None:
            first, last = _span(frame)
            self.span = (min(first, self.span[0]), max(last, self.span[1])) if self.waiting else (first, last)
        self.waiting += frame.height
        schema = frame.schema
        if self.gathered and self.gathered[-1].schema == schema:
            self.gathered[-1].frames.append(frame)
            self.gathered[-1].unknown.update(unknown)
        else:
            self.gathered.append(Gathered(schema, [frame], Counter(unknown)))

    def settle(self) -> Iterator[Taken]:
        """Put the gathered rows into their panes."""
        gathered, self.gathered, self.waiting = self.gathered, [], 0
        for part in gathered:
            frame = part.whole()
            versions = version_labels(frame, self._bound(VERSIONS))
            self.newest_version = versions.names[int(versions.codes[-1])]
            self._profile(frame, versions, single(frame.height), "", part.unknown)
            for name, column in segment_columns(frame).items():
                segments = self._bound(name).labels(column)
                self._profile(frame, versions, segments, f"{name}=", part.unknown)
            yield Taken(frame, versions)

    @property
    def due(self) -> bool:
        """The watermark has passed the end of a window since windows were last closed."""
        return self.time is not None and self.time.is_due(self.watermark.value)

    @property
    def panes_waiting(self) -> int:
        """Over how many panes of a family the gathered rows reach, at most."""
        return self._panes(self.waiting, self.span)

    def panes_in(self, frame: pl.DataFrame) -> int:
        """Over how many panes of a family the rows reach, at most."""
        return self._panes(frame.height, _span(frame) if self.time is not None and frame.height else (0, 0))

    def _panes(self, rows: int, span: tuple[int, int]) -> int:
        counted = rows // self.counted.pane if self.counted is not None else 0
        timed = (span[1] - span[0]) // self.time.pane if self.time is not None else 0
        return min(max(counted, timed), rows)

    def limit(self, name: str) -> int:
        """How many values of a label column keep their own name."""
        return self.max_versions if name == VERSIONS else self.max_segments

    def _bound(self, name: str) -> Bounded:
        return self.bounds.setdefault(name, Bounded(self.limit(name)))

    def _on_time(
        self, batch: RecordBatch, now: int, holders: Holders, outcomes: Counter[str]
    ) -> pl.DataFrame:
        """The rows that are neither from the future nor late; moves the watermark on."""
        frame = batch.frame
        times = frame[TIME].to_numpy()
        present = times <= now + self.ahead
        if not present.all():
            outcomes[FUTURE] += int((~present).sum())
            frame, times = frame.filter(present), times[present]
        assert self.time is not None  # noqa: S101 - only called where there is a family of time windows
        due = self._late_before(times, batch.partition)
        late = times // self.time.pane * self.time.pane < due
        self.watermark.advance(times, batch.partition, holders, now)
        if late.any():
            outcomes[LATE] += int(late.sum())
            frame = frame.filter(~late)
        return frame

    def _late_before(self, times: npt.NDArray[np.int64], partition: str) -> npt.NDArray[np.int64]:
        assert self.time is not None  # noqa: S101 - see above
        return late_before(self.time.specs, self.watermark.rowwise(times, partition))

    def _profile(
        self, frame: pl.DataFrame, versions: Labels, segments: Labels, prefix: str, unknown: Mapping[str, int]
    ) -> None:
        """Add rows to the panes of every family under one way of cutting them into segments."""
        for _, book in self.books():
            if book is self.time:
                panes = frame[TIME].to_numpy() // book.pane
            else:
                panes = self._ordinals(versions, segments, prefix) // book.pane
            groups = group_by_pane(versions, segments, prefix, panes, book.pane)
            profiles = profile_groups(self.layout, frame, groups.index, len(groups.members), unknown=unknown)
            for (key, start), profile in zip(groups.members, profiles, strict=True):
                book.add(key, start, profile)

    def _ordinals(self, versions: Labels, segments: Labels, prefix: str) -> npt.NDArray[np.int64]:
        """The running number of each row within its key: int64, shape (n,)."""
        codes = versions.codes * len(segments.names) + segments.codes
        order = np.argsort(codes, kind="stable")
        numbers = np.empty(len(codes), dtype=np.int64)
        found, first, count = np.unique(codes[order], return_index=True, return_counts=True)
        for code, begin, n in zip(found.tolist(), first.tolist(), count.tolist(), strict=True):
            version, segment = divmod(code, len(segments.names))
            key = Key(versions.names[version], prefix + segments.names[segment] if prefix else "")
            before = self.rows.get(key, 0)
            numbers[order[begin : begin + n]] = np.arange(before, before + n)
            self.rows[key] = before + n
        return numbers


def _span(frame: pl.DataFrame) -> tuple[int, int]:
    """The smallest and the largest time of some rows."""
    times = frame[TIME].to_numpy()
    return int(times.min()), int(times.max())
