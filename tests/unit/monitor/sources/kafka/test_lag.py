"""How far reading is behind."""

from monitor.sources.kafka.lag import MAX_PARTITIONS, measure
from monitor.sources.kafka.sights import Sight

SECOND = 1_000_000


def test_lag_counts_what_is_not_counted_yet() -> None:
    """Records that are fetched and wait for the loop belong to the lag; its age is that of the last one counted."""
    sights = {
        "a/0": Sight(90, 100, reachable=True),
        "a/1": Sight(50, 50, reachable=True),
        "b/0": Sight(0, None, reachable=True),
    }
    counted = {"a/0": (60, 10 * SECOND), "a/1": (50, SECOND)}
    lag = measure(sights, counted, 15 * SECOND)
    assert {"a": 40, "b": 0} == lag.records
    assert {"a": 5.0, "b": 0.0} == lag.seconds
    assert {"a": 2, "b": 1} == lag.assigned
    assert {("a", "0"): 40, ("a", "1"): 0, ("b", "0"): 0} == lag.partitions


def test_only_the_worst_partitions_are_told_apart() -> None:
    """Topics with very many partitions do not make very many series."""
    sights = {f"a/{i}": Sight(0, i, reachable=True) for i in range(500)}
    lag = measure(sights, dict.fromkeys(sights, (0, -1)), 0)
    assert MAX_PARTITIONS == len(lag.partitions)
    assert ("a", "499") in lag.partitions
    assert sum(range(500)) == lag.records["a"]
