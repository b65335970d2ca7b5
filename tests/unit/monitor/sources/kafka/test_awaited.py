"""Which partitions event time waits for although they are not read."""

import pytest

from monitor.sources.kafka.awaited import REJOIN_SECONDS, Awaited
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.options import KafkaSource

SESSION_SECONDS = 20
PLACES = {"t/0": Counted(5, 1), "t/1": Counted(5, 2), "t/2": Counted(5, 0)}


class Away:
    """The book of a daemon, and its clock."""

    def __init__(self, **source: object) -> None:
        self.now = 0.0
        more = {"brokers": "k:9092", "topics": "t", "session_timeout": SESSION_SECONDS, **source}
        self._awaited = Awaited(KafkaSource.model_validate(more), "m", lambda: self.now)

    def at(self, now: float, *here: str) -> set[str]:
        """What is waited for at some second, while some partitions are read."""
        self.now = now
        return set(self._awaited.of(PLACES, here))


def test_what_was_read_here_last_may_come_back() -> None:
    """Not what others have gone on with; and not for ever, as those who have it may never say so."""
    away, patience = Away(), SESSION_SECONDS + REJOIN_SECONDS
    assert {"t/0", "t/1"} == away.at(0)
    assert {"t/1"} == away.at(1, "t/0")
    assert {"t/1"} == away.at(patience - 0.1, "t/0")
    assert set() == away.at(patience, "t/0")
    assert {"t/0"} == away.at(patience + 1)
    assert set() == away.at(patience + 2, "t/0", "t/1")
    assert {"t/1"} == away.at(patience + 3, "t/0", "t/2")


@pytest.mark.parametrize("source", [{"topics": None, "partitions": {"t": [0]}}, {"follow": False}])
def test_without_a_group_nothing_comes_back(source: dict[str, object]) -> None:
    """What is read is for the configuration to say then."""
    assert set() == Away(**source).at(0)
