"""Which messages are kept by their identifiers."""

from typing import Any

import pytest

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.sources.kafka import KafkaSource
from monitor.sources.kafka.fast_records import FastRecords
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.sampling import Sampling
from monitor.sources.kafka.stock_records import StockRecords
from tests.unit.monitor.sources.kafka.batches import Batch, Record, fetch, read_all, write

COLUMNS = [Column("x", Kind.NUMERIC)]
IDS = 200


def rule(identifier: str, **options: Any) -> Sampling:
    """A rule that keeps a quarter, of a source whose records have their identifier there."""
    source = KafkaSource.model_validate({"brokers": "b", "sampling": {"rate": 0.25, "by": "id"}, **options})
    records = Records.model_validate({"id": identifier, "features": ["$.x"]})
    found = Sampling.of(source, Decoder(records, COLUMNS).plan)
    assert found is not None
    return found


def sampled(sampling: Sampling, records: list[Record]) -> Messages:
    """What is kept of records."""
    unpacker = fetch(FastRecords, write(Batch(records)))
    unpacker.sampling = sampling
    return read_all(unpacker)


@pytest.mark.parametrize("identifier", ["$.id", "$.meta.id", "@key", "@headers.id"])
def test_all_messages_of_an_identifier_are_kept_or_none(identifier: str) -> None:
    """Wherever it stands the same are kept, and about as many as the rate says."""
    records = [
        Record(b'{"x":1,"id":"%d","meta":{"id":"%d"}}' % (n, n), b"%d" % n, [("id", b"%d" % n)])
        for n in (i % IDS for i in range(10 * IDS))
    ]
    found = sampled(rule(identifier, topics="t"), records)
    kept = set(found.keys())
    assert 10 * len(kept) == len(found)
    assert 30 < len(kept) < 70
    assert 10 * IDS - len(found) == found.sampled_out
    assert kept == set(sampled(rule("@key", topics="t"), records[:IDS]).keys())


def test_the_slower_unpacker_keeps_the_same() -> None:
    """The rule goes by the messages alone."""
    records = [Record(b'{"id":"%d","x":1}' % i) for i in range(IDS)]
    sampling, slow = rule("$.id", topics="t"), fetch(StockRecords, write(Batch(records)))
    slow.sampling = sampling
    assert read_all(slow).values() == sampled(sampling, records).values()


def test_what_has_no_identifier_goes_by_its_offset() -> None:
    """Messages that cannot be read are not all kept, nor all left out."""
    found = sampled(rule("$.id", topics="t"), [Record(b"{broken")] * (5 * IDS))
    assert 150 < len(found) < 350


def test_topics_of_a_join_have_their_own_identifiers() -> None:
    """Both halves of a row are kept, or none: each topic says where its identifier stands."""
    join = {"request": {"topic": "loans", "id": "$.id"}, "response": {"topic": "answers", "id": "@key"}}
    sampling = rule("@request.key", join=join)
    requests = sampled(sampling, [Record(b'{"id":"%d"}' % i, b"else") for i in range(IDS)])
    answers = Sampling(sampling.rate, "id", {"loans": sampling.ids["answers"]})
    responses = sampled(answers, [Record(b"{}", b"%d" % i) for i in range(IDS)])
    assert [b'{"id":"%b"}' % (key or b"") for key in list(responses.keys())] == requests.values()
