"""The HTTP server: uvicorn in a thread of its own, on a socket that is bound before the thread starts."""

from __future__ import annotations

import errno
import socket
from threading import Event, Thread

import uvicorn
from starlette.types import ASGIApp

START_SECONDS = 10.0
STOP_SECONDS = 5.0


class HttpError(Exception):
    """The server cannot listen; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class HttpServer:
    """Answers requests from `start` to `stop`.

    Args:
        app: the ASGI application.
        host: name or address to listen on.
        port: 0 takes a free one; `port` tells which.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self.host = host
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            loop="asyncio",
            http="h11",
            ws="none",
            limit_concurrency=100,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=int(STOP_SECONDS),
        )
        self._ended = Event()
        self._server = _Server(config, self._ended)
        self._thread = Thread(target=self._run, name="driftd-http", daemon=True)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - not bound here
        name = f"[{name}]" if ":" in name and not name.startswith("[") else name
        return f"http://{name}:{self.port}"

    def start(self) -> None:
        """Begin to answer; returns when requests are taken.

        Raises:
            HttpError: the server ended instead.
        """
        self._thread.start()
        if not self._ended.wait(START_SECONDS) or not self._server.started:
            raise HttpError(f"the HTTP server on {self.host}:{self.port} did not start; the log says why")

    def stop(self) -> None:
        """Let requests under way end, for some seconds at most; may be called twice."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(2 * STOP_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._ended.set()


class _Server(uvicorn.Server):
    """uvicorn that tells when it has started."""

    def __init__(self, config: uvicorn.Config, started: Event) -> None:
        super().__init__(config)
        self._told = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, then tell."""
        await super().startup(sockets)
        self._told.set()


def _bind(host: str, port: int) -> socket.socket:
    """A socket of the address's family, bound.

    Raises:
        HttpError: the port is taken, or the address is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(128)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        hint = "set http.host to an address of this machine, or 127.0.0.1"
        if error.errno == errno.EADDRINUSE:
            hint = "another process listens there; set http.port to a free one, or to 0"
        raise HttpError(f"cannot listen on {host}:{port}: {error.strerror or error}", hint) from error
    return bound
