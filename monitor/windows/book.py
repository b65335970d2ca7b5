"""Open panes of one monitor, and the windows that are due: sums of panes, each closed once."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detectors.profile import Profile
from monitor.windows.spec import Key, WindowSpec, pane_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detectors.layout import Layout

SPARE_PROFILES = 8_000
"""Profiles of columns, of some 6 KB each, that may be open because windows wait for silent partitions."""

MAX_EMPTY = 8
"""Empty windows told in one silence; after them the next rows open the next window."""


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window that will get no more rows.

    Attributes:
        spec: its kind. key: its version and segment.
        start, end: microseconds since the epoch, or row numbers; `end` is exclusive.
        profile: the sum of its panes.
    """

    spec: WindowSpec
    key: Key
    start: int
    end: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class _Due:
    """A window to be closed, before its panes are added up."""

    spec: WindowSpec
    key: Key
    start: int
    panes: Sequence[int]


@dataclass
class PaneBook:
    """Panes and closing marks of the windows that share a unit (time, or rows).

    Attributes:
        panes: open panes by key and start.
        closed: for each window name and key the start of the first window that is not closed yet.
        dirty: panes changed since the last commit. dropped: by key, the place before which panes are
            to be forgotten with the next commit.
        reached: how far the windows were closed the last time, by kind.
    """

    layout: Layout
    specs: Sequence[WindowSpec]
    pane: int = 0
    panes: dict[Key, dict[int, Profile]] = field(default_factory=dict)
    closed: dict[tuple[str, Key], int] = field(default_factory=dict)
    dirty: set[tuple[Key, int]] = field(default_factory=set)
    dropped: dict[Key, int] = field(default_factory=dict)
    reached: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.pane = self.pane or pane_length(self.specs)

    def add(self, key: Key, start: int, profile: Profile) -> None:
        """Add rows to the pane that begins at `start`."""
        panes = self.panes.setdefault(key, {})
        known = panes.get(start)
        panes[start] = profile if known is None else known + profile
        self.dirty.add((key, start))

    @property
    def room(self) -> int:
        """Over how much time panes may be open for which no window waits but for silent partitions."""
        return SPARE_PROFILES // (len(self.layout.columns) * max(1, len(self.panes))) * self.pane

    def _reach(self, watermark: int) -> tuple[int, ...]:
        """Start of the newest window of each kind that ends at or before a watermark."""
        return tuple(spec.newest_closed(watermark) for spec in self.specs)

    def is_due(self, watermark: int) -> bool:
        """Whether `close` may find windows that it did not find the last time."""
        return self._reach(watermark) != self.reached

    def close(
        self, watermarks: Mapping[Key, int] | int, *, silent: Key | None = None, flush: bool = False
    ) -> Iterator[ClosedWindow]:
        """Windows that end at or before the watermark, oldest end first; each is given once.

        Args:
            watermarks: for all keys, or for each key.
            silent: the key whose empty windows are given too: its silence is a finding.
            flush: close also the windows that hold the newest rows, whatever the watermark.
        """
        if isinstance(watermarks, int):
            self.reached = self._reach(watermarks)
        known = {*self.panes, *((silent,) if silent is not None and self._began(silent) else ())}
        keys = sorted(known, key=lambda k: (k.version, k.segment))
        due: list[_Due] = []
        for key in keys:
            mark = watermarks if isinstance(watermarks, int) else watermarks.get(key, 0)
            for spec in self.specs:
                last = spec.newest_closed(mark)
                if flush and self.panes.get(key):
                    newest = self._newest(None if isinstance(watermarks, int) else key) + self.pane
                    last = max(last, spec.newest_closed(newest + spec.slide - 1))
                due.extend(self._due(spec, key, last, tell_empty=key == silent))
        due.sort(key=lambda d: (d.start + d.spec.length, d.spec.length, d.key.version, d.key.segment))
        for window in due:
            inside = [self.panes[window.key][start] for start in window.panes]
            profile = Profile.merge(self.layout, inside) if inside else Profile.empty(self.layout)
            yield ClosedWindow(
                window.spec, window.key, window.start, window.start + window.spec.length, profile
            )
        for key in keys:
            self._forget(key)

    def _due(self, spec: WindowSpec, key: Key, last: int, *, tell_empty: bool) -> Iterator[_Due]:
        """Windows of one kind and key up to the start `last`, and the mark that they are closed."""
        starts = sorted(self.panes.get(key, {}))
        mark = self.closed.get((spec.name, key))
        if mark is None:
            if not starts:
                return
            mark = spec.oldest_start(starts[0])
            if last < mark:
                return  # older rows may still come
        start, empty = mark, 0
        while start <= last:
            inside = starts[bisect_left(starts, start) : bisect_left(starts, start + spec.length)]
            empty = 0 if inside else empty + 1
            if inside or (tell_empty and empty <= MAX_EMPTY):
                yield _Due(spec, key, start, inside)
                start += spec.slide
            else:
                start = self._skip(spec, starts, start, last)
        self.closed[(spec.name, key)] = max(mark, last + spec.slide)

    @staticmethod
    def _skip(spec: WindowSpec, starts: Sequence[int], start: int, last: int) -> int:
        """The next window after an empty one that has rows, or the one after the last that is due."""
        later = bisect_left(starts, start)
        if later == len(starts):
            return last + spec.slide
        return max(start + spec.slide, spec.oldest_start(starts[later]))

    def _newest(self, key: Key | None) -> int:
        """Start of the newest open pane of a key, or of all keys: time is common to them, row numbers are not."""
        books = self.panes.values() if key is None else [self.panes[key]]
        return max(max(panes) for panes in books if panes)

    def _began(self, key: Key) -> bool:
        """Whether a window of this key has been closed before."""
        return any((spec.name, key) in self.closed for spec in self.specs)

    def _forget(self, key: Key) -> None:
        """Drop panes that no open window needs, and keys that have none left."""
        if key not in self.panes:
            return
        marks = [self.closed[(spec.name, key)] for spec in self.specs if (spec.name, key) in self.closed]
        if len(marks) == len(self.specs):
            for start in [s for s in self.panes[key] if s < min(marks)]:
                del self.panes[key][start]
                self.dirty.discard((key, start))
                self.dropped[key] = min(marks)
        if not self.panes[key]:
            del self.panes[key]

    def load(self, key: Key, start: int, profile: Profile) -> None:
        """Put back a pane that an earlier run had committed."""
        self.panes.setdefault(key, {})[start] = profile

    def committed(self) -> None:
        """Everything up to now is in the state file."""
        self.dirty.clear()
        self.dropped.clear()
