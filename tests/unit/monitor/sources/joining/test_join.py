"""Whatever is read first and however it is cut, the join gives what the topics hold."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.monitor.sources.joining.world import Half, Plainly, Reader, Topics, options, read_all


@st.composite
def worlds(draw: st.DrawFn, *, labels: bool, copies: int = 2) -> Topics:
    """Topics of some partitions with a few identifiers, times that nearly rise, and all that may be wrong with them."""
    names = [
        f"{topic}/{i}" for topic in ("requests", "responses", "labels")[: 2 + labels] for i in range(copies)
    ]
    number = 0
    topics: Topics = {}
    for name in names:
        entries = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 9)), max_size=12))
        time, halves = 0, []
        for identifier, step in entries:
            time += step
            halves.append(Half(identifier, time, number))
            number += 1
        topics[name] = halves
    return topics


moves = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 5), st.integers(1, 6)),
        st.tuples(st.just("step"), st.just(0), st.just(0)),
        st.tuples(st.just("drain"), st.just(0), st.just(0)),
        st.tuples(st.just("later"), st.just(0), st.integers(1, 9)),
        st.tuples(st.just("commit"), st.just(0), st.just(0)),
        st.tuples(st.just("kill"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


starts = st.sampled_from([0, 10, 10**9])


def play(reader: Reader, script: list[tuple[str, int, int]], start: int) -> None:
    """Do what the script says, then read what is left; `start`: what comes later is not in the topics at first."""
    names = sorted(reader.offsets)
    reader.now = start
    for what, which, count in script:
        if what == "read":
            reader.read(names[which % len(names)], count)
        elif what == "later":
            reader.now += count
        else:
            getattr(reader, what)()
    read_all(reader)


@settings(max_examples=50)
@given(worlds(labels=True), moves, starts)
def test_any_order_cut_and_restart_gives_the_plain_join(
    topics: Topics, script: list[tuple[str, int, int]], start: int
) -> None:
    """With labels: rows and outcomes are those of the join with a dictionary."""
    plain = Plainly(10, 15, labels=True)
    expected = plain.join(topics)
    reader = Reader(topics, options(), dict.fromkeys(topics, 0))
    play(reader, script, start)
    assert sorted(expected, key=str) == sorted(reader.rows, key=str)
    assert plain.lost == +reader.lost


@settings(max_examples=50)
@given(worlds(labels=False), moves, starts)
def test_the_same_without_labels(topics: Topics, script: list[tuple[str, int, int]], start: int) -> None:
    """Without labels: rows, their order and outcomes are those of the join with a dictionary."""
    plain = Plainly(10, 15, labels=False)
    expected = plain.join(topics)
    reader = Reader(topics, options(labels=False), dict.fromkeys(topics, 0))
    play(reader, script, start)
    assert expected == reader.rows
    assert plain.lost == +reader.lost


@settings(max_examples=30)
@given(worlds(labels=True), moves, starts)
def test_every_half_is_counted_once(topics: Topics, script: list[tuple[str, int, int]], start: int) -> None:
    """Halves in rows and halves lost are together all halves."""
    reader = Reader(topics, options(), dict.fromkeys(topics, 0))
    play(reader, script, start)
    used = Counter(number for row in reader.rows for number in row if number is not None)
    assert set(used.values()) <= {1}
    assert sum(len(halves) for halves in topics.values()) == used.total() + reader.lost.total()
