"""What is mended in kafka-python's client, against sockets and servers of the test's own."""

import asyncio
import socket
import threading
from types import SimpleNamespace
from typing import Any

import kafka
import pytest
from kafka.errors import KafkaTimeoutError
from kafka.net.manager import KafkaConnectionManager

from sinks.kafka import KafkaConnection
from sinks.kafka.client import Client, ConnectionManager, connected


def options(port: int, **more: Any) -> dict[str, Any]:
    """Arguments for a client of a server on loopback."""
    connection = KafkaConnection.model_validate({"brokers": f"127.0.0.1:{port}"})
    return {**connection.client_options("test"), "bootstrap_timeout_ms": 700, **more}


def threads() -> set[str]:
    """Names of kafka-python's threads."""
    return {thread.name for thread in threading.enumerate() if "driftd.test" in thread.name}


@pytest.mark.parametrize("kind", [kafka.KafkaAdminClient, kafka.KafkaConsumer, kafka.KafkaProducer])
def test_a_client_that_cannot_be_made_leaves_nothing(kind: Any, free_port: int) -> None:
    """No thread goes on trying, and no socket stays open (a warning, and so an error here)."""
    with pytest.raises(KafkaTimeoutError):
        connected(kind, options(free_port))
    assert set() == threads()


def test_a_server_that_hangs_up_is_not_stormed() -> None:
    """A server that takes connections and ends them at once is left alone ever longer, as one that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []
        done = threading.Event()

        def serve() -> None:
            server.settimeout(0.05)
            while not done.is_set():
                try:
                    taken.append(server.accept()[0])
                    taken[-1].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(KafkaTimeoutError):
            connected(kafka.KafkaAdminClient, options(server.getsockname()[1]))
        done.set()
        thread.join()
    assert 1 <= len(taken) <= 6


def test_a_refused_login_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose login failed makes the pauses grow, like one that was not made; one that works ends them."""
    client = Client(**options(9))
    manager, node = client._manager, SimpleNamespace(node_id=1)

    async def nothing(*_: Any, **__: Any) -> None:
        """As a connection that came to its end, well or not."""

    monkeypatch.setattr(KafkaConnectionManager, "_connect", nothing)
    for failures in (1, 2, 3):
        asyncio.run(manager._connect(node, SimpleNamespace(connected=False)))
        assert failures == manager._backoff[1][0]
        assert manager.connection_delay(1) > 0
    asyncio.run(manager._connect(node, SimpleNamespace(connected=True)))
    assert 0 == manager.connection_delay(1)
    client.close()


def test_the_inner_names_are_there() -> None:
    """kafka-python has the names that are overridden; a version without them would go its old ways unnoticed."""
    base = ConnectionManager.__mro__[1]
    for name in ("_build_transport", "_connect", "update_backoff", "reset_backoff"):
        assert name in vars(base)
    for name in ("KafkaTCPTransport", "KafkaSSLTransport"):
        assert "_sock_recv" in vars(getattr(__import__("kafka.net.transport", fromlist=[name]), name))
