"""kafka-python's network client with some of its habits mended; handed to it by its option `kafka_client`.

It throws away what a broker says last before it hangs up, which is the reason of a refusal; it tries to the end of
its time where every address has refused it for good; it forgets its growing pauses where a connection was made but
the broker refused the user; it leaves sockets open whose connection failed; and it reads in pieces of 4 kB (see
`frames`). The names that are used here are kafka-python's inner ones: pyproject.toml
pins the versions that have them.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

from kafka.errors import KafkaConnectionError
from kafka.net.compat import KafkaNetClient
from kafka.net.connection import KafkaConnection
from kafka.net.inet import KafkaNetSocket, create_connection
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from sinks.kafka.frames import MOST_AT_ONCE_BYTES, PIECE_BYTES, coming_in, fill, missing_of, receive
from sinks.kafka.hints import explain

T = TypeVar("T")

_DIRECT = "driftd-direct"


class TcpTransport(KafkaTCPTransport):  # type: ignore[misc] # kafka-python has no types
    """Hears brokers out; while a large answer comes in, it is woken for large parts of it only."""

    _patience = 1

    def _sock_recv(self) -> tuple[bytes, KafkaConnectionError | None]:
        frame = coming_in(getattr(self.get_protocol(), "parser", None))
        if frame is None:
            return receive(self._sock)
        error = fill(frame, self._sock)
        missing = missing_of(frame)
        self._wait_for(missing if missing > PIECE_BYTES else 1)
        return receive(self._sock) if error is None and missing == 1 else (b"", error)

    def _wait_for(self, size: int) -> None:
        """Let the socket be readable once so many bytes have come in, or once nothing more can."""
        size = min(size, MOST_AT_ONCE_BYTES)
        if size != self._patience:
            self._patience = size
            with suppress(OSError):  # not all systems let it be set
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


class TlsTransport(KafkaSSLTransport):  # type: ignore[misc] # as above
    """Hears brokers out, encrypted."""

    def _sock_recv(self) -> tuple[bytes, KafkaConnectionError | None]:
        frame = coming_in(getattr(self.get_protocol(), "parser", None))
        error = None if frame is None else fill(frame, self._sock)
        return receive(self._sock) if error is None else (b"", error)


class DirectSocket(KafkaNetSocket):  # type: ignore[misc] # as above
    """Connects without a proxy, and closes the socket where that fails; kafka-python finds it by its scheme."""

    SCHEMES: ClassVar[tuple[str, ...]] = (_DIRECT,)

    async def connect(
        self, net: Any, addrinfo: Any, socket_options: Any = (), timeout_at: float | None = None
    ) -> socket.socket:
        """A connected socket that does not block."""
        family, kind, protocol, _, address = addrinfo
        fresh = socket.socket(family, kind, protocol)
        try:
            fresh.setblocking(False)  # noqa: FBT003 - the standard library's signature
            for option in socket_options:
                fresh.setsockopt(*option)
            await self.sock_connect(net, fresh, address, timeout_at=timeout_at)
        except BaseException:
            fresh.close()
            raise
        return fresh


class ConnectionManager(KafkaConnectionManager):  # type: ignore[misc] # as above
    """Connections that hear brokers out, take no for an answer, wait after every failure, and leave nothing open."""

    def __init__(self, net: NetworkSelector, **configs: Any) -> None:
        super().__init__(net, **configs)
        self._transports: WeakSet[Any] = WeakSet()
        self._refusals: dict[Any, Exception] = {}

    def get_connection(self, node_id: Any, *args: Any, **options: Any) -> KafkaConnection:
        """A connection to a broker, perhaps one that is being made.

        Raises:
            KafkaError: it is not to be had now; while the cluster is still unknown also what this address said, where
                none of them lets us in until somebody does something about it.
        """
        said = None if self.bootstrapped else self._refusals.get(node_id)
        if said and all(address.node_id in self._refusals for address in self.cluster.bootstrap_brokers()):
            raise said
        return super().get_connection(node_id, *args, **options)

    def hang_up(self) -> None:
        """Close what is still open: with the loop ended, nobody waits any more for the last bytes to be sent."""
        for transport in list(self._transports):
            if transport._sock is not None:  # noqa: SLF001 - see above
                transport._sock.close()  # noqa: SLF001

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        options = self.config["socket_options"]
        fresh = await create_connection(
            self._net, node.host, node.port, options, proxy_url=f"{_DIRECT}://", timeout_at=timeout_at
        )
        transport: Any = None
        try:
            if self.ssl_enabled:
                tls = {key: value for key, value in self.config.items() if key.startswith("ssl_")}
                transport = TlsTransport(self._net, fresh, host=node.host, **tls)
            else:
                transport = TcpTransport(self._net, fresh, host=node.host)
            self._transports.add(transport)
            await transport.handshake()
        except BaseException as error:
            (fresh if transport is None else transport).close()
            if isinstance(error, Exception):
                raise KafkaConnectionError(f"Handshake failed: {error}") from error
            raise
        return transport

    async def _connect(
        self,
        node: Any,
        conn: KafkaConnection,
        reset_backoff_on_connect: bool = True,  # noqa: FBT001, FBT002 - kafka-python's signature
        timeout_at: float | None = None,
    ) -> None:
        before = self._backoff.get(node.node_id)
        await super()._connect(node, conn, reset_backoff_on_connect=False, timeout_at=timeout_at)
        if conn.connected and reset_backoff_on_connect:
            self.reset_backoff(node.node_id)
        elif not conn.connected and self._backoff.get(node.node_id) == before:
            self.update_backoff(node.node_id)
        self._note(node.node_id, conn.init_future.exception)

    def _note(self, node_id: Any, error: Exception | None) -> None:
        """Keep a refusal that waiting does not heal, as an untrusted certificate or a wrong password."""
        self._refusals.pop(node_id, None)
        if error is not None and not explain(error, []).passing:
            self._refusals[node_id] = error


class Client(KafkaNetClient):  # type: ignore[misc] # as above
    """The client that kafka-python's consumer, producer and admin client are built on."""

    def __init__(self, **configs: Any) -> None:
        net = NetworkSelector(**configs)
        self._connections = ConnectionManager(net, **configs)
        super().__init__(net=net, manager=self._connections)

    def close(self, node_id: Any = None) -> None:
        """Close the connection to a broker; without one all, and the loop."""
        super().close(node_id)
        if node_id is None:
            self._connections.hang_up()


def connected(kind: Callable[..., T], options: Mapping[str, Any]) -> T:
    """A consumer, producer or admin client; where it cannot be made, the thread that it began ends too.

    Args:
        kind: kafka-python's class.
        options: its arguments, with those of `KafkaConnection.client_options`.

    Raises:
        KafkaError: no broker answers, or none lets us in.
    """
    made: list[Any] = []

    def remember(**given: Any) -> Any:
        made.append(options["kafka_client"](**given))
        return made[0]

    try:
        return kind(**{**options, "kafka_client": remember})
    except BaseException:
        for client in made:
            client.close()
        raise
