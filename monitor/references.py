"""Which reference a window is compared with: a fixed one, the window before, or the same window a week ago."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from detectors.profile import Profile
from monitor.windows.book import ClosedWindow

if TYPE_CHECKING:
    from detectors.reference import Reference

Earlier = Callable[[ClosedWindow, int], Profile | None]
"""Gives the profile of the window of the same kind and key that began at a place, if it is known."""

WEEK = 7 * 86400 * 1_000_000


@dataclass(frozen=True)
class References:
    """The yardsticks of one monitor; all share the main reference's bins.

    Attributes:
        main: what the bins were fitted on.
        kind: `file`, `previous` or `week_ago`.
        stored: looks up windows in the state file, for `week_ago`; None where there is no such file.
    """

    main: Reference
    kind: Literal["file", "previous", "week_ago"] = "file"
    stored: Earlier | None = None

    @cached_property
    def segments(self) -> dict[str, Reference]:
        """The reference's rows of each segment: a segment differs from the whole for good."""
        return {name: self.main.with_profile(profile) for name, profile in self.main.segments.items()}

    @property
    def fingerprint(self) -> str:
        """Differs when profiles under another reference cannot be used any more."""
        return self.main.fingerprint

    def choose(
        self, window: ClosedWindow, history: tuple[Profile, ...], earlier: Earlier
    ) -> tuple[Reference | None, tuple[Profile, ...]]:
        """What a window is compared with, and the earlier windows that may be added to it.

        A moving yardstick stands for one window, so nothing is added up beside it. A segment that the reference never
        had is compared with the windows before it, together; None where there is nothing to compare with yet.

        Args:
            window: the closed window.
            history: adjacent earlier windows, newest first.
            earlier: gives the profile of the window of the same kind and key that began at a place.
        """
        moving = self._moving(window, history, earlier)
        if moving is not None and moving.rows >= window.spec.min_rows:
            return self.main.with_profile(moving), ()
        if not window.key.segment:
            return self.main, history
        if window.key.segment in self.segments:
            return self.segments[window.key.segment], history
        return (self.main.with_profile(Profile.merge(self.main.layout, history)) if history else None), ()

    def _moving(self, window: ClosedWindow, history: tuple[Profile, ...], earlier: Earlier) -> Profile | None:
        """The window before, or the one a week ago, where the reference is of that kind and there is one."""
        if self.kind == "previous":
            return history[0] if history else None
        if self.kind == "week_ago" and not window.spec.by_rows:
            return earlier(window, window.start - WEEK)
        return None
