"""Values of all formats in one topic, with a registry that is away at first."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.records import RecordBatch, Reject
from monitor.sources.base import SourceError
from monitor.sources.kafka import KafkaSource
from monitor.sources.kafka.source import KafkaStream
from tests.brokers.operations import Operations, Record
from tests.integration.kafka.members import until
from tests.unit.monitor.decode.registry_server import Registry, running
from tests.unit.monitor.decode.wire import LOAN, avro, framed

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

MAPPING = {
    "id": "@key",
    "timestamp": "@timestamp",
    "version": "@headers.ce_source",
    "ignore": ["specversion", "data"],
}
COLUMNS = (Column("a", Kind.NUMERIC), Column("b", Kind.CATEGORICAL))
EVENT = b'{"specversion":"1.0","a":4,"b":"event","data_base64":"e30="}'
HEADERS = (("content-type", b"application/cloudevents+json"), ("ce_source", b"v2"))
FIRST_MS = 1_700_000_000_000
VALUES = [
    b'{"a": 0, "b": "json"}',
    avro(LOAN, {"a": 1.0, "b": "avro"}, 7),
    framed(b'{"a": 2, "b": "registry"}', 8),
    b'{"a": 3, "b": "one"}\n{"a": 3.5, "b": "two"}',
    EVENT,
    None,
    b"no record",
    avro(LOAN, {"a": 9.0, "b": "unknown"}, 99),
]


@pytest.fixture
def stream(kafka: Operations, topic: str, registry: Registry) -> Iterator[KafkaStream]:
    """The source on a topic with one message of each kind."""
    kafka.create_topic(topic, 1)
    records = [
        Record(value, b"k%d" % i, 0, HEADERS if value == EVENT else (), FIRST_MS + i)
        for i, value in enumerate(VALUES)
    ]
    kafka.produce(topic, records)
    options = {
        "brokers": kafka.address,
        "topics": topic,
        "group": None,
        "registry": {"url": registry.address},
    }
    found = KafkaSource.model_validate(options).open(
        Decoder(Records.model_validate(MAPPING), COLUMNS), "loans"
    )
    yield found
    found.close()


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry that lets nobody in at first."""
    with running(Registry(user=("driftd", "word"))) as found:
        found.add(7, LOAN)
        found.add(8, "{}", "JSON")
        yield found


def test_all_formats(stream: KafkaStream, registry: Registry) -> None:
    """While the registry refuses, the reason is told and nothing is lost; then each message has its outcome."""
    refusals: list[str] = []
    batches: list[RecordBatch] = []

    def refused() -> bool:
        try:
            batch = stream.poll(0.2)
        except SourceError as error:
            refusals.append(str(error))
        else:
            batches.extend([] if batch is None else [batch])
        return len(refusals) > 1

    until(refused)
    assert all("401: Unauthorized" in refusal for refusal in refusals)
    registry.user = None

    def outcomes() -> int:
        batch = stream.poll(0.2)
        batches.extend([] if batch is None else [batch])
        return sum(b.frame.height + len(b.rejects) + b.outcomes.get("tombstone", 0) for b in batches)

    until(lambda: outcomes() >= len(VALUES) + 1)
    rows = pl.concat([batch.frame for batch in batches], how="diagonal_relaxed")
    assert [0.0, 1.0, 2.0, 3.0, 3.5, 4.0] == rows["a"].to_list()
    assert ["json", "avro", "registry", "one", "two", "event"] == rows["b"].to_list()
    assert ["k0", "k1", "k2", "k3#0", "k3#1", "k4"] == rows["@id"].to_list()
    assert [FIRST_MS * 1000 + i * 1000 for i in (0, 1, 2, 3, 3, 4)] == rows["@time"].to_list()
    assert [None] * 5 + ["v2"] == rows["@version"].to_list()
    rejects: list[Reject] = [reject for batch in batches for reject in batch.rejects]
    assert [("malformed_json", 6), ("unknown_schema", 7)] == [(r.reason, r.offset) for r in rejects]
    assert registry.asked.count("/schemas/ids/7") >= 2
