"""Counters by label values, with a limit on how many different label values are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

OTHER = "other"


@dataclass
class Counters:
    """Running totals; beyond `limit` different label values new ones are counted under `other`.

    Attributes:
        limit: different label values that are kept apart.
        totals: totals by label values.
        overflowed: how many additions went to `other` because of the limit.
    """

    limit: int
    totals: dict[tuple[str, ...], float] = field(default_factory=dict)
    overflowed: int = 0

    def add(self, labels: tuple[str, ...], amount: float = 1.0) -> bool:
        """Count; false when the label values were over the limit and the last of them became `other`."""
        kept = labels in self.totals or len(self.totals) < self.limit
        if not kept:
            self.overflowed += 1
            labels = (*labels[:-1], OTHER) if len(labels) > 1 else (OTHER,)
        self.totals[labels] = self.totals.get(labels, 0.0) + amount
        return kept
