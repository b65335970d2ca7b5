"""HTTP receivers that misbehave on purpose, on free ports of loopback."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST_SECONDS = 30.0
"""A wait that takes longer has failed."""


@dataclass(frozen=True)
class Request:
    """One request as it came; names of headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came, and what is answered: each of `answers` once, then 200 for good."""

    answers: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, request: Request) -> tuple[int, Mapping[str, str]]:
        """Keep a request and say what to answer."""
        with self.arrived:
            self.requests.append(request)
            self.arrived.notify_all()
            return self.answers.pop(0) if self.answers else (200, {})

    def wait_for(self, number: int) -> None:
        """Until so many requests have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= number, LONGEST_SECONDS)


@contextmanager
def receiver(answers: Sequence[tuple[int, Mapping[str, str]]] = (), port: int = 0) -> Iterator[Receiver]:
    """A server that answers as it is told."""
    kept = Receiver(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer with a status and headers."""
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = kept.take(Request(self.path, headers, body))
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def dripping(first: bytes, drop: bytes) -> Iterator[tuple[str, threading.Event]]:
    """A server that answers with `first`, and then with `drop` again and again until the caller hangs up.

    Yields its address and an event that is set when the caller has hung up.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    hung_up, stop = threading.Event(), threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            try:
                connection.sendall(first)
                while not stop.wait(0.02):
                    connection.sendall(drop)
            except OSError:
                hung_up.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", hung_up
    finally:
        stop.set()
        listener.close()
        thread.join()
