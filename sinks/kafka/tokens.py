"""Access tokens for OAUTHBEARER: fetched by the client credentials grant, renewed ahead of their end."""

from __future__ import annotations

import base64
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson
import structlog
from kafka.net.sasl.oauth import AbstractTokenProvider

from sinks.base import DeliveryError
from sinks.post import Target, ask

if TYPE_CHECKING:
    from sinks.kafka.security import TokenSasl

log = structlog.get_logger()

RENEW_AT = 0.75
"""Share of a token's life after which it is renewed; connections prove themselves anew at 0.85 of it."""

SHORTEST_SECONDS = 1.0
_UNKNOWN_LIFE_SECONDS = 300.0
_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 30.0
_SHORTEST_PAUSE_SECONDS = 0.05
_OK = 200
_LONGEST_ANSWER = 65_536
_TOLD = 200


class TokenError(Exception):
    """There is no token; the message names the endpoint and the reason, never a secret."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token.

    Attributes:
        text: what is sent to the brokers.
        renew_at, ends_at: monotonic seconds.
    """

    text: str
    renew_at: float
    ends_at: float

    def __repr__(self) -> str:
        """Without the token."""
        return f"Token(renew_at={self.renew_at}, ends_at={self.ends_at})"


def fetch(options: TokenSasl) -> tuple[str, float]:
    """One request to the token endpoint; the token and its life in seconds.

    Raises:
        TokenError: no token was given.
    """
    form = {"grant_type": "client_credentials", **options.parameters}
    if options.scope:
        form["scope"] = options.scope
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    name, secret = options.client_id, options.client_secret.get_secret_value()
    if options.credentials == "body":
        form |= {"client_id": name, "client_secret": secret}
    else:
        pair = f"{quote(name, safe='')}:{quote(secret, safe='')}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    target = Target(options.token_url, options.timeout, None if options.ca is None else str(options.ca))
    try:
        status, body = ask(target, urlencode(form).encode(), headers, limit=_LONGEST_ANSWER)
    except DeliveryError as error:
        raise TokenError(f"the token endpoint {_named(options)} cannot be used: {error}") from None
    return _read(options, status, body)


def _named(options: TokenSasl) -> str:
    """The endpoint's address without its query, which may hold a secret."""
    return options.token_url.partition("?")[0]


def _read(options: TokenSasl, status: int, body: bytes) -> tuple[str, float]:
    """The token in an answer (RFC 6749, 5.1), or the reason of a refusal (5.2)."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    token, life = answer.get("access_token"), answer.get("expires_in")
    if status != _OK or not isinstance(token, str) or not token or not token.isprintable():
        raise TokenError(_refusal(options, status, answer))
    try:
        seconds = float(life) if life is not None else _UNKNOWN_LIFE_SECONDS
    except (TypeError, ValueError):
        seconds = _UNKNOWN_LIFE_SECONDS
    return token, max(SHORTEST_SECONDS, seconds)


def _refusal(options: TokenSasl, status: int, answer: Mapping[str, Any]) -> str:
    words = " ".join(str(answer[key]) for key in ("error", "error_description") if key in answer)[:_TOLD]
    reason = f"HTTP {status}, {words or 'no token in the answer'}"
    message = f"the token endpoint {_named(options)} gave no token: {reason}"
    return message.replace(options.client_secret.get_secret_value(), "[hidden]")


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc] # kafka-python has no types
    """Hands out one token to all clients of a connection and renews it on a thread of its own, ahead of its end.

    kafka-python asks on its I/O thread, where waiting would hold up the heartbeats: there only the first token is
    fetched, and one whose renewal has failed until its end. After a failure nobody asks the endpoint for a while.
    """

    def __init__(self, options: TokenSasl, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._options = options
        self._clock = clock
        self._renewing = threading.Lock()
        self._token: Token | None = None
        self._failure: TokenError | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._started = False

    def token(self) -> str:
        """A token that is valid now.

        Raises:
            TokenError: there is none.
        """
        token = self._valid()
        if token is None:
            with self._renewing:
                token = self._valid() or self._renew()
        return token.text

    def _valid(self) -> Token | None:
        token = self._token
        return token if token is not None and self._clock() < token.ends_at else None

    def extensions(self) -> dict[str, str]:
        """The SASL extensions of the options."""
        return dict(self._options.extensions)

    def renew_if_due(self) -> float:
        """Renew the token when most of its life is over; seconds until this should be called again."""
        with self._renewing:
            token = self._token
            if token is not None and self._clock() >= max(token.renew_at, self._retry_at):
                try:
                    token = self._renew()
                except TokenError as error:
                    left = max(0.0, token.ends_at - self._clock())
                    log.warning("token not renewed", error=str(error), seconds_left=round(left))
            due = self._retry_at if token is None else max(token.renew_at, self._retry_at)
        return max(_SHORTEST_PAUSE_SECONDS, due - self._clock())

    def _renew(self) -> Token:
        if self._failure is not None and self._clock() < self._retry_at:
            raise TokenError(str(self._failure))
        try:
            text, life = fetch(self._options)
        except TokenError as error:
            self._failures += 1
            wait = min(_LAST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2 ** (self._failures - 1))
            self._failure, self._retry_at = error, self._clock() + wait
            raise
        now = self._clock()
        if not self._started:
            arguments = (weakref.ref(self), threading.Event())
            threading.Thread(target=_keep_fresh, args=arguments, name="kafka-tokens", daemon=True).start()
            self._started = True
        self._token = Token(text, now + RENEW_AT * life, now + life)
        self._failure, self._failures, self._retry_at = None, 0, 0.0
        return self._token


def _keep_fresh(provider: weakref.ref[TokenProvider], pause: threading.Event) -> None:
    """Renew until nobody uses the provider any more."""
    while (kept := provider()) is not None:
        seconds = kept.renew_if_due()
        del kept
        pause.wait(min(seconds, _LAST_RETRY_SECONDS))
