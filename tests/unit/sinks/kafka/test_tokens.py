"""Tokens of a token endpoint: asked for once, renewed in time, and the secret never told."""

import gc
import json
import threading
import weakref
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from structlog.testing import capture_logs

from sinks.kafka.security import TokenSasl
from sinks.kafka.tokens import TokenError, TokenProvider, fetch

SECRET = "hidden: secret+/%"


class Clock:
    """Seconds that stand still until they are moved."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Endpoint:
    """A token endpoint; `answers` are given in turn, the last one for good."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = [(200, {"access_token": "token-{n}", "expires_in": 100})]
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["content-length"])).decode()
                endpoint.forms.append(dict(parse_qsl(form)))
                endpoint.headers.append({name.lower(): text for name, text in self.headers.items()})
                answers = endpoint.answers
                status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                body = body.replace(b"{n}", str(len(endpoint.forms)).encode())
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/oauth/token"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def options(self, **more: Any) -> TokenSasl:
        """Options for this endpoint."""
        base = {
            "mechanism": "oauthbearer",
            "token_url": self.url,
            "client_id": "a:b",
            "client_secret": SECRET,
        }
        return TokenSasl.model_validate({**base, **more})


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A token endpoint on loopback."""
    found = Endpoint()
    yield found
    found.server.shutdown()
    found.server.server_close()
    found.thread.join()


def test_request(endpoint: Endpoint) -> None:
    """The client credentials grant with scope and further parameters; name and secret are escaped, then encoded."""
    fetch(endpoint.options(scope="read write", parameters={"audience": "kafka"}))
    assert {"grant_type": "client_credentials", "scope": "read write", "audience": "kafka"} == endpoint.forms[
        0
    ]
    assert "Basic YSUzQWI6aGlkZGVuJTNBJTIwc2VjcmV0JTJCJTJGJTI1" == endpoint.headers[0]["authorization"]


def test_credentials_in_the_body(endpoint: Endpoint) -> None:
    """Where the endpoint wants them there, name and secret are form fields, and nowhere else."""
    fetch(endpoint.options(credentials="body"))
    assert ("a:b", SECRET) == (endpoint.forms[0]["client_id"], endpoint.forms[0]["client_secret"])
    assert "authorization" not in endpoint.headers[0]


@pytest.mark.parametrize(
    ("life", "seconds"), [(100, 100.0), ("60", 60.0), (None, 300.0), ("soon", 300.0), (0, 1.0), (-5, 1.0)]
)
def test_life(life: object, seconds: float, endpoint: Endpoint) -> None:
    """`expires_in` is the life, as a number or a text; five minutes where there is none."""
    endpoint.answers = [
        (200, {"access_token": "t", "expires_in": life} if life is not None else {"access_token": "t"})
    ]
    assert ("t", seconds) == fetch(endpoint.options())


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": "unknown"},
            "HTTP 401, invalid_client unknown",
        ),
        (400, {"error": f"you said {SECRET}"}, "you said [hidden]"),
        (500, b"<html>", "HTTP 500, no token in the answer"),
        (302, b"", "HTTP 302, no token in the answer"),
        (200, {"token": "t"}, "HTTP 200, no token in the answer"),
        (200, b"[]", "HTTP 200, no token in the answer"),
        (200, {"access_token": "a\u0001auth=b"}, "HTTP 200, no token in the answer"),
        (200, {"access_token": 7}, "HTTP 200, no token in the answer"),
    ],
)
def test_refusals(status: int, answer: object, words: str, endpoint: Endpoint) -> None:
    """What is no token is refused with the endpoint's own words, never with the secret."""
    endpoint.answers = [(status, answer)]
    with pytest.raises(TokenError) as refused:
        fetch(endpoint.options())
    assert str(refused.value).startswith(f"the token endpoint {endpoint.url} gave no token: ")
    assert words in str(refused.value)
    assert SECRET not in str(refused.value)


def test_nobody_there(free_port: int, endpoint: Endpoint) -> None:
    """An endpoint that cannot be reached is named."""
    options = endpoint.options(token_url=f"http://127.0.0.1:{free_port}/")
    with pytest.raises(TokenError, match=f"{free_port}/ cannot be used: .*refused"):
        fetch(options)


def test_one_token_until_most_of_its_life_is_over(endpoint: Endpoint) -> None:
    """Callers share a token; after three quarters of its life there is another, and nobody waited for it."""
    clock = Clock()
    provider = TokenProvider(endpoint.options(), clock)
    assert ["token-1", "token-1"] == [provider.token(), provider.token()]
    clock.now += 74.9
    provider.renew_if_due()
    assert "token-1" == provider.token()
    clock.now += 0.2
    provider.renew_if_due()
    assert "token-2" == provider.token()
    assert 2 == len(endpoint.forms)


def test_a_renewal_that_fails_harms_nobody_yet(endpoint: Endpoint) -> None:
    """While the old token is valid it is used; the endpoint is asked again after a while, not at once."""
    clock = Clock()
    provider = TokenProvider(endpoint.options(), clock)
    provider.token()
    endpoint.answers = [(503, {"error": "busy"}), (200, {"access_token": "new", "expires_in": 100})]
    clock.now += 80
    with capture_logs() as lines:
        assert 1.0 == pytest.approx(provider.renew_if_due())
        provider.renew_if_due()
    assert ["token not renewed"] == [line["event"] for line in lines]
    assert ("token-1", 2) == (provider.token(), len(endpoint.forms))
    clock.now += 1.1
    provider.renew_if_due()
    assert "new" == provider.token()


def test_no_storm_on_an_endpoint_that_refuses(endpoint: Endpoint) -> None:
    """After a failure the same answer is given for a second, then two, and so on, without asking."""
    clock = Clock()
    provider = TokenProvider(endpoint.options(), clock)
    endpoint.answers = [(401, {"error": "invalid_client"})]
    asked = []
    for _ in range(70):
        with pytest.raises(TokenError, match="invalid_client"):
            provider.token()
        asked.append(len(endpoint.forms))
        clock.now += 0.1
    assert [1, 2, 3] == sorted(set(asked))


def test_an_old_token_is_never_handed_out(endpoint: Endpoint) -> None:
    """Past its end a token is no token, whatever the endpoint says."""
    clock = Clock()
    provider = TokenProvider(endpoint.options(), clock)
    provider.token()
    endpoint.answers = [(503, {})]
    clock.now += 100
    with pytest.raises(TokenError):
        provider.token()


def test_the_thread_ends_with_the_provider(endpoint: Endpoint) -> None:
    """Nobody renews the token of a connection that is gone."""
    provider = TokenProvider(endpoint.options())
    provider.token()
    assert "kafka-tokens" in {thread.name for thread in threading.enumerate()}
    gone = threading.Event()
    kept = weakref.ref(provider, lambda _: gone.set())  # the thread may be looking at it right now
    del provider
    gc.collect()
    assert gone.wait(10.0)
    assert kept() is None


def test_extensions_and_repr(endpoint: Endpoint) -> None:
    """SASL extensions are passed on; a token is not shown."""
    provider = TokenProvider(endpoint.options(extensions={"logicalCluster": "lkc-1"}))
    provider.token()
    assert {"logicalCluster": "lkc-1"} == provider.extensions()
    assert "token-1" not in repr(provider._token)
