"""How far each partition is counted, and the same as a position."""

from __future__ import annotations

from monitor.sources.base import Position
from monitor.sources.kafka.handover import Counted


class Places(dict[str, Counted]):
    """Entries by name; a position is asked for with every batch, and most entries are what they were."""

    def __init__(self, position: Position | None = None) -> None:
        """Take over what a position says; without one nothing is counted yet."""
        super().__init__()
        self._saved: dict[str, dict[str, object]] = {}
        for name, saved in () if position is None else position.partitions.items():
            self[name] = Counted.from_json(saved)

    def __setitem__(self, name: str, place: Counted) -> None:
        """Set an entry; the only way to."""
        super().__setitem__(name, place)
        self._saved[name] = place.to_json()

    @property
    def position(self) -> Position:
        """All entries as they are now."""
        return Position(dict(self._saved))
