"""What speaks against `partitions: same`: halves of one identifier that may lie in different partition numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import structlog

from monitor.sources.joining.options import JoinOptions
from monitor.sources.joining.sides import NAMES

log = structlog.get_logger()

_KEY = "@key"


class Doubts:
    """Tells each doubt once."""

    def __init__(self, options: JoinOptions, monitor: str) -> None:
        """Look at the options; `monitor` is for the log."""
        self._options, self._monitor = options, monitor
        self._told: set[str] = set()
        if options.partitions == "same":
            sides = zip(NAMES, (options.request, options.response, options.label), strict=True)
            for name in (name for name, side in sides if side is not None and side.id != _KEY):
                self._tell(
                    f"partitions are taken to follow the identifier, but that of the {name} is not its key",
                    "see that producers choose the partition by the identifier, or set `partitions: any`",
                )

    def look(self, assigned: Iterable[str]) -> None:
        """Partitions that are read here: of each number there should be one of each topic."""
        if self._options.partitions != "same":
            return
        topics: defaultdict[str, set[str]] = defaultdict(set)
        for name in assigned:
            topic, _, number = name.rpartition("/")
            topics[number].add(topic)
        for number, found in sorted(topics.items()):
            missing = sorted(self._options.sides.keys() - found)
            if missing:
                self._tell(
                    f"partition {number} of {' and '.join(missing)} is not read here, but that of "
                    f"{' and '.join(sorted(found))} is: their halves do not meet",
                    "give all topics of a join the same number of partitions, and the group `assignor: range`",
                )

    def _tell(self, doubt: str, hint: str) -> None:
        if doubt not in self._told:
            self._told.add(doubt)
            log.warning("rows may not be joined", monitor=self._monitor, why=doubt, hint=hint)
