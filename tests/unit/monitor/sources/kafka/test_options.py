"""The source's options: what is refused, and with which words."""

from contextlib import nullcontext
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.decode.mapping import Records
from monitor.sources.kafka import KafkaSource

JOIN = {"request": {"topic": "a"}, "response": {"topic": "b"}}
INSIDE = {**JOIN, "request": {"topic": "a", "id": "$.id"}}


def source(**options: Any) -> KafkaSource:
    """A source at some broker."""
    return KafkaSource.model_validate({"brokers": "kafka", **options})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give exactly one of `topics`, `pattern`, `join` and `partitions`; there is none"),
        ({"topics": "a", "pattern": "b"}, "there is `topics` and `pattern`"),
        ({"pattern": "("}, "is no regular expression"),
        ({"topics": "a b"}, "should match pattern"),
        ({"topics": "a", "start": "yesterday"}, "write earliest, latest, or a time with its zone"),
        ({"topics": "a", "start": "2026-01-01T00:00:00"}, "write earliest, latest, or a time with its zone"),
        ({"partitions": {"a": [0]}, "group": "g"}, "set `group: null`"),
        ({"topics": "a", "group": None, "member": "m"}, "`member` is a name in a group"),
        ({"join": JOIN, "assignor": "sticky"}, "a join needs `assignor: range`"),
        ({"join": JOIN, "sampling": {"rate": 0.1, "by": "key"}}, "`sampling` must go `by: id`"),
    ],
)
def test_refused(options: dict[str, Any], words: str) -> None:
    """Each mistake is told with what to write instead."""
    with pytest.raises(ValidationError) as caught:
        source(**options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "records", "words"),
    [
        ({}, {}, "`records` names no `id`"),
        ({}, {"id": "$.rows[*].id", "expand": "$.rows"}, "a message has many identifiers"),
        ({"format": "avro", "registry": {"url": "http://r"}}, {"id": "$.id"}, "known only after decoding"),
        ({"format": "avro", "registry": {"url": "http://r"}}, {"id": "@key"}, ""),
        ({"topics": None, "join": JOIN}, {}, ""),
        ({"topics": None, "join": JOIN, "registry": {"url": "http://r"}}, {}, ""),
        ({"topics": None, "join": INSIDE, "registry": {"url": "http://r"}}, {}, "halves of a row would part"),
    ],
)
def test_sampling_by_identifier(options: dict[str, Any], records: dict[str, Any], words: str) -> None:
    """It must be known before a record is decoded."""
    sampled = source(**{"topics": "a", "sampling": {"rate": 0.1, "by": "id"}, **options})
    with pytest.raises(ValueError, match=words) if words else nullcontext():
        sampled.fit(Records.model_validate({"features": ["$.x"], **records}))


def test_group_names() -> None:
    """The group is the monitor's own unless it is named; replays and fixed partitions have none."""
    assert "driftd.loans" == source(topics="a").group_of("loans")
    assert "g" == source(topics="a", group="g").group_of("loans")
    assert source(topics="a", group=None).group_of("loans") is None
    assert source(topics="a").once().group_of("loans") is None
    assert source(partitions={"a": [0, 1]}).group_of("loans") is None


def test_a_join_keeps_partitions_together() -> None:
    """Partitions of one number go to one member in a join, and stay where they are elsewhere."""
    assert "range" == source(join=JOIN).assignor_name
    assert "cooperative-sticky" == source(topics="a").assignor_name
    assert ("a", "b") == source(join=JOIN).topic_names


def test_start_as_a_time() -> None:
    """A time is looked up in milliseconds."""
    assert 1_767_225_600_000 == source(topics="a", start="2026-01-01T00:00:00Z").start_milliseconds
