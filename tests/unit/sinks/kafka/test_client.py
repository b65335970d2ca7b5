"""What is mended in kafka-python's client, against sockets and servers of the test's own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import kafka
import pytest
from kafka.errors import KafkaTimeoutError
from kafka.net.manager import KafkaConnectionManager

from sinks.kafka import KafkaConnection
from sinks.kafka.client import MOST_AT_ONCE_BYTES, Client, ConnectionManager, connected, receive


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection; the second does not block."""
    near, far = socket.socketpair()
    far.settimeout(0)
    with near, far:
        yield near, far


def test_the_last_words_are_heard(pair: tuple[socket.socket, socket.socket]) -> None:
    """What was sent before the end comes without an error; the end comes after it, once there is nothing else."""
    near, far = pair
    near.sendall(b"you may not")
    near.close()
    assert (b"you may not", None) == receive(far)
    data, error = receive(far)
    assert b"" == data
    assert "socket disconnected" in str(error)


def test_nothing_yet_is_no_end(pair: tuple[socket.socket, socket.socket]) -> None:
    """A connection on which nothing has come yet is as it was."""
    near, far = pair
    assert (b"", None) == receive(far)
    near.sendall(b"now")
    assert (b"now", None) == receive(far)


def test_an_error_of_the_network_is_told() -> None:
    """A connection that was reset gives its error."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
        with far:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            near.close()
            data, error = receive(far)
    assert b"" == data
    assert "reset" in str(error)


class Endless:
    """A socket on which there is always more."""

    def recv(self, size: int) -> bytes:
        """As much as is asked for."""
        return bytes(size)


def test_one_connection_does_not_take_all_the_time() -> None:
    """Where there is always more, others have their turn after a while."""
    data, error = receive(Endless())
    assert (MOST_AT_ONCE_BYTES, None) == (len(data), error)


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
