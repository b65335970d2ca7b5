"""Where a Kafka cluster is and how driftd connects to it: shared by the source, the sink and the commands."""

from __future__ import annotations

import re
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from sinks.kafka.security import Sasl, Tls

DEFAULT_PORT = 9092
RECONNECT_SECONDS = 2.0
"""Longest wait between two tries to reach a broker; kafka-python's own 30 s would be the time to recover."""

_BRACKETS = re.compile(r"\[(?P<host>[0-9A-Fa-f:.]+)\](?::(?P<port>\d+))?")
_NAME = re.compile(r"(?P<host>[A-Za-z0-9_.-]+)(?::(?P<port>\d+))?")
_LAST_PORT = 65_535


def broker_address(text: str) -> str:
    """The address with its port.

    Raises:
        ValueError: not `host`, `host:port` or `[IPv6]:port`.

    >>> broker_address("kafka-1"), broker_address("[::1]:9094")
    ('kafka-1:9092', '[::1]:9094')
    """
    match = _NAME.fullmatch(text.strip()) or _BRACKETS.fullmatch(text.strip())
    if match is None or not 0 < int(match["port"] or DEFAULT_PORT) <= _LAST_PORT:
        raise ValueError(f"{text!r} is not a broker's address: write host, host:port or [IPv6]:port")
    host = f"[{match['host']}]" if text.strip().startswith("[") else match["host"]
    return f"{host}:{match['port'] or DEFAULT_PORT}"


def _listed(value: object) -> object:
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Brokers = Annotated[
    tuple[Annotated[str, AfterValidator(broker_address)], ...],
    MinLen(1),
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]


def _switched(value: object) -> object:
    """`true` is TLS with its defaults, `false` is none."""
    if value is True or value == "true":
        return {}
    return None if value is False or value == "false" else value


TlsOptions = Annotated[Tls | None, BeforeValidator(_switched, json_schema_input_type=bool | Tls | None)]


class KafkaConnection(BaseModel):
    """The options by which driftd connects to a Kafka cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    brokers: Brokers
    """Some brokers of the cluster, `host:port` (9092 where it is left out): a list, or one text with commas."""

    tls: TlsOptions = None
    """TLS: `true` with the system's authorities, or its options."""

    sasl: Sasl | None = None
    """How driftd proves who it is."""

    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")] = "driftd"
    """Name of driftd in the brokers' logs and quotas; the name of the monitor or sink follows it after a dot."""

    @property
    def security_protocol(self) -> str:
        """Kafka's word for the listener that these options fit."""
        return ("SASL_" if self.sasl else "") + ("SSL" if self.tls else "PLAINTEXT")

    def id_for(self, purpose: str = "") -> str:
        """The client id for one purpose, such as a monitor's name; `client_log` tells clients apart by it."""
        return f"{self.client_id}.{purpose}" if purpose else self.client_id

    def client_options(self, purpose: str = "") -> dict[str, Any]:
        """Arguments for KafkaConsumer, KafkaProducer and KafkaAdminClient; secrets are in them as text: never log them.

        Call it anew for each client: files of certificates are named in it, not read.

        Args:
            purpose: becomes a part of the client id.
        """
        from sinks.kafka.client import Client
        from sinks.kafka.client_log import tame

        tame()
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.brokers),
            "client_id": self.id_for(purpose),
            "security_protocol": self.security_protocol,
            "kafka_client": Client,
            "reconnect_backoff_ms": 100,
            "reconnect_backoff_max_ms": round(RECONNECT_SECONDS * 1000),
        }
        if self.tls is not None:
            options |= self.tls.client_options()
        if self.sasl is not None:
            options |= self.sasl.client_options()
        return options
