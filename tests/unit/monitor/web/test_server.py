"""The server's thread and socket."""

import socket

import pytest
import urllib3
from starlette.types import Receive, Scope, Send

from monitor.web import HttpError, HttpServer


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers every request."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_it_answers_until_it_is_stopped() -> None:
    """Port 0 takes a free one; after `stop` nothing listens there."""
    server = HttpServer(hello, "127.0.0.1", 0)
    server.start()
    assert server.port > 0
    assert urllib3.request("GET", server.url).data == b"hello"
    server.stop()
    server.stop()
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", server.url, retries=False, timeout=1)


def test_a_busy_port_is_said_before_anything_starts() -> None:
    """The port of another process is an error with a hint."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(HttpError, match=f"cannot listen on 127.0.0.1:{port}") as caught:
            HttpServer(hello, "127.0.0.1", port)
    assert "another process listens there" in caught.value.hint


def test_an_address_of_another_machine_is_refused() -> None:
    """An address that this machine does not have is an error with a hint."""
    with pytest.raises(HttpError) as caught:
        HttpServer(hello, "192.0.2.1", 0)
    assert "address of this machine" in caught.value.hint


def test_the_url_is_for_browsers() -> None:
    """An address that means every interface is shown as loopback."""
    server = HttpServer(hello, "0.0.0.0", 0)
    assert server.url == f"http://127.0.0.1:{server.port}"
    server.stop()
