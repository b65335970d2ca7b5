"""Signed HTTP calls: to any receiver of Standard Webhooks, and by templates to those with formats of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
from annotated_types import Gt, Le
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator

from sinks.base import Alert, DeliveryError, Sink
from sinks.duration import Seconds
from sinks.events import EXAMPLE_ALERT, alert_event
from sinks.post import Target, post, reach
from sinks.signing import parse_secret, sign
from sinks.templates import ACCEPTED, BODIES, HEADERS, Template, fill, fill_headers

_RESERVED = frozenset({"host", "content-length", "webhook-id", "webhook-timestamp", "webhook-signature"})


def _checked_url(text: str) -> str:
    from urllib3.exceptions import LocationParseError  # here, as in `sinks.post`
    from urllib3.util import parse_url

    try:
        url = parse_url(text)
    except LocationParseError:
        url = parse_url("")
    if url.scheme not in {"http", "https"} or not url.host or any(c.isspace() for c in text):
        raise ValueError("is not an http:// or https:// address")
    if url.auth is not None:
        raise ValueError("has a user name or password inside; use headers or token_file")
    return text


def _checked_secret(secret: SecretStr) -> SecretStr:
    parse_secret(secret.get_secret_value())
    return secret


Url = Annotated[str, AfterValidator(_checked_url)]
SigningSecret = Annotated[SecretStr, AfterValidator(_checked_secret)]


class Webhook(BaseModel):
    """A receiver of HTTP calls.

    Success is an answer of 2xx (and Airflow's 409: this run is there already). Redirects are failures. Only the status
    is read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Url
    """Address that is called by POST, http or https."""

    secret: SigningSecret | None = None
    """Signing key, `whsec_` and 24 to 64 bytes in base64; without one calls are not signed."""

    old_secret: SigningSecret | None = None
    """A second key that signs as well, while receivers change from it to the new one."""

    template: Template = "generic"
    """Form of the body: `generic` (Standard Webhooks), `airflow` (3), `airflow2`, `argo`, `github`, or `custom`."""

    body: dict[str, Any] | list[Any] | str | None = None
    """Body for `custom`: JSON values in which `${{ id }}`, `${{ data.monitor }}` and the like are replaced."""

    headers: dict[str, str] = {}
    """Further headers; `${{ … }}` works here too."""

    token_file: Path | None = None
    """File with a bearer token; it is read for every call, so that it may be renewed at any time."""

    timeout: Annotated[Seconds, Gt(0), Le(300)] = 15.0
    """Most time for one call, from connecting to the answer."""

    ca_file: Path | None = None
    """Certificates to trust instead of the system's, PEM."""

    public_only: bool = False
    """Refuse addresses that are not reachable from the internet. Link-local ones are always refused."""

    give_up_after: Annotated[Seconds, Gt(0)] = 86400.0
    """After failing for this long a message waits for `driftd deliveries retry`."""

    @model_validator(mode="after")
    def _body_goes_with_template(self) -> Self:
        if (self.template == "custom") != (self.body is not None):
            raise ValueError("`body` is for `template: custom`, which needs one")
        reserved = sorted(name for name in self.headers if name.lower() in _RESERVED)
        if reserved:
            raise ValueError(f"driftd sets the header {reserved[0]} itself")
        return self

    def check(self, example: Mapping[str, Any]) -> None:
        """Fill the templates with an example of an event.

        Raises:
            ValueError: a template names something that such events do not have.
        """
        try:
            self._request("example", example)
        except DeliveryError as error:
            raise ValueError(str(error)) from None

    def call(self, event: Mapping[str, Any], *, message_id: str, now: int) -> int:
        """Send an event.

        Args:
            event: `type`, `timestamp` and `data`.
            message_id: the same for every try.
            now: wall time of this try, microseconds since the epoch.

        Returns:
            The status of the answer.

        Raises:
            DeliveryError: it was not taken.
        """
        body, headers = self._request(message_id, event)
        headers |= self._signature(message_id, now // 1_000_000, body) | self._authorization()
        return post(self._target, body, headers, now=now)

    def reach(self) -> None:
        """See whether the receiver is there, without calling it, and whether the token can be read.

        Raises:
            DeliveryError: not now.
        """
        self._authorization()
        reach(self._target)

    @property
    def _target(self) -> Target:
        return Target(
            self.url,
            self.timeout,
            ca_file=None if self.ca_file is None else str(self.ca_file),
            public_only=self.public_only,
            accepted=ACCEPTED.get(self.template, frozenset()),
        )

    def _request(self, message_id: str, event: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        known = {**event, "id": message_id}
        filled = fill(BODIES.get(self.template, self.body), known)
        body = filled.encode() if isinstance(filled, str) else orjson.dumps(filled)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "driftd",
            **HEADERS.get(self.template, {}),
        }
        return body, headers | fill_headers(self.headers, known)

    def _signature(self, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
        headers = {"webhook-id": message_id, "webhook-timestamp": str(seconds)}
        secrets = [secret for secret in (self.secret, self.old_secret) if secret is not None]
        if secrets:
            keys = [parse_secret(secret.get_secret_value()) for secret in secrets]
            headers["webhook-signature"] = sign(keys, message_id, seconds, body)
        return headers

    def _authorization(self) -> dict[str, str]:
        if self.token_file is None:
            return {}
        try:
            return {"Authorization": f"Bearer {self.token_file.read_text(encoding='utf-8').strip()}"}
        except (OSError, UnicodeDecodeError) as error:
            raise DeliveryError(f"cannot read the token file {self.token_file}: {error}") from error


class WebhookSink(Webhook, Sink):
    """Alerts by HTTP, signed by the Standard Webhooks scheme where a secret is given."""

    type: Literal["webhook"] = "webhook"

    @model_validator(mode="after")
    def _template_fits(self) -> Self:
        self.check(alert_event(EXAMPLE_ALERT))
        return self

    def emit(self, alert: Alert, *, message_id: str, now: int) -> None:
        """Send one alert.

        Raises:
            DeliveryError: it was not taken.
        """
        self.call(alert_event(alert), message_id=message_id, now=now)
