"""How a connection to Kafka is secured: TLS, and the SASL mechanisms, as options and as kafka-python's arguments."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from annotated_types import Gt, Le, MinLen
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from sinks.duration import Seconds
from sinks.webhook import Url

if TYPE_CHECKING:
    from sinks.kafka.tokens import TokenProvider

_MAKING = threading.Lock()

Required = Annotated[SecretStr, MinLen(1)]


class Tls(BaseModel):
    """TLS to the brokers; the files are read at every connection, so that renewed ones count at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: Path | None = None
    """Certificates of the authorities to trust instead of the system's, PEM."""

    certificate: Path | None = None
    """driftd's own certificate with its chain, PEM, where brokers ask for one (mTLS)."""

    key: Path | None = None
    """Private key of the certificate, PEM; left out where the certificate's file holds it as well."""

    key_password: SecretStr | None = None
    """Password of an encrypted key."""

    verify_hostname: bool = True
    """Whether the brokers' certificates must carry their host names; the authority is always checked."""

    @model_validator(mode="after")
    def _key_has_certificate(self) -> Self:
        if self.certificate is None and (self.key is not None or self.key_password is not None):
            raise ValueError("`key` and `key_password` belong to a `certificate`, which is missing")
        return self

    def unreadable(self) -> tuple[str, str] | None:
        """The first option whose file cannot be opened, and why; kafka-python does not say which."""
        for option in ("ca", "certificate", "key"):
            path: Path | None = getattr(self, option)
            try:
                if path is not None:
                    path.open("rb").close()
            except OSError as error:
                return option, f"cannot read {path}: {error.strerror}"
        return None

    def client_options(self) -> dict[str, Any]:
        """Arguments of kafka-python's clients."""
        password = "" if self.key_password is None else self.key_password.get_secret_value()
        return {
            "ssl_check_hostname": self.verify_hostname,
            "ssl_cafile": _text(self.ca),
            "ssl_certfile": _text(self.certificate),
            "ssl_keyfile": _text(self.key),
            # never None: OpenSSL would ask for an encrypted key's password on the terminal and wait
            "ssl_password": password,
        }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


class _Mechanism(BaseModel, ABC):
    """A SASL mechanism."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def client_options(self) -> dict[str, Any]:
        """Arguments of kafka-python's clients; the secrets are in them as text."""


class PasswordSasl(_Mechanism):
    """A user name and a password."""

    mechanism: Literal["plain", "scram-sha-256", "scram-sha-512"]
    """`plain` sends the password itself and belongs inside TLS; SCRAM proves that it is known."""

    username: Annotated[str, MinLen(1)]
    """Name of the user."""

    password: Required
    """The password, as `${NAME}` or `${file:/run/secrets/x}`."""

    def client_options(self) -> dict[str, Any]:
        """Arguments of kafka-python's clients."""
        return {
            "sasl_mechanism": self.mechanism.upper(),
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password.get_secret_value(),
        }


class TokenSasl(_Mechanism):
    """OAUTHBEARER: tokens from an OAuth 2 token endpoint by the client credentials grant, renewed ahead of time."""

    mechanism: Literal["oauthbearer"]
    """The word for this mechanism."""

    token_url: Url
    """Address of the token endpoint."""

    client_id: Annotated[str, MinLen(1)]
    """Name of the client there."""

    client_secret: Required
    """Its secret, as `${NAME}` or `${file:/run/secrets/x}`."""

    scope: str = ""
    """Scopes to ask for, separated by spaces."""

    parameters: dict[str, str] = Field(default_factory=dict)
    """Further parameters of the request, such as `audience`; they are not secrets."""

    credentials: Literal["header", "body"] = "header"
    """Where the client's name and secret stand in the request: Basic authentication, or form fields."""

    extensions: dict[Annotated[str, Field(pattern=r"^[A-Za-z]+$")], str] = Field(default_factory=dict)
    """SASL extensions that are sent to the brokers with the token, such as `logicalCluster`."""

    timeout: Annotated[Seconds, Gt(0), Le(60)] = 10.0
    """Most time for one request of a token."""

    ca: Path | None = None
    """Certificates to trust at the token endpoint instead of the system's, PEM."""

    _provider: TokenProvider | None = PrivateAttr(default=None)

    def client_options(self) -> dict[str, Any]:
        """Arguments of kafka-python's clients; all clients of these options share one token."""
        from sinks.kafka.tokens import TokenProvider

        with _MAKING:
            if self._provider is None:
                self._provider = TokenProvider(self)
        return {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": self._provider}


class KerberosSasl(_Mechanism):
    """GSSAPI: Kerberos by the credentials that the process has; needs the package `gssapi`."""

    mechanism: Literal["gssapi"]
    """The word for this mechanism."""

    service_name: Annotated[str, MinLen(1)] = "kafka"
    """First part of the brokers' principal."""

    domain: str | None = None
    """Host in the brokers' principal, where it is not the name that driftd connects to."""

    principal: str | None = None
    """The brokers' whole principal, `service@host`, instead of `service_name` and `domain`."""

    def client_options(self) -> dict[str, Any]:
        """Arguments of kafka-python's clients."""
        return {
            "sasl_mechanism": "GSSAPI",
            "sasl_kerberos_service_name": self.service_name,
            "sasl_kerberos_domain_name": self.domain,
            "sasl_kerberos_name": self.principal,
        }


def _plain_words(value: object) -> object:
    """`SCRAM-SHA-512` and `scram_sha_512` as people copy them from elsewhere."""
    if isinstance(value, dict) and isinstance(value.get("mechanism"), str):
        return {**value, "mechanism": value["mechanism"].lower().replace("_", "-")}
    return value


Sasl = Annotated[
    PasswordSasl | TokenSasl | KerberosSasl, Field(discriminator="mechanism"), BeforeValidator(_plain_words)
]
