"""A first look at topics by the mapping, before a daemon reads them."""

from typing import Any

import orjson
import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from detectors.layout import Column, Kind, Role
from monitor.decode.mapping import Records
from monitor.sources.base import SourceError
from monitor.sources.kafka.options import KafkaSource
from monitor.trial import Trial, try_mapping
from tests.brokers.operations import SECONDS, Operations, Record
from tests.brokers.secured import USERS, Secured

pytestmark = pytest.mark.kafka

COLUMNS = (Column("age", Kind.NUMERIC), Column("says", Kind.CATEGORICAL, Role.PREDICTION))
FITTING, OLD = {"in": {"age": 31.5}, "says": "yes"}, {"years": 31}
MAPPING = {"timestamp": "@timestamp", "features": "$.in", "prediction": "$.says"}


def tried(address: str, mapping: dict[str, str], **options: Any) -> Trial | None:
    """What comes of a topic's first records."""
    source = KafkaSource.model_validate({"brokers": address, **options})
    return try_mapping(source, Records.model_validate(mapping), COLUMNS, "m")


@pytest.mark.kafka(needs={"offsets_for_times"})
def test_where_reading_begins(kafka: Operations, topic: str) -> None:
    """The records that a new daemon would read, or the last ones: what came long before them tells nothing."""
    kafka.create_topic(topic)
    values = [orjson.dumps(value) for value in [OLD] * 1500 + [FITTING] * 200]
    kafka.produce(topic, [Record(value, timestamp_ms=1000 * i + 1) for i, value in enumerate(values)])
    found = {
        start: tried(kafka.address, MAPPING, topics=topic, start=start)
        for start in ("earliest", "latest", "1970-01-01T00:26:00Z")
    }
    assert {"empty_record": 1500} == getattr(found.pop("earliest"), "rejected", None)
    assert [({}, {}), ({}, {})] == [(one.rejected, one.empty) for one in found.values() if one is not None]
    assert all(one is not None and one.rows >= 100 for one in found.values())


def test_halves_that_never_meet(kafka: Operations, topic: str) -> None:
    """A join whose identifiers differ gives no row, and says what became of the halves."""
    sides = {side: {"topic": f"{topic}-{side}", "id": "@key"} for side in ("request", "response")}
    for side, about in sides.items():
        kafka.create_topic(about["topic"])
        value = orjson.dumps(FITTING)
        kafka.produce(about["topic"], [Record(value, key=f"{side}-{i}".encode()) for i in range(200)])
    mapping = {
        "timestamp": "@response.timestamp",
        "features": "$.request.in",
        "prediction": "$.response.says",
    }
    found = tried(kafka.address, mapping, join={**sides, "wait": "1s"})
    assert found is not None
    assert (0, {"unjoined": 400}) == (found.rows, found.left_out)


@pytest.mark.kafka(needs={"security"})
def test_a_topic_that_may_be_described_but_not_read(secured_broker: Secured, topic: str) -> None:
    """Its size is known, its records are not: that is told, and not that there are none."""
    broker = secured_broker.broker
    broker.create_topic(topic)
    broker.produce(topic, [Record(orjson.dumps(FITTING))] * 10)
    right = ("User:bob", "*", AclOperation.DESCRIBE, AclPermissionType.ALLOW)
    rule = AclBinding(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, *right)
    for future in broker._admin.create_acls([rule]).values():
        future.result(SECONDS)
    sasl = {"mechanism": "scram-sha-512", "username": "bob", "password": USERS["bob"]}
    with pytest.raises(SourceError, match=f"may not use the topic {topic}"):
        tried(secured_broker.addresses["sasl"], MAPPING, topics=topic, sasl=sasl)
