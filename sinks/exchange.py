"""One request over a connection of its own: bounded in total time, and never to an address that no receiver has."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from types import TracebackType
from typing import TYPE_CHECKING, Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from sinks.base import DeliveryError

if TYPE_CHECKING:
    from sinks.post import Target

_CONNECT_SECONDS = 5.0
_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})
"""Metadata services of clouds outside the link-local ranges (AWS over IPv6, Alibaba)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request.

    Attributes:
        status: of HTTP. retry_after: that header. body: its first bytes, as many as were wanted.
    """

    status: int
    retry_after: str | None
    body: bytes


def exchange(target: Target, body: bytes, headers: Mapping[str, str], limit: int = 0) -> Answer:
    """Send a request and read its answer, with at most `limit` bytes of the body.

    Raises:
        DeliveryError: no whole answer.
    """
    call = _Call(target)
    with _told(call):
        answer = call.exchange(body, headers, limit)
    if call.overdue:
        raise DeliveryError(f"no whole answer within {target.timeout_seconds:g} s")
    return answer


@contextlib.contextmanager
def _told(call: _Call) -> Iterator[None]:
    """A call whose failures are told as `DeliveryError`."""
    try:
        with call:
            yield
    except (OSError, HTTPException, HTTPError, UnicodeError) as error:
        if call.overdue:
            raise DeliveryError(f"no answer within {call.target.timeout_seconds:g} s") from error
        raise DeliveryError(f"{type(error).__name__}: {error}"[:300]) from error
    except ValueError as error:
        raise DeliveryError(f"not a valid request: {error}"[:300], retryable=False) from error


def connect(target: Target) -> None:
    """Connect, and hang up: nothing is sent, but for the handshake of TLS.

    Raises:
        DeliveryError: there is no connection.
    """
    call = _Call(target)
    with _told(call):
        call.connect()
    if call.overdue:
        raise DeliveryError(f"no connection within {target.timeout_seconds:g} s")


class _Call:
    """One connection with a watchdog: no timeout of any client bounds the total when a server sends byte by byte."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._url = parse_url(target.url)
        self._connection: HTTPConnection | None = None
        self._watchdog = threading.Timer(target.timeout_seconds, self._cut)
        self._watchdog.daemon = True
        self.overdue = False

    def __enter__(self) -> Self:
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        if self._connection is not None:
            self._connection.close()

    def exchange(self, body: bytes, headers: Mapping[str, str], limit: int) -> Answer:
        """Send the request and read the answer's headers, and its body up to a limit."""
        connection = self.connect()
        if self.overdue:
            raise TimeoutError
        connection.sock.settimeout(self.target.timeout_seconds)
        connection.request("POST", self._url.request_uri, body=body, headers=headers, preload_content=False)
        response = connection.getresponse()
        content = response.read(limit) if limit else b""
        return Answer(response.status, response.headers.get("Retry-After"), content)

    def connect(self) -> HTTPConnection:
        """Connect to the receiver, and see whether it is one that may be called."""
        host, timeout = self._url.host or "", min(_CONNECT_SECONDS, self.target.timeout_seconds)
        if self._url.scheme == "https":
            context = _context(self.target.ca_file)
            connection: HTTPConnection = HTTPSConnection(
                host, self._url.port or 443, timeout=timeout, ssl_context=context
            )
        else:
            connection = HTTPConnection(host, self._url.port or 80, timeout=timeout)
        self._connection = connection
        connection.connect()
        _refuse_forbidden(connection.sock, public_only=self.target.public_only)
        return connection

    def _cut(self) -> None:
        self.overdue = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):  # closed in the meantime
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise DeliveryError(f"cannot use the certificates in {ca_file}: {error.strerror or error}") from error


def _refuse_forbidden(connected: socket.socket, *, public_only: bool) -> None:
    """Hang up on an address that no receiver has: link-local (metadata services), multicast, unspecified."""
    peer = ipaddress.ip_address(connected.getpeername()[0].partition("%")[0])
    address = getattr(peer, "ipv4_mapped", None) or peer
    metadata = address.is_link_local or address in _METADATA
    if metadata or address.is_multicast or address.is_unspecified or (public_only and not address.is_global):
        raise DeliveryError(f"the name leads to {address}, which is not allowed", retryable=True)
