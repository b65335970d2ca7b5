"""One broker of Apache Kafka with a listener for each way to be secure."""

import ssl
import time
from collections.abc import Iterable
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from tests.brokers.apache import Apache
from tests.brokers.certificates import Authority, Pair
from tests.brokers.operations import SECONDS
from tests.brokers.process import free_ports
from tests.brokers.tokens import AUDIENCE, ISSUER, TokenEndpoint

USERS = {"alice": "alice-secret", "bob": "bob-secret"}
"""SASL users. alice may do everything, bob nothing before `allow`."""

LISTENERS = {
    "plaintext": "PLAINTEXT",
    "sasl": "SASL_PLAINTEXT",
    "sasl_tls": "SASL_SSL",
    "tls": "SSL",
    "mtls": "SSL",
    "expired": "SSL",
    "controller": "PLAINTEXT",
}
"""Listener -> protocol. The plain one is for the tests' own calls: who comes there may do everything."""

MECHANISMS = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"
LOGIN = "org.apache.kafka.common.security"


class Secured:
    """The broker with what belongs to it.

    Attributes:
        broker: for topics and records (`broker.create_topic`), over the plain listener.
        addresses: listener -> `host:port`. authority: signs the certificates. client: alice's certificate.
        stranger: a certificate that another authority signed. tokens: the endpoint for OAUTHBEARER.
    """

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "certificates")
        self.client = self.authority.issue("alice")
        self.stranger = Authority(folder / "strange", "nobody knows").issue("alice")
        self._server = self.authority.issue("server")
        self._expired = self.authority.issue("expired", days=-1)
        self._renewed = self.authority.issue("expired", file="renewed")
        self.tokens = TokenEndpoint(folder)
        ports = self._ports = dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self.broker = Apache(
            folder / "broker",
            ports["plaintext"],
            settings={**self._listeners(), **self._tls(), **self._sasl(), **_ACCESS},
            options=(
                f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.tokens.keys.as_uri()}",
                f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.files={self.tokens.keys}",
            ),
            credentials=tuple(
                f"{mechanism}=[name={user},password={secret}]"
                for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                for user, secret in USERS.items()
            ),
        )

    def _listeners(self) -> dict[str, object]:
        places = {name: f"{name.upper()}://{address}" for name, address in self.addresses.items()}
        return {
            "listeners": ",".join(places.values()),
            "advertised.listeners": ",".join(place for name, place in places.items() if name != "controller"),
            "listener.security.protocol.map": ",".join(f"{n.upper()}:{p}" for n, p in LISTENERS.items()),
            "controller.quorum.voters": f"1@{self.addresses['controller']}",
        }

    def _tls(self) -> dict[str, object]:
        settings: dict[str, object] = {}
        for listener in ("sasl_tls", "tls", "mtls", "expired"):
            settings.update(_keystore(listener, self._expired if listener == "expired" else self._server))
            settings[f"listener.name.{listener}.ssl.truststore.type"] = "PEM"
            settings[f"listener.name.{listener}.ssl.truststore.location"] = self.authority.certificate
        settings["listener.name.mtls.ssl.client.auth"] = "required"
        return settings

    def _sasl(self) -> dict[str, object]:
        users = " ".join(f'user_{user}="{secret}"' for user, secret in USERS.items())
        settings: dict[str, object] = {}
        for listener in ("sasl", "sasl_tls"):
            name = f"listener.name.{listener}"
            bearer = f"{name}.oauthbearer.sasl"
            settings |= {
                f"{name}.sasl.enabled.mechanisms": MECHANISMS,
                f"{name}.plain.sasl.jaas.config": f"{LOGIN}.plain.PlainLoginModule required {users};",
                f"{name}.scram-sha-256.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
                f"{name}.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
                f"{bearer}.jaas.config": f"{LOGIN}.oauthbearer.OAuthBearerLoginModule required;",
                f"{bearer}.server.callback.handler.class": f"{LOGIN}.oauthbearer.OAuthBearerValidatorCallbackHandler",
                f"{name}.sasl.oauthbearer.jwks.endpoint.url": self.tokens.keys.as_uri(),
                f"{name}.sasl.oauthbearer.expected.audience": AUDIENCE,
                f"{name}.sasl.oauthbearer.expected.issuer": ISSUER,
                f"{name}.connections.max.reauth.ms": 3600000,
            }
        return settings

    def start(self) -> None:
        """Format and run the broker, and the token endpoint."""
        self.tokens.__enter__()
        self.broker.format()
        self.broker.start()

    def remove(self) -> None:
        """End both and delete the broker's data."""
        self.broker.remove()
        self.tokens.__exit__()

    def renew(self) -> None:
        """Give the listener `expired` a valid certificate while the broker runs."""
        self._serve(self._renewed)

    def expire(self) -> None:
        """Give the listener `expired` its expired certificate again."""
        self._serve(self._expired)

    def _serve(self, pair: Pair) -> None:
        """Let the listener `expired` show a certificate; return when it does."""
        settings = _keystore("expired", pair).items()
        entries = [ConfigEntry(n, str(v), incremental_operation=AlterConfigOpType.SET) for n, v in settings]
        resource = ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=entries)
        self.broker._admin.incremental_alter_configs([resource])[resource].result(SECONDS)
        limit = time.monotonic() + SECONDS
        while (
            ssl.get_server_certificate(("127.0.0.1", self._ports["expired"])) != pair.certificate.read_text()
        ):
            if time.monotonic() > limit:
                raise RuntimeError("the broker goes on with its old certificate")

    def heal(self) -> None:
        """Undo what a test did: the broker runs, bob may do nothing, what is expired is expired."""
        self.broker.heal()
        self.forbid("bob")
        self.expire()
        self.tokens.reset()

    def allow(self, user: str, *, topic: str | None = None, group: str | None = None) -> None:
        """Let a user read and write a topic, or be member of a group."""
        rules = _rules(user, topic, group)
        for future in self.broker._admin.create_acls(rules).values():
            future.result(SECONDS)

    def forbid(self, user: str) -> None:
        """Take back whatever a user was allowed."""
        every = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type] # the stub forgets that None is any
            ResourcePatternType.ANY,
            f"User:{user}",
            None,  # type: ignore[arg-type] # the stub forgets that None is any
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        for future in self.broker._admin.delete_acls([every]).values():
            future.result(SECONDS)


_ACCESS = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS;User:alice;User:CN=alice",
    "inter.broker.listener.name": "PLAINTEXT",
}


def _keystore(listener: str, pair: Pair) -> dict[str, object]:
    return {
        f"listener.name.{listener}.ssl.keystore.type": "PEM",
        f"listener.name.{listener}.ssl.keystore.location": pair.both,
    }


def _rules(user: str, topic: str | None, group: str | None) -> list[AclBinding]:
    wanted: Iterable[tuple[ResourceType, str | None, AclOperation]] = (
        (ResourceType.TOPIC, topic, AclOperation.READ),
        (ResourceType.TOPIC, topic, AclOperation.WRITE),
        (ResourceType.TOPIC, topic, AclOperation.DESCRIBE),
        (ResourceType.GROUP, group, AclOperation.READ),
    )
    return [
        AclBinding(
            kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW
        )
        for kind, name, operation in wanted
        if name is not None
    ]
