"""The memory of a join has an end, and topics that are read ahead do not use it up."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.unit.monitor.sources.joining.world import Half, Reader, Topics, messages, options, read_all

MIB = 2**20


class Heavy(Reader):
    """A reader whose messages are large."""

    size = 1000

    def read(self, partition: str, count: int) -> None:
        """Read some large messages."""
        begin = self.offsets[partition]
        halves = self.topics[partition][begin : begin + count]
        if halves:
            self.join.push(messages(partition, halves, begin, size=self.size))
            self.offsets[partition] = begin + len(halves)


def numbered(n: int, first: int, *, time: int = 0, every: int = 100) -> list[Half]:
    """Halves of the identifiers 0 to n - 1, `every` of them in a second."""
    return [Half(i, time + i // every, first + i) for i in range(n)]


def test_requests_without_answers_are_given_up_when_the_memory_is_full() -> None:
    """Never much more than `max_bytes` is held, the oldest go first, each is counted, and one line is logged."""
    responses: list[Half] = []
    topics = {"requests/0": numbered(20_000, 0), "responses/0": responses}
    reader = Heavy(topics, options(labels=False, wait=10_000, max_bytes=4 * MIB), dict.fromkeys(topics, 0))
    with capture_logs() as logs:
        for _ in range(40):
            reader.read("requests/0", 500)
            reader.drain()
            assert 4 * MIB >= reader.join.waiting_bytes
    assert 1 == len(logs)
    assert reader.lost["evicted"] == reader.join.lost["evicted", "request"]
    responses += [Half(0, 200, 50_000), Half(19_999, 200, 50_001)]
    read_all(reader)
    assert [(19_999, 50_001, None)] == reader.rows
    assert 20_002 == 2 + reader.lost["evicted"] + reader.lost["unjoined"]


def test_a_topic_that_is_ahead_waits_for_the_other() -> None:
    """A reader that heeds `ahead` loses nothing, however much more lies in the topics than fits into the memory."""
    topics = {"requests/0": numbered(20_000, 0), "responses/0": numbered(20_000, 20_000, time=1)}
    reader = Heavy(topics, options(labels=False, max_bytes=4 * MIB), dict.fromkeys(topics, 0))
    while reader.behind:
        ahead = reader.join.ahead(reader.behind)
        name = min(reader.behind - ahead)
        reader.read(name, 500)
        reader.drain()
        assert 4 * MIB >= reader.join.waiting_bytes
    read_all(reader)
    assert {} == +reader.lost
    assert [(i, 20_000 + i, None) for i in range(20_000)] == reader.rows


def test_at_first_everything_may_be_read() -> None:
    """While memory is at hand nobody is ahead."""
    topics = {"requests/0": numbered(100, 0), "responses/0": numbered(100, 100)}
    reader = Heavy(topics, options(labels=False), dict.fromkeys(topics, 0))
    reader.read("requests/0", 100)
    reader.drain()
    assert frozenset() == reader.join.ahead({"responses/0", "requests/0"})


def test_pairs_go_on_without_their_label_when_the_memory_is_full() -> None:
    """A pair that has to go is a row, not a loss; its label is too late then."""
    topics = {
        "requests/0": numbered(8_000, 0),
        "responses/0": numbered(8_000, 8_000),
        "labels/0": numbered(8_000, 16_000, time=100),
    }
    reader = Heavy(topics, options(wait=500, label_wait=10_000, max_bytes=4 * MIB), dict.fromkeys(topics, 0))
    for _ in range(16):
        reader.read("requests/0", 500)
        reader.read("responses/0", 500)
        while reader.join.waiting_bytes > 3 * MIB and reader.step():
            pass
    reader.drain()
    read_all(reader)
    labelled = sum(label is not None for *_, label in reader.rows)
    assert 8_000 == len(reader.rows)
    assert 0 < labelled < 8_000
    assert Counter(unjoined=8_000 - labelled) == +reader.lost


def test_joined_identifiers_are_forgotten_early_when_there_are_too_many() -> None:
    """The memory for what was joined is bounded too."""
    topics = {"requests/0": numbered(100_000, 0), "responses/0": numbered(100_000, 100_000)}
    reader = Reader(topics, options(labels=False, wait=100_000, max_bytes=MIB), dict.fromkeys(topics, 0))
    while reader.behind:
        reader.read(min(reader.behind, key=reader.join.reached), 2_000)
        reader.drain()
    read_all(reader)
    assert 100_000 == len(reader.rows)
    assert MIB >= reader.join.waiting_bytes


moves = st.lists(
    st.tuples(st.sampled_from(["read", "read", "read", "step", "commit", "kill"]), st.integers(0, 2)),
    max_size=60,
)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=30, max_size=60), moves)
def test_every_half_is_counted_once_when_memory_is_short(
    halves: list[tuple[int, int]], script: list[tuple[str, int]]
) -> None:
    """Halves that are evicted, before kills and after them, are counted once like all others."""
    names = ("requests/0", "responses/0", "labels/0")
    topics: Topics = {name: [] for name in names}
    for number, (which, identifier) in enumerate(halves):
        topics[names[which]].append(Half(identifier, number // 10, number))
    reader = Heavy(topics, options(max_bytes=MIB), dict.fromkeys(topics, 0))
    reader.size = 60_000
    for what, which in script:
        if what == "read":
            reader.read(names[which], 3)
        else:
            getattr(reader, what)()
    read_all(reader)
    used = Counter(number for row in reader.rows for number in row if number is not None)
    assert set(used.values()) <= {1}
    assert len(halves) == used.total() + reader.lost.total()
