"""Topics as they are written on the command line."""

from pathlib import Path

import pytest

from monitor.sources.kafka.address import AddressError, is_address, parse_address
from sinks.kafka.security import Tls


def test_an_address_names_brokers_and_topics() -> None:
    """Several brokers and topics are separated by commas; the port may be left out."""
    address = parse_address("kafka://kafka-1,kafka-2:9093/loans,labels")
    assert ("kafka-1:9092", "kafka-2:9093") == address.connection.brokers
    assert ("loans", "labels") == address.topics
    assert {"brokers": ["kafka-1", "kafka-2:9093"]} == address.options


def test_the_secure_scheme_means_tls() -> None:
    """`kafkas://` turns TLS on, unless the options say how."""
    assert Tls() == parse_address("kafkas://kafka-1/loans").connection.tls
    own = parse_address("kafkas://kafka-1/loans", {"tls": {"ca": "ca.pem"}})
    assert Tls(ca=Path("ca.pem")) == own.connection.tls


@pytest.mark.parametrize(
    "text",
    [
        "kafka://user:secret@kafka-1/loans",
        "kafka://kafka-1",
        "kafka://kafka-1/",
        "kafka://kafka-1/a/b",
        "kafka://kafka-1/no blanks",
        "kafka-1:9092/loans",
    ],
)
def test_other_texts_are_refused_with_a_hint(text: str) -> None:
    """Nobody's password stands in a list of processes, and a slip is named."""
    with pytest.raises(AddressError) as refused:
        parse_address(text)
    assert refused.value.hint


def test_files_are_no_addresses() -> None:
    """What is no topic is left to the readers of files."""
    assert is_address("kafka://a/b")
    assert is_address("kafkas://a/b")
    assert not is_address("logs/kafka.ndjson")
