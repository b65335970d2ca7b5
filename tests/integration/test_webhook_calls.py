"""Calls against real HTTP servers, the ones that misbehave included."""

import base64
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook as Verifier

from sinks.alertmanager import AlertmanagerSink
from sinks.base import DeliveryError
from sinks.events import EXAMPLE_ALERT, alert_event
from sinks.post import Target, post
from sinks.webhook import WebhookSink
from tests import needs
from tests.integration.receivers import LONGEST_SECONDS, dripping, receiver

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = SecretStr("whsec_" + base64.b64encode(KEY).decode())
NOW = 1_767_268_800_000_000


def emit(url: str, **options: Any) -> None:
    """Send the example."""
    WebhookSink(url=url, **options).emit(EXAMPLE_ALERT, message_id="alert_1", now=NOW)


def failure(url: str, **options: Any) -> DeliveryError:
    """How sending the example fails."""
    with pytest.raises(DeliveryError) as caught:
        emit(url, **options)
    return caught.value


def test_a_call_arrives_signed() -> None:
    """The receiver's library believes the headers and finds the event in the body."""
    with receiver() as there:
        now = time.time_ns() // 1000
        WebhookSink(url=there.url, secret=SECRET, headers={"X-Monitor": "${{ data.monitor }}"}).emit(
            EXAMPLE_ALERT, message_id="alert_1", now=now
        )
    (request,) = there.requests
    assert request.path == "/hook"
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["webhook-id"], request.headers["x-monitor"]) == ("alert_1", "car-loan")
    verified = Verifier(base64.b64encode(KEY).decode()).verify(request.body, dict(request.headers))
    assert alert_event(EXAMPLE_ALERT) == verified


def test_a_token_is_read_for_every_call(tmp_path: Path) -> None:
    """A token that was renewed in its file is used by the next call; a missing file may come back."""
    token = tmp_path / "token"
    with receiver() as there:
        assert failure(there.url, token_file=token).retryable
        for text in ("first", "second"):
            token.write_text(text + "\n")
            emit(there.url, token_file=token)
    assert [r.headers["authorization"] for r in there.requests] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(status: int) -> None:
    """Success is the whole 2xx family."""
    with receiver([(status, {})]) as there:
        emit(there.url)


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 423, 425, 429, 500, 502, 503, 504])
def test_answers_that_may_change_are_worth_another_try(status: int) -> None:
    """Servers that are down, busy, not deployed yet or hold an expired token heal."""
    with receiver([(status, {})]) as there:
        error = failure(there.url)
    assert error.retryable
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [400, 405, 406, 411, 413, 414, 415, 422, 431, 410])
def test_answers_to_the_request_itself_are_for_good(status: int) -> None:
    """The same bytes would be refused again, and 410 asks for an end."""
    with receiver([(status, {})]) as there:
        assert not failure(there.url).retryable


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(status: int) -> None:
    """Evidence and credentials go to the configured address only."""
    with receiver() as elsewhere, receiver([(status, {"Location": elsewhere.url})]) as there:
        error = failure(there.url, headers={"Authorization": "Bearer s3cret"})
    assert "redirect" in str(error)
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("Thu, 01 Jan 2026 12:01:40 GMT", 100.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("999999999", 86_400.0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_read(text: str, seconds: float | None) -> None:
    """Seconds or a date, at most a day; what cannot be read is as if it were not there."""
    with receiver([(429, {"Retry-After": text})]) as there:
        assert seconds == failure(there.url).retry_after


def test_airflow_knows_the_run_already() -> None:
    """A repeat under the same run id is answered 409 by Airflow, and that is a success."""
    with receiver([(409, {})]) as there:
        emit(there.url, template="airflow")


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_server_that_drips_is_left_in_time(first: bytes, drop: bytes) -> None:
    """Bytes that keep coming do not keep the call: in all it takes no longer than its time."""
    with dripping(first, drop) as (url, hung_up):
        error = failure(url, timeout=0.3)
        assert hung_up.wait(LONGEST_SECONDS)
    assert error.retryable


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    """A server that takes the request and is silent is a failure."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.2)
    assert error.retryable
    assert "within 0.2 s" in str(error) or "timed out" in str(error)


def test_the_body_of_an_answer_is_not_waited_for() -> None:
    """The status is enough: an endless body does not hold the call."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    with dripping(head, b"x") as (url, hung_up):
        emit(url, timeout=LONGEST_SECONDS)
        assert hung_up.wait(LONGEST_SECONDS)


def test_answers_that_are_not_http_are_failures() -> None:
    """Garbage and sudden ends may heal."""
    for answer in (b"\x00\x01garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"):
        with dripping(answer, b"") as (url, _):
            assert failure(url, timeout=1).retryable


def test_nobody_listens(free_port: int) -> None:
    """A refused connection and a name that does not exist may heal."""
    assert failure(f"http://127.0.0.1:{free_port}/").retryable
    assert failure("http://no-such-name.invalid/").retryable


def test_forbidden_addresses_are_hung_up_on() -> None:
    """The unspecified address is refused at once; with `public_only`, loopback too; nothing is sent."""
    with receiver() as there:
        error = failure(there.url, public_only=True)
    assert "not allowed" in str(error)
    assert there.requests == []


def test_alertmanagers_replicas_all_get_the_alert(free_port: int) -> None:
    """One replica that is down does not hold the others; when all are, the alert waits."""
    down = f"http://127.0.0.1:{free_port}"
    with receiver() as one, receiver() as two:
        urls = tuple(r.url.removesuffix("/hook") for r in (one, two))
        AlertmanagerSink(urls=(down, *urls)).emit(EXAMPLE_ALERT, message_id="a", now=NOW)
    for there in (one, two):
        (request,) = there.requests
        assert request.path == "/api/v2/alerts"
        (body,) = orjson.loads(request.body)
        assert body["labels"]["monitor"] == "car-loan"
    with pytest.raises(DeliveryError) as caught:
        AlertmanagerSink(urls=(down,)).emit(EXAMPLE_ALERT, message_id="a", now=NOW)
    assert caught.value.retryable


def test_certificates_are_checked(tmp_path: Path) -> None:
    """A server whose certificate nobody vouches for is refused; with its authority in `ca_file` it is not."""
    openssl = needs.tool("openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    paths = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run([str(openssl), *make.split(), *paths], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"https://localhost:{listener.getsockname()[1]}/"
    statuses = []

    def serve(times: int) -> None:
        for _ in range(times):
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    received = b""
                    while not received.endswith(b"{}"):
                        received += secured.recv(65536)
                    secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, args=(2,))
    thread.start()
    try:
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            post(Target(url), b"{}", {}, now=NOW)
        statuses.append(post(Target(url, ca_file=str(certificate)), b"{}", {}, now=NOW))
    finally:
        thread.join()
        listener.close()
    assert caught.value.retryable
    assert statuses == [204]
