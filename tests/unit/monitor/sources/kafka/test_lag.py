"""How far reading is behind."""

from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.lag import MAX_PARTITIONS, measure
from monitor.sources.kafka.sights import Sight

SECOND = 1_000_000


def test_lag_counts_what_is_not_counted_yet() -> None:
    """Records that are fetched and wait for the loop belong to the lag; its age is that of the last one counted."""
    sights = {
        "a/0": Sight(90, 100, reachable=True),
        "a/1": Sight(50, 50, reachable=True),
        "b/0": Sight(7, 7, reachable=True, begin=7),
    }
    counted = {"a/0": Counted(60, time=10 * SECOND), "a/1": Counted(50, time=SECOND)}
    lag = measure(sights, counted, 15 * SECOND)
    assert {"a": 40, "b": 0} == lag.records
    assert {"a": 5.0, "b": 0.0} == lag.seconds
    assert {"a": 2, "b": 1} == lag.assigned
    assert {("a", "0"): 40, ("a", "1"): 0, ("b", "0"): 0} == lag.partitions


def test_what_nobody_knows_is_not_zero() -> None:
    """Without an end there is no lag to tell; with unread records and none counted before, no age of the last one."""
    unseen, unread = Sight(0, None, reachable=True), Sight(20, 30, reachable=True, begin=10)
    assert ({}, {}, {"a": 1}) == ((lag := measure({"a/0": unseen}, {}, 0)).records, lag.seconds, lag.assigned)
    lag = measure({"a/0": unread, "a/1": unseen, "a/2": Sight(5, 5, reachable=True)}, {"a/2": Counted(5)}, 0)
    assert ({"a": 20}, {}, {"a": 3}) == (lag.records, lag.seconds, lag.assigned)
    assert {("a", "0"): 20, ("a", "2"): 0} == lag.partitions


def test_what_is_known_is_told_beside_what_is_not() -> None:
    """The age of a topic is at least that of each of its partitions."""
    sights = {f"a/{i}": Sight(20, 30, reachable=True) for i in range(2)}
    assert {"a": 5.0} == measure(sights, {"a/0": Counted(20, time=10 * SECOND)}, 15 * SECOND).seconds


def test_only_the_worst_partitions_are_told_apart() -> None:
    """Topics with very many partitions do not make very many series."""
    sights = {f"a/{i}": Sight(0, i, reachable=True) for i in range(500)}
    lag = measure(sights, {}, 0)
    assert MAX_PARTITIONS == len(lag.partitions)
    assert ("a", "499") in lag.partitions
    assert sum(range(500)) == lag.records["a"]
