"""Topics on the command line: `kafka://host:port,host/topic,topic`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sinks.kafka.connection import KafkaConnection

PLAIN, SECURE = "kafka", "kafkas"
_ADDRESS = re.compile(r"(?P<scheme>kafkas?)://(?P<brokers>[^/?#]*)(?:/(?P<topics>[^/?#]*))?/?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_HINT = "write it like kafka://localhost:9092/topic (kafkas:// for TLS)"


class AddressError(ValueError):
    """The address is not well-formed; `hint` says what to write."""

    def __init__(self, message: str, hint: str = _HINT) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Address:
    """Some topics of a cluster.

    Attributes:
        connection: how the cluster is reached.
        topics: names, at least one.
        options: the connection as the configuration has it, for a source that is written down.
    """

    connection: KafkaConnection
    topics: tuple[str, ...]
    options: Mapping[str, Any]


def is_address(text: str) -> bool:
    """Whether a text means topics rather than files."""
    return text.startswith((f"{PLAIN}://", f"{SECURE}://"))


def parse_address(text: str, more: Mapping[str, Any] | None = None) -> Address:
    """Read an address.

    Args:
        text: the address.
        more: options of the connection that the address cannot hold (`tls`, `sasl`, `client_id`).

    Raises:
        AddressError: not well-formed, or with a password in it.
        pydantic.ValidationError: the options are wrong.

    >>> parse_address("kafka://kafka-1,kafka-2:9093/loans").topics
    ('loans',)
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise AddressError(f"{text!r} is no address of a topic")
    if "@" in match["brokers"]:
        hint = "put `sasl` into a file of connection options: --connection FILE"
        raise AddressError(
            "no user or password in an address: it would be seen in the list of processes", hint
        )
    topics = tuple(filter(None, (match["topics"] or "").split(",")))
    if not topics:
        raise AddressError(f"{text!r} names no topic")
    for topic in topics:
        if not _TOPIC.fullmatch(topic):
            raise AddressError(f"{topic!r} is no name of a topic", "letters, digits, dots, _ and -")
    options: dict[str, Any] = {"brokers": match["brokers"].split(","), **(more or {})}
    if match["scheme"] == SECURE:
        options.setdefault("tls", True)
    return Address(KafkaConnection.model_validate(options), topics, options)
