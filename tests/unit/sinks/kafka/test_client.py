"""What is mended in kafka-python's client, against sockets and servers of the test's own."""

import asyncio
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import kafka
import pytest
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.net.manager import KafkaConnectionManager
from kafka.protocol.frame import KafkaBytes
from kafka.protocol.parser import KafkaProtocol

from sinks.kafka import KafkaConnection
from sinks.kafka.client import Client, ConnectionManager, TcpTransport, connected
from sinks.kafka.frames import PIECE_BYTES
from sinks.kafka.hints import explain


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


@contextmanager
def answering(words: bytes) -> Iterator[int]:
    """The port of a server that says the same to everybody who says something."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(PIECE_BYTES)
            self.request.sendall(words)

    with socketserver.TCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", [kafka.KafkaAdminClient, kafka.KafkaConsumer, kafka.KafkaProducer])
def test_a_refusal_for_good_is_not_waited_out(kind: Any) -> None:
    """What no waiting heals is raised at once, with its reason, where no other address may let us in."""
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port, pytest.raises(KafkaError) as refused:
        connected(kind, options(port, bootstrap_timeout_ms=600_000))
    assert "not_kafka" == explain(refused.value, []).cause
    assert set() == threads()


def test_a_refusal_of_one_address_is_not_that_of_all(free_port: int) -> None:
    """While another address may come back, trying goes on to the end of the time."""
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        both = options(port, bootstrap_servers=[f"127.0.0.1:{port}", f"127.0.0.1:{free_port}"])
        with pytest.raises(KafkaTimeoutError):
            connected(kafka.KafkaConsumer, both)


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
    ended = SimpleNamespace(exception=None)

    async def nothing(*_: Any, **__: Any) -> None:
        """As a connection that came to its end, well or not."""

    monkeypatch.setattr(KafkaConnectionManager, "_connect", nothing)
    for failures in (1, 2, 3):
        asyncio.run(manager._connect(node, SimpleNamespace(connected=False, init_future=ended)))
        assert failures == manager._backoff[1][0]
        assert manager.connection_delay(1) > 0
    asyncio.run(manager._connect(node, SimpleNamespace(connected=True, init_future=ended)))
    assert 0 == manager.connection_delay(1)
    client.close()


def test_what_could_not_be_sent_leaves_no_socket_open() -> None:
    """A connection that was to be closed once its last bytes are sent goes with its client."""
    client = Client(**options(9))
    near, far = socket.socketpair()
    with far:
        transport = TcpTransport(client._net, near)
        client._connections._transports.add(transport)
        transport.write(b"farewell")
        transport.close()
        assert near.fileno() >= 0
        client.close()
        assert near.fileno() < 0


def test_large_answers_wake_once_for_much() -> None:
    """While most of an answer is still to come the socket is readable only for a large part of it, or for its end."""
    size = 4 * PIECE_BYTES
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    client = Client(**options(9))
    with near, far:
        near.settimeout(0)
        transport = TcpTransport(client._net, near)
        parser = KafkaProtocol()
        transport.set_protocol(SimpleNamespace(parser=parser, connection_lost=lambda _: None))
        far.sendall(size.to_bytes(4, "big") + bytes(8))
        parser._receiving, parser._rbuffer = True, KafkaBytes(size)
        select.select([near], [], [], 10)
        near.recv(4)
        assert (b"", None) == transport._sock_recv()
        far.sendall(bytes(PIECE_BYTES))
        assert ([], [], []) == select.select([near], [], [], 0)
        far.sendall(bytes(size - PIECE_BYTES - 8))
        assert [near] == select.select([near], [], [], 10)[0]
        while parser._rbuffer.tell() < size - 1:
            data, error = transport._sock_recv()
            assert error is None
        assert b"\0" == (data or transport._sock_recv()[0])
        far.sendall(b"next")
        assert [near] == select.select([near], [], [], 10)[0]
    client.close()


def test_the_inner_names_are_there() -> None:
    """kafka-python has the names that are overridden; a version without them would go its old ways unnoticed."""
    base = ConnectionManager.__mro__[1]
    for name in ("_build_transport", "_connect", "update_backoff", "reset_backoff"):
        assert name in vars(base)
    for name in ("KafkaTCPTransport", "KafkaSSLTransport"):
        assert "_sock_recv" in vars(getattr(__import__("kafka.net.transport", fromlist=[name]), name))
