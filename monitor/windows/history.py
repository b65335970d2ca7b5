"""Profiles of the windows just before: what several lengths and moving references are compared with."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.profile import Profile
    from monitor.windows.book import ClosedWindow
    from monitor.windows.spec import Key, WindowSpec

DEPTH = 7
"""Earlier windows that a test may add to the newest one: lengths of 1, 2, 4 and 8 windows."""

LIMIT = 64
"""Profiles kept for one kind of window and key: sliding windows need slide-many between two adjacent ones."""


@dataclass
class History:
    """Closed windows' profiles by kind, key and start; bounded."""

    profiles: dict[tuple[str, Key], OrderedDict[int, Profile]] = field(default_factory=dict)

    def before(self, window: ClosedWindow) -> tuple[Profile, ...]:
        """Profiles of the adjacent windows just before, newest first; ends at the first that is not known."""
        known = self.profiles.get((window.spec.name, window.key), OrderedDict())
        found = []
        for back in range(1, DEPTH + 1):
            profile = known.get(window.start - back * window.spec.length)
            if profile is None:
                break
            found.append(profile)
        return tuple(found)

    def add(self, spec: WindowSpec, key: Key, start: int, profile: Profile) -> None:
        """Remember a closed window and forget those that no later window is adjacent to."""
        known = self.profiles.setdefault((spec.name, key), OrderedDict())
        known[start] = profile
        while len(known) > depth(spec):
            known.popitem(last=False)


def depth(spec: WindowSpec) -> int:
    """How many closed windows of a kind are kept."""
    return min(LIMIT, DEPTH * (spec.length // spec.slide))
