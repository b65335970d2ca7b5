"""Which partitions hold event time back, and for how long."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import MICROSECONDS
from monitor.windows.watermark import NEVER, PATIENCE, Holders, Watermark

START = 1_700_000_000 * MICROSECONDS
NOBODY = Holders()
ROOM = 10**9
LIVE = Holders(open=frozenset("ab"), room=ROOM)


def times(*values: int) -> np.ndarray:
    """Event times."""
    return np.array(values, np.int64)


def test_unread_rows_hold_back_for_as_long_as_they_are_there() -> None:
    """What waits in another partition is waited for; what is read is not."""
    mark = Watermark(disorder=5)
    mark.advance(times(100), "a", Holders(frozenset("ab")), START)
    assert mark.value == NEVER
    mark.advance(times(50), "b", Holders(frozenset("ab")), START + 100 * PATIENCE)
    assert mark.value == 45
    mark.advance(times(200), "a", Holders(frozenset("b")), START + 200 * PATIENCE)
    assert mark.value == 45
    mark.advance(times(), "b", NOBODY, START + 200 * PATIENCE)
    assert mark.value == 195


def test_history_written_to_several_partitions_is_not_late() -> None:
    """An hour that comes to one partition a second sooner than to another leaves the other its windows."""
    mark = Watermark(disorder=0)
    for second in range(60):
        now = START + second * MICROSECONDS
        for partition in "ab":
            hour = times(*range(second * 3600, (second + 1) * 3600))
            assert not (hour < mark.rowwise(hour, partition)).any()
            mark.advance(hour, partition, LIVE, now)
        assert (second + 1) * 3600 - 1 == mark.value, "no waiting when all have come so far"


def test_silent_partition_is_waited_for_in_vain_for_some_seconds() -> None:
    """Event time goes on without rows, between one and two times the patience after the others' last rows."""
    mark = Watermark(disorder=0)
    mark.advance(times(10), "a", LIVE, START)
    assert mark.wait(LIVE, START + PATIENCE - 1) == 10 - ROOM
    assert mark.wait(LIVE, START + PATIENCE) == 10
    mark.advance(times(20), "a", LIVE, START + PATIENCE + 1)
    assert mark.wait(LIVE, START + 2 * PATIENCE) == 10
    assert mark.wait(LIVE, START + 3 * PATIENCE) == 20


def test_unread_rows_hold_back_what_was_waited_for_too() -> None:
    """A partition whose rows became known meanwhile holds back at its own time."""
    mark = Watermark(disorder=0)
    mark.advance(times(5), "b", LIVE, START)
    mark.advance(times(10), "a", LIVE, START + PATIENCE)
    assert mark.value == 5
    late = Holders(behind=frozenset("b"), open=frozenset("ab"), room=ROOM)
    assert mark.wait(late, START + 2 * PATIENCE) == 5
    assert mark.wait(LIVE, START + 3 * PATIENCE) == 10


def test_release_does_not_have_to_wait_for_a_lucky_moment() -> None:
    """A partition that has old unread rows at most moments delays the others until it has none, and no longer."""
    mark = Watermark(disorder=0)
    mark.advance(times(10), "a", LIVE, START)
    busy = Holders(behind=frozenset("b"), open=frozenset("ab"), room=ROOM)
    for second in range(60):
        assert mark.wait(busy, START + second * MICROSECONDS) == 10 - ROOM
    assert mark.wait(LIVE, START + 60 * MICROSECONDS) == 10


def test_clock_that_is_set_back_and_a_sleep_start_the_patience_anew() -> None:
    """Time in which nothing could be heard is not time in which a partition was silent."""
    mark = Watermark(disorder=0)
    mark.advance(times(10), "a", LIVE, START)
    assert mark.wait(LIVE, START - MICROSECONDS) == 10 - ROOM
    mark.wait_anew()
    assert mark.wait(LIVE, START + 2 * PATIENCE) == 10 - ROOM
    assert mark.wait(LIVE, START + 3 * PATIENCE) == 10


def test_open_partitions_hold_back_by_the_room_there_is() -> None:
    """However far one partition is ahead, the watermark follows at that distance."""
    mark = Watermark(disorder=5)
    tight = Holders(open=frozenset("ab"), room=100)
    mark.advance(times(1000), "b", tight, START)
    assert mark.value == 895
    mark.advance(times(5000), "a", tight, START)
    assert mark.value == 4895


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 500), st.integers(0, PATIENCE)), max_size=40
)


@given(steps=STEPS, disorder=st.integers(0, 50))
def test_open_partitions_hold_back_for_twice_the_patience_at_most(
    steps: list[tuple[str, int, int]], disorder: int
) -> None:
    """Never ahead of a watermark that waits for unread rows only, nor longer behind it than is said."""
    patient, plain, now = Watermark(disorder), Watermark(disorder), START
    reached: list[tuple[int, int]] = []
    for partition, time, elapsed in steps:
        now += elapsed
        patient.advance(times(time), partition, Holders(open=frozenset("abc"), room=ROOM), now)
        reached.append((now, plain.advance(times(time), partition, NOBODY, now)))
        assert patient.value <= plain.value
        due = [value for when, value in reached if when <= now - 2 * PATIENCE]
        assert not due or patient.value >= max(due)
