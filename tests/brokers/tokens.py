"""A token endpoint as OAuth has it (client credentials), whose tokens an Apache Kafka with our keys accepts."""

import base64
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AUDIENCE = "kafka"
ISSUER = "https://issuer.invalid/"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class TokenEndpoint:
    """An HTTP server on loopback that gives signed tokens for a client's name and secret.

    Attributes:
        url: of the endpoint. clients: name -> secret. lifetime_seconds: of the tokens given from now on.
        failing: HTTP status to answer instead of a token; None = none. requests: the forms received, in order.
    """

    def __init__(self, folder: Path) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.reset()
        self.changed = threading.Condition()
        self.keys = folder / "jwks.json"
        self.keys.write_text(json.dumps({"keys": [self._public()]}))

    def reset(self) -> None:
        """Forget the requests and whatever was changed in a test."""
        self.clients = {"alice": "alice-client-secret", "bob": "bob-client-secret"}
        self.lifetime_seconds = 3600.0
        self.failing: int | None = None
        self.requests: list[dict[str, str]] = []

    def _public(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        words = {"kty": "RSA", "kid": "driftd", "use": "sig", "alg": "RS256"}
        return {**words, "n": _number(numbers.n), "e": _number(numbers.e)}

    def token(self, subject: str, **claims: Any) -> str:
        """A signed token of a subject. `claims` beside the usual ones, or instead of them."""
        now = time.time()
        body = {
            "sub": subject,
            "aud": AUDIENCE,
            "iss": ISSUER,
            "iat": now,
            "exp": now + self.lifetime_seconds,
        }
        head = {"alg": "RS256", "typ": "JWT", "kid": "driftd"}
        text = ".".join(_base64(json.dumps(part).encode()) for part in (head, {**body, **claims}))
        return f"{text}.{_base64(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def _answer(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if authorization.startswith("Basic "):
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":", 1)
            form = {**form, **dict(zip(("client_id", "client_secret"), pair, strict=False))}
        with self.changed:
            self.requests.append(form)
            self.changed.notify_all()
        if self.failing is not None:
            return self.failing, {"error": "temporarily_unavailable"}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        client = form.get("client_id", "")
        if client not in self.clients or self.clients[client] != form.get("client_secret"):
            return 401, {"error": "invalid_client", "error_description": "unknown client or wrong secret"}
        expires = round(self.lifetime_seconds)
        return 200, {"access_token": self.token(client), "token_type": "Bearer", "expires_in": expires}

    def __enter__(self) -> Self:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"])).decode()
                form = dict(urllib.parse.parse_qsl(raw))
                status, answer = endpoint._answer(form, self.headers.get("authorization", ""))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
