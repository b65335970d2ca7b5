"""One HTTP POST: bounded in total time, without redirects; of the answer no more is read than is wanted."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from types import TracebackType
from typing import Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from sinks.base import DeliveryError

LONGEST_RETRY_AFTER_SECONDS = 86_400.0
_CONNECT_SECONDS = 5.0
_REFUSED_AS_IT_IS = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431})
"""Answers to the request as such: the same bytes would be refused again."""
_GONE = 410
_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})
"""Metadata services of clouds outside the link-local ranges (AWS over IPv6, Alibaba)."""
_OK = range(200, 300)
_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go.

    Attributes:
        url: http or https.
        timeout_seconds: the most that one call may take, from connecting to the end of the answer's headers.
        ca_file: certificates to trust instead of the system's.
        public_only: refuse addresses that are not reachable from everywhere, as cluster and loopback ones.
        accepted: answers outside 2xx that mean success here.
    """

    url: str
    timeout_seconds: float = 15.0
    ca_file: str | None = None
    public_only: bool = False
    accepted: frozenset[int] = frozenset()


def post(target: Target, body: bytes, headers: Mapping[str, str], *, now: int) -> int:
    """Send a request and return the status of a success.

    Redirects are not followed: they would carry evidence and credentials to an address nobody configured. The
    address that the connection really has is looked at before anything is sent, so that neither a redirect nor
    a name server can lead to a cloud's metadata service.

    Args:
        target: where to.
        body: the bytes to send.
        headers: all headers but Host and Content-Length.
        now: wall time, microseconds since the epoch, for a Retry-After that names a date.

    Raises:
        DeliveryError: no success; retryable unless the request itself was refused (400, 405, 406, 411, 413, 414,
            415, 422, 431) or the receiver said that it is gone for good (410). Missing routes and rights (401,
            403, 404) are retryable: deployments and expired tokens heal.
    """
    answer = _exchange(target, body, headers)
    if answer.status not in _OK and answer.status not in target.accepted:
        raise _failure(answer.status, _seconds(answer.retry_after, now))
    return answer.status


def ask(target: Target, body: bytes, headers: Mapping[str, str], *, limit: int) -> tuple[int, bytes]:
    """Send a request as `post` does; the status, whatever it is, and the answer's first bytes.

    Args:
        target: where to.
        body: the bytes to send.
        headers: all headers but Host and Content-Length.
        limit: bytes of the answer that are read.

    Raises:
        DeliveryError: no whole answer.
    """
    answer = _exchange(target, body, headers, limit)
    return answer.status, answer.body


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str | None
    body: bytes


def _exchange(target: Target, body: bytes, headers: Mapping[str, str], limit: int = 0) -> _Answer:
    call = _Call(target)
    try:
        with call:
            answer = call.exchange(body, headers, limit)
    except (OSError, HTTPException, HTTPError, UnicodeError) as error:
        if call.overdue:
            raise DeliveryError(f"no answer within {target.timeout_seconds:g} s") from error
        raise DeliveryError(f"{type(error).__name__}: {error}"[:300]) from error
    except ValueError as error:
        raise DeliveryError(f"not a valid request: {error}"[:300], retryable=False) from error
    if call.overdue:
        raise DeliveryError(f"no whole answer within {target.timeout_seconds:g} s")
    return answer


class _Call:
    """One connection with a watchdog: no timeout of any client bounds the total when a server sends byte by byte."""

    def __init__(self, target: Target) -> None:
        self._target = target
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

    def exchange(self, body: bytes, headers: Mapping[str, str], limit: int) -> _Answer:
        """Send the request and read the answer's headers, and its body up to a limit."""
        connection = self._connection = self._connect()
        if self.overdue:
            raise TimeoutError
        connection.sock.settimeout(self._target.timeout_seconds)
        connection.request("POST", self._url.request_uri, body=body, headers=headers, preload_content=False)
        response = connection.getresponse()
        content = response.read(limit) if limit else b""
        return _Answer(response.status, response.headers.get("Retry-After"), content)

    def _connect(self) -> HTTPConnection:
        host, timeout = self._url.host or "", min(_CONNECT_SECONDS, self._target.timeout_seconds)
        if self._url.scheme == "https":
            context = ssl.create_default_context(cafile=self._target.ca_file)
            connection: HTTPConnection = HTTPSConnection(
                host, self._url.port or 443, timeout=timeout, ssl_context=context
            )
        else:
            connection = HTTPConnection(host, self._url.port or 80, timeout=timeout)
        self._connection = connection
        connection.connect()
        _refuse_forbidden(connection.sock, public_only=self._target.public_only)
        return connection

    def _cut(self) -> None:
        self.overdue = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):  # closed in the meantime
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _refuse_forbidden(connected: socket.socket, *, public_only: bool) -> None:
    """Hang up on an address that no receiver has: link-local (metadata services), multicast, unspecified."""
    peer = ipaddress.ip_address(connected.getpeername()[0].partition("%")[0])
    address = getattr(peer, "ipv4_mapped", None) or peer
    metadata = address.is_link_local or address in _METADATA
    if metadata or address.is_multicast or address.is_unspecified or (public_only and not address.is_global):
        raise DeliveryError(f"the name leads to {address}, which is not allowed", retryable=True)


def _failure(status: int, retry_after: float | None) -> DeliveryError:
    if status in _REDIRECTS:
        return DeliveryError(f"HTTP {status}: redirects are not followed, configure the address behind it")
    if status == _GONE:
        return DeliveryError("HTTP 410: the receiver is gone for good", retryable=False)
    retryable = status not in _REFUSED_AS_IT_IS
    return DeliveryError(f"HTTP {status}", retryable=retryable, retry_after=retry_after)


def _seconds(retry_after: str | None, now: int) -> float | None:
    """Retry-After as seconds from now, at most a day; None where it is absent or unreadable."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    try:
        seconds = float(text) if text.isdecimal() else parsedate_to_datetime(text).timestamp() - now / 1e6
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)
