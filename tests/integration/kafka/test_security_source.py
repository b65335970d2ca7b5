"""The source at a secured broker: what is wrong is told, and it goes on without a restart once it is right."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.brokers.operations import SECONDS
from tests.brokers.secured import USERS, Secured
from tests.integration.kafka.members import MONITOR, Member, produce, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka(needs={"security"})]

ROWS = 50
GROUP = f"driftd.{MONITOR}"
BOB = {"mechanism": "scram-sha-512", "username": "bob", "password": USERS["bob"]}
DORA = {"mechanism": "scram-sha-256", "username": "dora", "password": "doras-secret"}


@pytest.fixture
def watch(secured_broker: Secured, topic: str, tmp_path: Path) -> Iterator[Callable[..., Member]]:
    """Makes a member at one listener, over a topic of some rows; it is stopped after the test."""
    secured_broker.broker.create_topic(topic)
    produce(secured_broker.broker, topic, range(ROWS), 1)
    made: list[Member] = []

    def make(listener: str, **options: Any) -> Member:
        source = {"brokers": secured_broker.addresses[listener], "topics": topic, "session_timeout": "10s"}
        made.append(Member(tmp_path / "member", {**source, **options}))
        return made[0]

    yield make
    for member in made:
        member.stop()


def alice(secured_broker: Secured) -> dict[str, str]:
    """The options of a client that gets its tokens from the endpoint."""
    return {
        "mechanism": "oauthbearer",
        "token_url": secured_broker.tokens.url,
        "client_id": "alice",
        "client_secret": "alice-client-secret",
    }


def told(member: Member, words: str) -> None:
    """Wait until the source says this about itself."""
    until(lambda: any(words in trouble for trouble in member.trouble))


def heals(member: Member) -> None:
    """Wait until every row was read and nothing is wrong any more."""
    until(lambda: member.outcome() == ROWS)
    until(lambda: not member.source.report().trouble)


def test_tokens_and_tls(secured_broker: Secured, watch: Callable[..., Member]) -> None:
    """OAUTHBEARER inside TLS: rows come, and go on coming past the end of the first token."""
    secured_broker.tokens.lifetime_seconds = 3.0
    member = watch(
        "sasl_tls", tls={"ca": str(secured_broker.authority.certificate)}, sasl=alice(secured_broker)
    )
    heals(member)
    until(lambda: len(secured_broker.tokens.requests) > 3)
    assert [] == member.trouble


@pytest.mark.parametrize("listener", ["sasl", "sasl_tls"])
@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"])
def test_mechanisms(
    mechanism: str, listener: str, secured_broker: Secured, watch: Callable[..., Member]
) -> None:
    """Each mechanism lets the source read, with TLS and without."""
    words = {"mechanism": mechanism, "username": "alice", "password": USERS["alice"]}
    sasl = alice(secured_broker) if mechanism == "oauthbearer" else words
    tls = {"ca": str(secured_broker.authority.certificate)} if listener == "sasl_tls" else False
    heals(watch(listener, sasl=sasl, tls=tls))


@pytest.mark.parametrize("listener", ["tls", "mtls"])
def test_tls_alone_and_with_a_certificate_of_our_own(
    listener: str, secured_broker: Secured, watch: Callable[..., Member]
) -> None:
    """TLS lets the source read, and so does mTLS where it brings the certificate that the listener asks for."""
    client = secured_broker.client
    own = {"certificate": str(client.certificate), "key": str(client.key)} if listener == "mtls" else {}
    heals(watch(listener, tls={"ca": str(secured_broker.authority.certificate), **own}))


def test_expired_certificate(secured_broker: Secured, watch: Callable[..., Member]) -> None:
    """A broker's certificate that has expired, then a new one."""
    secured_broker.allow("ANONYMOUS", group=GROUP)
    member = watch("expired", tls={"ca": str(secured_broker.authority.certificate)})
    told(member, "has expired")
    secured_broker.renew()
    heals(member)


def test_wrong_password(secured_broker: Secured, topic: str, watch: Callable[..., Member]) -> None:
    """A user that the brokers do not know, then one that they do."""
    secured_broker.allow("dora", topic=topic, group=GROUP)
    member = watch("sasl", sasl=DORA)
    told(member, "do not accept the user name or the password (SCRAM-SHA-256)")
    change = UserScramCredentialUpsertion(
        "dora", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"doras-secret"
    )
    for future in secured_broker.broker._admin.alter_user_scram_credentials([change]).values():
        future.result(SECONDS)
    heals(member)
    assert not any("doras-secret" in trouble for trouble in member.trouble)


def test_missing_rights(secured_broker: Secured, topic: str, watch: Callable[..., Member]) -> None:
    """A group that the user may not join, then a topic that it may not read, then neither."""
    member = watch("sasl", sasl=BOB)
    told(member, "may not use the")
    secured_broker.allow("bob", group=GROUP)
    told(member, f"the topic {topic} may not be read")
    secured_broker.allow("bob", topic=topic)
    heals(member)


def test_token_endpoint_out_of_order(secured_broker: Secured, watch: Callable[..., Member]) -> None:
    """No token, then tokens."""
    secured_broker.tokens.failing = 500
    member = watch("sasl", sasl=alice(secured_broker))
    told(member, "gave no token: HTTP 500")
    secured_broker.tokens.failing = None
    heals(member)
