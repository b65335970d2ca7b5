"""Which reference a window is compared with: a fixed one, the window before, or the same window a week ago."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from detectors.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from detectors.reference import Reference
    from monitor.windows.book import ClosedWindow

WEEK = 7 * 86400 * 1_000_000


@dataclass(frozen=True)
class References:
    """The yardsticks of one monitor; all share the main reference's bins.

    Attributes:
        main: what the bins were fitted on.
        kind: `file`, `previous` or `week_ago`.
        stored: looks up the profile of the window of the same kind and key that began at a place, for `week_ago`.
    """

    main: Reference
    kind: Literal["file", "previous", "week_ago"] = "file"
    stored: Callable[[ClosedWindow, int], Profile | None] | None = None

    @cached_property
    def segments(self) -> dict[str, Reference]:
        """The reference's rows of each segment: a segment differs from the whole for good."""
        return {name: self.main.with_profile(profile) for name, profile in self.main.segments.items()}

    @property
    def fingerprint(self) -> str:
        """Differs when profiles under another reference cannot be used any more."""
        return self.main.fingerprint

    def choose(self, window: ClosedWindow, history: tuple[Profile, ...]) -> Reference | None:
        """The reference for a window; None where there is nothing to compare with yet.

        A segment that the reference never had is compared with the windows before it, together.
        """
        if self.kind == "previous" and history:
            return self.main.with_profile(history[0])
        if self.kind == "week_ago" and self.stored is not None and not window.spec.by_rows:
            week_ago = self.stored(window, window.start - WEEK)
            if week_ago is not None:
                return self.main.with_profile(week_ago)
        if not window.key.segment:
            return self.main
        if window.key.segment in self.segments:
            return self.segments[window.key.segment]
        return self.main.with_profile(Profile.merge(self.main.layout, history)) if history else None
