"""The demo's retraining endpoint: a real HTTP server that believes signed calls only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

TOLERANCE_SECONDS = 300
LARGEST_BODY_BYTES = 1_000_000


class RefusedCall(ValueError):  # noqa: N818 - the call is refused, nothing is wrong here
    """The call is not from who shares the secret."""


@dataclass(frozen=True, slots=True)
class Call:
    """A verified call."""

    id: str
    body: dict[str, Any]


def verify(key: bytes, headers: Mapping[str, str], body: bytes, *, now: float) -> str:
    """Check the headers of the Standard Webhooks scheme against the body.

    Args:
        key: the shared secret, decoded.
        headers: names in lower case.
        body: as it came.
        now: seconds since the epoch.

    Returns:
        The id of the message.

    Raises:
        RefusedCall: a header is missing, the call is old, or no signature fits.
    """
    try:
        message, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        signatures = headers["webhook-signature"].split()
        age = abs(now - int(stamp))
    except (KeyError, ValueError):
        raise RefusedCall("webhook-id, webhook-timestamp and webhook-signature are needed") from None
    if age > TOLERANCE_SECONDS:
        raise RefusedCall("the timestamp is not of these minutes")
    digest = hmac.digest(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256)
    expected = f"v1,{base64.b64encode(digest).decode()}".encode()
    if not any(hmac.compare_digest(expected, signature.encode()) for signature in signatures):
        raise RefusedCall("the signature does not fit")
    return message


class RetrainingReceiver:
    """Takes calls on a free port of loopback; `calls` has each verified one once, in order.

    Args:
        key: the shared secret, decoded.
        clock: seconds since the epoch.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key, self._clock, self._lock = key, clock, Lock()
        self._calls: dict[str, Call] = {}
        self.refused: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="retraining", daemon=True)

    @property
    def url(self) -> str:
        """Where to call."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/retrain"

    @property
    def calls(self) -> tuple[Call, ...]:
        """Verified calls; a repeat under the same id counts once."""
        with self._lock:
            return tuple(self._calls.values())

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no longer."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        """Status and answer to one call."""
        try:
            message = verify(self._key, headers, body, now=self._clock())
            content = json.loads(body)
        except ValueError as error:
            with self._lock:
                self.refused.append(str(error))
            return 401, {"error": str(error)}
        with self._lock:
            known = message in self._calls
            self._calls.setdefault(message, Call(message, content))
        return 202, {"run": f"retrain-{message}", "state": "known" if known else "queued"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("content-length") or 0), LARGEST_BODY_BYTES)
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, content = receiver.take(headers, body)
                answer = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                """Nothing: the demo tells what arrived."""

        return Handler
