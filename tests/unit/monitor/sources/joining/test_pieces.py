"""Parts of the join on their own: what is joined, what is refused, what is doubted."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from kafka.consumer.fetcher import ConsumerRecord
from pydantic import ValidationError
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.sources.joining.finished import Finished
from monitor.sources.joining.index import Index
from monitor.sources.joining.join import Join
from monitor.sources.joining.joined import Joined
from monitor.sources.joining.options import JoinOptions
from monitor.sources.kafka.messages import Messages
from tests.unit.monitor.sources.joining.world import START, options


def arrived(topic: str, partition: int, *entries: tuple[bytes | None, bytes | None], at: int = 0) -> Messages:
    """Messages with a key, a value and a header; one a millisecond."""
    records = [
        ConsumerRecord(
            *(topic, partition, -1, offset, START // 1000 + at + offset, 0, key, value),
            *([("trace", b"%d" % offset)], None, len(key or b""), len(value or b""), 6),
        )
        for offset, (key, value) in enumerate(entries)
    ]
    return Messages.from_records(records)


def joined_of(settings: JoinOptions, *parts: Messages) -> list[Joined]:
    """All that comes out of some messages."""
    join = Join(settings, clock=ManualClock(START))
    for part in parts:
        join.push(part)
    found = []
    while (joined := join.next(())) is not None:
        found.append(joined)
    return found


def lines(blocks: Sequence[Joined]) -> list[object]:
    """The joined records."""
    return [json.loads(value or b"") for block in blocks for value in block.messages.values()]


def test_raw_values_become_one_record() -> None:
    """Values are put side by side as they are; beside them stand key, header, offset and time of each side."""
    blocks = joined_of(
        options(labels=False, partitions="same"),
        arrived("requests", 3, (b"a", b'{"x": 1.50}'), (b"b", b"{}")),
        arrived("responses", 3, (b"b", b'{"y": [2]}'), (b"a", b'{"y": "\xc3\xa4"}'), at=20),
    )
    (block,) = blocks
    assert [
        b'{"request":{},"response":{"y": [2]}}',
        '{"request":{"x": 1.50},"response":{"y": "ä"}}'.encode(),
    ] == (block.messages.values())
    assert "responses/3" == block.partition == block.messages.name
    assert [0, 1] == block.messages.offsets.tolist()
    assert [b"b", b"a"] == block.messages.keys() == block.sides["request"].keys()
    assert [[("trace", b"1")], [("trace", b"0")]] == [block.sides["request"].headers(i) for i in range(2)]
    assert [START + 1000, START] == block.sides["request"].timestamps.tolist()
    assert ["request", "response"] == [*block.sides]


def test_rows_of_several_partitions_keep_their_places_apart() -> None:
    """One lane for all partitions: offsets do not collide, and rejects find their real place again."""
    (block,) = joined_of(
        options(labels=False),
        arrived("requests", 0, (b"a", b"{}"), (b"b", b"{}")),
        arrived("responses", 0, (b"a", b"{}")),
        arrived("responses", 7, (b"b", b"{}")),
    )
    assert 2 == len(set(block.messages.offsets.tolist()))
    from monitor.records import Reject

    rejects = [Reject("r", "", block.messages.name, o, b"") for o in block.messages.offsets.tolist()]
    assert {("responses/0", 0), ("responses/7", 0)} == {
        (r.partition, r.offset) for r in block.placed(rejects)
    }


def test_what_cannot_be_joined_is_refused() -> None:
    """No object, no identifier, no value: two rejects and a tombstone; white space around an object is none of it."""
    settings = options(labels=False, request={"topic": "requests", "id": "$.id"})
    values = [b' {"id": "a"}\n', b"[1]", b'{"no": 1}', None, b"garbage", b"", b'{"id": ""}']
    blocks = joined_of(
        settings,
        arrived("requests", 0, *((b"k", value) for value in values)),
        arrived("responses", 0, (b"a", b"{}")),
    )
    assert [{"request": {"id": "a"}, "response": {}}] == lines(blocks)
    rejects = [reject for block in blocks for reject in block.rejects]
    expected = [
        (1, "not_an_object"),
        (2, "missing_id"),
        (4, "not_an_object"),
        (5, "not_an_object"),
        (6, "missing_id"),
    ]
    assert expected == [(reject.offset, reject.reason) for reject in rejects]
    assert 1 == sum(block.outcomes.get("tombstone", 0) for block in blocks)


def test_cloud_events_are_unwrapped() -> None:
    """Values in base64 become objects before they are joined."""
    event = b'{"specversion":"1.0","id":"a","type":"t","source":"s","data_base64":"eyJ4IjoxfQ=="}'
    messages = arrived("requests", 0, (b"a", event))
    record = ConsumerRecord(
        *("requests", 0, -1, 0, START // 1000, 0, b"a", event),
        *([("content-type", b"application/cloudevents+json")], None, 1, len(event), 0),
    )
    messages = Messages.from_records([record])
    (line,) = lines(joined_of(options(labels=False), messages, arrived("responses", 0, (b"a", b"{}"))))
    assert isinstance(line, dict)
    assert {"x": 1} == line["request"]["data"]


def test_a_timestamp_from_far_ahead_is_not_believed() -> None:
    """One wrong clock does not end the wait of all others."""
    join = Join(options(labels=False), clock=ManualClock(START))
    year = 365 * 86_400_000
    join.push(arrived("requests", 0, (b"a", b"{}")))
    join.push(arrived("requests", 1, (b"b", b"{}"), at=year))
    join.push(arrived("responses", 0, (b"a", b"{}"), at=5000))
    block = join.next(())
    assert block is not None
    assert 1 == len(block.messages)
    assert {} == block.outcomes


def test_quiet_topics_give_halves_up_by_the_clock() -> None:
    """When nothing more comes, time goes on with the wall clock."""
    clock = ManualClock(START)
    join = Join(options(labels=False), clock=clock)
    join.push(arrived("requests", 0, (b"a", b"{}")))
    assert join.next(()) is None
    clock.advance(10)
    assert join.next(()) is None
    clock.advance(10)
    block = join.next(())
    assert block is not None
    assert {"unjoined": 1} == block.outcomes
    assert {"requests": 1, "responses": 0} == join.unjoined


def test_time_in_which_nobody_looked_is_not_quiet() -> None:
    """After a stop of this process the other half is still to be fetched: nothing is given up at the first look."""
    clock = ManualClock(START)
    join = Join(options(labels=False), clock=clock)
    join.push(arrived("requests", 0, (b"a", b"{}")))
    assert join.next(()) is None
    clock.advance(1200)
    assert join.next(()) is None
    join.push(arrived("responses", 0, (b"a", b"{}"), at=5000))
    block = join.next(())
    assert block is not None
    assert 1 == len(block.messages)


def test_what_is_a_moment_late_is_still_joined() -> None:
    """A topic that is read up to its end may lag by moments, whatever time the others have reached."""
    join = Join(options(labels=False), clock=ManualClock(START))
    join.push(arrived("responses", 0, (b"z", b"{}")))
    join.push(arrived("requests", 0, (b"a", b"{}"), at=1000))
    assert join.next(()) is None
    join.push(arrived("requests", 1, (b"b", b"{}"), at=15_000))
    assert join.next({"requests/1"}) is None
    join.push(arrived("responses", 1, (b"a", b"{}"), at=10_900))
    block = join.next(())
    assert block is not None
    assert 1 == len(block.messages)


def test_doubts_about_partitions_are_told_once() -> None:
    """Identifiers that are no keys, and partitions that are read here without their counterparts."""
    settings = options(labels=False, partitions="same", response={"topic": "responses", "id": "$.id"})
    with capture_logs() as logs:
        join = Join(settings, monitor="m")
        for _ in range(2):
            join.keep(["requests/0", "responses/0", "requests/1"])
    assert 2 == len(logs)
    assert "identifier" in logs[0]["why"]
    assert "partition 1 of responses" in logs[1]["why"]


def test_no_doubts_where_all_is_well() -> None:
    """Keys as identifiers, and one partition of each topic for each number."""
    with capture_logs() as logs:
        Join(options(partitions="same")).keep([f"{topic}/0" for topic in ("requests", "responses", "labels")])
        Join(options()).keep(["requests/1", "responses/0"])
    assert [] == logs


def test_a_topic_stands_on_one_side_only() -> None:
    """The same topic twice is refused."""
    with pytest.raises(ValidationError, match="a topic each"):
        options(labels=False, response={"topic": "requests"})


def test_the_index_finds_what_lives() -> None:
    """Rows with the same first hash are told apart by the second; dead ones are not found."""
    first = np.array([5, 5, 5, 2**63], np.uint64)
    second = np.array([1, 2, 3, 1], np.uint64)
    index = Index(4)
    index.insert(first, np.arange(4))
    living = np.array([True, True, False, True])
    assert [0, 1, -1, 3] == index.find(first, second, (first, second), living).tolist()
    none = np.array([7], np.uint64)
    assert [-1] == index.find(none, none, (first, second), living).tolist()


def test_joined_identifiers_beyond_the_limit_are_forgotten_oldest_first() -> None:
    """The newest stay, and what the state has not got yet is still handed to it."""
    finished = Finished()
    finished.limit(2_000)
    for k in range(20):
        hashes = np.arange(k * 1000, (k + 1) * 1000).astype(np.uint64) << np.uint64(40)
        finished.put(hashes, hashes, np.full(1000, k), np.zeros(1000, bool), -1)
        assert 1000 == len(finished.changed()[0])
    newest, oldest = hashes[-1:], np.zeros(1, np.uint64)
    assert [19] == finished.find(newest, newest)[0].tolist()
    assert 0 > finished.find(oldest, oldest)[0][0]
