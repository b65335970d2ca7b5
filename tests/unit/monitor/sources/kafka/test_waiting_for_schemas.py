"""Messages whose schema cannot be had now are kept, and read when it can."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.decode.schemas import Schema
from monitor.sources.base import SourceError
from monitor.sources.kafka.channel import Piece
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.reader import Reader
from monitor.sources.kafka.sights import Sight
from monitor.sources.kafka.source import KafkaStream
from tests.unit.monitor.decode.sent import Sent, sent


class Away:
    """A registry that is away at first."""

    away = True

    def schema(self, number: int) -> Schema:
        """The schema of JSON."""
        if self.away:
            raise SourceError("the schema registry cannot be reached")
        return Schema("JSON", "{}")

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def stream() -> KafkaStream:
    """A stream without a client, with one message that waits for a schema and one behind it."""
    options = KafkaSource.model_validate({"brokers": "localhost:1", "topics": "loans"})
    found = KafkaStream(options, Decoder(Records(), (Column("a", Kind.NUMERIC),)), "m")
    found._reader = cast("Reader", SimpleNamespace(died=False, is_out_of_touch=lambda: False))
    found._values._schemas = Away()
    for offset, value in enumerate((b'\0\0\0\0\x01{"a": 1}', b'{"a": 2}')):
        messages = sent(value, first=offset)
        found._channel.put(0, [Piece("loans/3", messages, Counted(offset + 1))])
    return found


def test_nothing_is_lost_while_the_registry_is_away(stream: KafkaStream) -> None:
    """Each try fails with the reason, and the messages come in their order once the registry is back."""
    held = stream._channel.bytes
    for _ in range(2):
        with pytest.raises(SourceError, match="cannot be reached"):
            stream.poll(0.0)
    assert held == stream._channel.bytes
    cast("Away", stream._values._schemas).away = False
    batch = stream.poll(0.0)
    assert batch is not None
    assert [1.0, 2.0] == batch.frame["a"].to_list()
    assert 2 == batch.position.partitions["loans/3"]["offset"]


@pytest.mark.parametrize("how", ["lose", "give_up"])
def test_partitions_that_went_do_not_come_back(stream: KafkaStream, how: str) -> None:
    """What was put back for later is dropped when its partition was given up, or lost, in between."""
    channel = stream._channel
    epoch = channel.epoch
    pieces = channel.take("loans/3", 10, 10**6)
    if how == "lose":
        channel.lose("evicted")
    else:
        channel.give_up(["loans/3"])
    channel.put_back(epoch, "loans/3", pieces)
    assert [] == channel.waiting()
    assert 0 == channel.bytes


def test_halves_of_a_join_are_taken_once() -> None:
    """Pieces before the one that must wait are taken, and all count once when the registry is back."""
    join = {"request": {"topic": "loans"}, "response": {"topic": "answers"}}
    options = KafkaSource.model_validate({"brokers": "localhost:1", "join": join})
    mapping = Records.model_validate({"features": "$.request", "id": "@request.key"})
    stream = KafkaStream(options, Decoder(mapping, (Column("a", Kind.NUMERIC),)), "m")
    stream._reader = cast("Reader", SimpleNamespace(died=False, is_out_of_touch=lambda: False))
    registry = Away()
    stream._values._schemas = registry
    values = (b'{"a": 1}', b'\0\0\0\0\x01{"a": 2}', b'{"a": 3}')
    for i, value in enumerate(values):
        piece = Piece("loans/3", sent(Sent(value, b"%d" % i), first=i), Counted(i + 1))
        stream._channel.put(0, [piece])
    partitions = ("loans/3", "answers/3")
    stream._channel.see({name: Sight(3, 3, reachable=True) for name in partitions})
    first = stream.poll(0.0)
    assert first is not None
    assert 1 == first.position.partitions["loans/3"]["offset"]
    with pytest.raises(SourceError, match="cannot be reached"):
        stream.poll(0.0)
    registry.away = False
    answers = sent(*(Sent(b"{}", b"%d" % i) for i in range(3)), topic="answers")
    stream._channel.put(0, [Piece("answers/3", answers, Counted(3))])
    batches = [batch for _ in range(8) if (batch := stream.poll(0.0)) is not None]
    assert [("0", 1.0), ("1", 2.0), ("2", 3.0)] == sorted(
        row for batch in batches if batch.frame.height for row in batch.frame.select("@id", "a").rows()
    )
    assert not any(batch.rejects or batch.outcomes.get("duplicate") for batch in batches)
