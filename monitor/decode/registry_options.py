"""Where the schemas of records are: the options under `registry`."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Gt, Le, MinLen
from pydantic import BeforeValidator, SecretStr, model_validator

from monitor.paths import LocalPath
from monitor.settings.options import Options
from sinks.duration import Seconds
from sinks.webhook import Url


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class RegistryOptions(Options):
    """A schema registry that answers as Confluent's does, and how driftd proves who it is there."""

    url: Annotated[
        tuple[Url, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), MinLen(1)
    ]
    """Address of the registry; of several (a list, or one text with commas) the first that answers is asked."""

    username: str | None = None
    """Name for basic authentication; in Confluent Cloud the API key."""

    password: SecretStr | None = None
    """Its password, in Confluent Cloud the API secret, as `${NAME}` or `${file:/run/secrets/x}`."""

    token: SecretStr | None = None
    """Bearer token, as `${NAME}` or `${file:/run/secrets/x}`."""

    token_file: LocalPath | None = None
    """File with a bearer token; it is read for every request, so that it may be renewed at any time."""

    ca: LocalPath | None = None
    """Certificates to trust instead of the system's, PEM."""

    certificate: LocalPath | None = None
    """driftd's own certificate with its chain, PEM, where the registry asks for one (mTLS)."""

    key: LocalPath | None = None
    """Private key of the certificate, PEM; left out where the certificate's file holds it as well."""

    key_password: SecretStr | None = None
    """Password of an encrypted key."""

    verify_hostname: bool = True
    """Whether the registry's certificate must carry its host name; the authority is always checked."""

    timeout: Annotated[Seconds, Gt(0), Le(60)] = 5.0
    """Most time to connect, and to wait for an answer; each schema is asked for once."""

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` belong together, one is missing")
        if sum(x is not None for x in (self.username, self.token, self.token_file)) > 1:
            raise ValueError("`username`, `token` and `token_file` exclude one another")
        if self.certificate is None and (self.key is not None or self.key_password is not None):
            raise ValueError("`key` and `key_password` belong to a `certificate`, which is missing")
        return self
