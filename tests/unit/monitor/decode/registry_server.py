"""A schema registry on loopback that answers as Confluent's published API does, troubles included."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"


@dataclass
class Registry:
    """What the registry has and how it behaves.

    Attributes:
        schemas: the answer by schema number. subjects: the answer by (subject, version).
        user, token: who may ask; None lets everybody.
        forbidden: who may ask may see nothing.
        failures: (status, answer) to give before anything else; a status of 0 hangs up.
        asked: paths of all requests.
        address: once it runs.
    """

    schemas: dict[int, dict[str, Any]] = field(default_factory=dict)
    subjects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    user: tuple[str, str] | None = None
    token: str | None = None
    forbidden: bool = False
    failures: list[tuple[int, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def add(self, number: int, schema: object, kind: str = "AVRO", **more: Any) -> None:
        """Register a schema; that of Avro is not named in answers, as the API has it."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        self.schemas[number] = {"schema": text, **({} if kind == "AVRO" else {"schemaType": kind}), **more}

    def answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        """Status and body."""
        self.asked.append(path)
        if self.failures:
            return self.failures.pop(0)
        if not self._knows(authorization):
            return _error(401, 401, "Unauthorized")
        if self.forbidden:
            return _error(403, 40301, "User is denied operation Read on Subject: loans-value")
        found, code, message = self._find([unquote(part) for part in path.strip("/").split("/")])
        return _error(404, code, message) if found is None else (200, json.dumps(found).encode())

    def _find(self, parts: list[str]) -> tuple[dict[str, Any] | None, int, str]:
        """What a path names, or the error's code and message."""
        if parts[:2] == ["schemas", "ids"]:
            return self.schemas.get(int(parts[2])), 40403, f"Schema {parts[2]} not found"
        if parts[0] == "subjects" and len(parts) == 4:
            return self.subjects.get((parts[1], parts[3])), 40401, f"Subject '{parts[1]}' not found."
        return None, 404, "HTTP 404 Not Found"

    def _knows(self, authorization: str | None) -> bool:
        if self.user is not None:
            return authorization == "Basic " + base64.b64encode(":".join(self.user).encode()).decode()
        return self.token is None or authorization == f"Bearer {self.token}"


@contextmanager
def running(registry: Registry, tls: ssl.SSLContext | None = None) -> Iterator[Registry]:
    """The registry as a server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = registry.answer(self.path, self.headers.get("Authorization"))
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the base class has
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "http" if tls is None else "https"
    registry.address = f"{scheme}://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _error(status: int, code: int, message: str) -> tuple[int, bytes]:
    return status, json.dumps({"error_code": code, "message": message}).encode()
