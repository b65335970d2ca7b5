"""A record batch that rots on the broker's disk: passed over and counted, whichever way batches are unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.sources.kafka import verification
from tests.brokers.apache import Apache
from tests.brokers.broker import Broker
from tests.integration.kafka.members import Member, produce, row, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka(needs={"security"})]

BATCH = 20


def rot(broker: Apache, topic: str, number: int) -> None:
    """Flip a bit of a record in the broker's file; the broker sends what is there without looking at it."""
    (path,) = (broker.folder / "data" / f"{topic}-0").glob("*.log")
    place = path.read_bytes().index(row(number))
    with path.open("r+b") as file:
        file.seek(place + 3)
        (byte,) = file.read(1)
        file.seek(place + 3)
        file.write(bytes([byte ^ 1]))


def fast(_monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is."""


def stock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two ways to unpack do not agree."""
    monkeypatch.setattr(verification, "compare", lambda *_: "a difference")


def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """kafka-python is of a version that is not known."""
    monkeypatch.setattr(verification, "VERSIONS", "none")


@pytest.mark.parametrize("way", [fast, stock, untouched])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_rotten_batch_is_a_gap(
    *, way: Any, place: str, broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records of the batch are counted as missing with their offsets; all others are counted, later ones too."""
    assert isinstance(broker, Apache)
    way(monkeypatch)
    broker.create_topic(topic)
    for batch in range(5):
        produce(broker, topic, range(batch * BATCH, (batch + 1) * BATCH), partitions=1)
    hurt = {"first": 0, "middle": 2, "last": 4}[place]
    rot(broker, topic, hurt * BATCH + BATCH // 2)
    member = Member(tmp_path, {"brokers": broker.address, "topics": topic, "session_timeout": "6s"})
    try:
        until(lambda: member.outcome() >= 4 * BATCH and sum(gap.records for gap in member.missing()) >= BATCH)
        produce(broker, topic, range(5 * BATCH, 6 * BATCH), partitions=1)
        until(lambda: member.outcome() >= 5 * BATCH)
    finally:
        member.stop()
    assert 5 * BATCH == member.outcome()
    gaps = member.missing()
    assert {"corrupt"} == {gap.reason for gap in gaps}
    missing = [offset for gap in gaps for offset in range(gap.start, gap.end)]
    assert list(range(hurt * BATCH, (hurt + 1) * BATCH)) == sorted(missing)
    if way is not untouched:
        (gap,) = gaps
        assert gap.bytes > BATCH * len(row(0))
