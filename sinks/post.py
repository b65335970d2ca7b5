"""One HTTP POST: bounded in total time, without redirects; of the answer no more is read than is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from sinks.base import DeliveryError

LONGEST_RETRY_AFTER_SECONDS = 86_400.0
_REFUSED_AS_IT_IS = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431})
"""Answers to the request as such: the same bytes would be refused again."""
_GONE = 410
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
    # here: it loads urllib3, which takes a thirtieth of a start, and many daemons call nobody
    from sinks.exchange import exchange

    answer = exchange(target, body, headers)
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
    from sinks.exchange import exchange

    answer = exchange(target, body, headers, limit)
    return answer.status, answer.body


def reach(target: Target) -> None:
    """See whether the receiver is there, without a request.

    Raises:
        DeliveryError: there is no connection to it.
    """
    from sinks.exchange import connect

    connect(target)


def place_of(url: str) -> str:
    """Scheme and host, for people; paths and queries may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


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
