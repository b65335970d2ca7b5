"""Every way to be secure against a real Apache Kafka, what a failure looks like, and that it heals by itself."""

import socket
import ssl
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from sinks.base import DeliveryError
from sinks.kafka.sink import KafkaSink
from tests.brokers.certificates import Authority
from tests.brokers.operations import SECONDS
from tests.brokers.secured import USERS, Secured
from tests.integration.kafka.members import until
from tests.integration.kafka.secured_sinks import delivered, oauth, refusal, send, sink_to, tls

pytestmark = [pytest.mark.integration, pytest.mark.kafka(needs={"security"})]

ALICE = {"username": "alice", "password": USERS["alice"]}
BOB = {"username": "bob", "password": USERS["bob"]}


@pytest.mark.parametrize("listener", ["sasl", "sasl_tls"])
@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256", "SCRAM-SHA-512", "oauthbearer"])
def test_mechanisms(mechanism: str, listener: str, secured_broker: Secured, topic: str) -> None:
    """Each mechanism lets messages through, with TLS and without."""
    secured_broker.broker.create_topic(topic)
    sasl = {"mechanism": mechanism, **ALICE} if mechanism != "oauthbearer" else oauth(secured_broker)
    security = {"sasl": sasl, "tls": tls(secured_broker) if listener == "sasl_tls" else False}
    with sink_to(secured_broker, listener, topic, **security) as sink:
        send(sink)
    assert 1 == len(list(secured_broker.broker.held(topic)))


def test_tls_alone_and_with_a_certificate_of_our_own(secured_broker: Secured, topic: str) -> None:
    """TLS, and mTLS with a key in the clear, with an encrypted one, and with both in one file."""
    secured_broker.broker.create_topic(topic)
    secured_broker.allow("ANONYMOUS", topic=topic)
    locked = secured_broker.authority.issue("alice", password="key-secret", file="locked")
    client = secured_broker.client
    ways: list[tuple[str, dict[str, Any]]] = [
        ("tls", {}),
        ("mtls", {"certificate": str(client.certificate), "key": str(client.key)}),
        ("mtls", {"certificate": str(client.both)}),
        (
            "mtls",
            {"certificate": str(locked.certificate), "key": str(locked.key), "key_password": "key-secret"},
        ),
    ]
    for listener, options in ways:
        with sink_to(secured_broker, listener, topic, tls=tls(secured_broker, **options)) as sink:
            send(sink)
    assert len(ways) == len(list(secured_broker.broker.held(topic)))


def test_expired_certificate(secured_broker: Secured, topic: str) -> None:
    """An expired certificate is called one; a renewed one is taken without a restart."""
    secured_broker.broker.create_topic(topic)
    with sink_to(secured_broker, "expired", topic, tls=tls(secured_broker)) as sink:
        assert "has expired (renew the broker's certificate" in refusal(sink)
        secured_broker.renew()
        until(partial(delivered, sink))


def test_unknown_authority(secured_broker: Secured, topic: str) -> None:
    """Without the authority the certificate is not trusted."""
    secured_broker.broker.create_topic(topic)
    with sink_to(secured_broker, "tls", topic, tls=True) as sink:
        assert "comes from an authority that is not trusted (set `tls.ca`" in refusal(sink)


def test_certificate_of_another_host(tmp_path: Path) -> None:
    """A certificate that is made out to another name is refused, and the name that was asked for is told."""
    authority = Authority(tmp_path)
    server = authority.issue("other", host="kafka.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    done = threading.Event()

    def serve(listening: socket.socket) -> None:
        while not done.is_set():
            with suppress(OSError), listening.accept()[0] as peer:
                context.wrap_socket(peer, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        options = {
            "brokers": f"127.0.0.1:{listening.getsockname()[1]}",
            "tls": {"ca": str(authority.certificate)},
        }
        sink = KafkaSink.model_validate({**options, "topic": "alerts"})
        said = refusal(sink)
        sink.close()
        done.set()
        thread.join()
    assert "the broker's certificate is not made out to 127.0.0.1 (use the brokers' names" in said


def test_plain_text_and_tls_mixed_up(secured_broker: Secured, topic: str) -> None:
    """Plain text at a TLS port, TLS at a plain port, SASL where there is none, none where there is SASL."""
    secured_broker.broker.create_topic(topic)
    mistakes: list[tuple[str, dict[str, Any], str]] = [
        ("tls", {}, "is for TLS (set `tls`"),
        ("plaintext", {"tls": tls(secured_broker)}, "does not speak TLS"),
        ("plaintext", {"sasl": {"mechanism": "plain", **ALICE}}, "does not ask who driftd is"),
        ("sasl", {}, "the listener may want SASL: set `sasl`"),
    ]
    for listener, options, words in mistakes:
        with sink_to(secured_broker, listener, topic, timeout="2s", **options) as sink:
            assert words in refusal(sink)


def test_own_certificate(secured_broker: Secured, topic: str) -> None:
    """A missing and a foreign certificate of our own are told apart; a new file is read without a restart."""
    secured_broker.broker.create_topic(topic)
    with sink_to(secured_broker, "mtls", topic, tls=tls(secured_broker)) as sink:
        assert "ask for a certificate of the client's own (mTLS)" in refusal(sink)
    file = secured_broker.broker.folder / "mine.pem"
    file.write_bytes(secured_broker.stranger.both.read_bytes())
    with sink_to(secured_broker, "mtls", topic, tls=tls(secured_broker, certificate=str(file))) as sink:
        assert "do not accept driftd's own certificate" in refusal(sink)
        file.write_bytes(secured_broker.client.both.read_bytes())
        send(sink)


def test_files_that_cannot_be_used(secured_broker: Secured, topic: str) -> None:
    """A missing file is named; a wrong password of the key, and one that is missing, are told and never waited for."""
    locked = secured_broker.authority.issue("alice", password="key-secret", file="locked")
    mine = {"certificate": str(locked.certificate), "key": str(locked.key)}
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"certificate": "/nowhere/mine.pem"}, "cannot read /nowhere/mine.pem: No such file"),
        ({**mine, "key_password": "wrong-secret"}, "check `tls.key_password`"),
        (mine, "check `tls.key_password`"),
        ({**mine, "key": str(secured_broker.client.key)}, "does not belong to the certificate"),
    ]
    for options, words in mistakes:
        with sink_to(secured_broker, "mtls", topic, timeout="2s", tls=tls(secured_broker, **options)) as sink:
            said = refusal(sink)
            assert words in said
            assert "wrong-secret" not in said


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256", "scram-sha-512"])
def test_wrong_password(mechanism: str, secured_broker: Secured, topic: str) -> None:
    """A wrong password is called one, every time, and never shown."""
    wrong = {"mechanism": mechanism, "username": "alice", "password": "not-alices-secret"}
    with sink_to(secured_broker, "sasl", topic, sasl=wrong) as sink:
        for _ in range(2):
            said = refusal(sink)
            assert f"do not accept the user name or the password ({mechanism.upper()})" in said
            assert "not-alices-secret" not in said


def test_password_that_becomes_right(secured_broker: Secured, topic: str) -> None:
    """When the brokers learn the password, the next try gets through."""
    secured_broker.broker.create_topic(topic)
    secured_broker.allow("carol", topic=topic)
    sasl = {"mechanism": "scram-sha-256", "username": "carol", "password": "carols-secret"}
    with sink_to(secured_broker, "sasl", topic, sasl=sasl) as sink:
        assert "do not accept the user name or the password" in refusal(sink)
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        change = UserScramCredentialUpsertion("carol", info, b"carols-secret")
        for future in secured_broker.broker._admin.alter_user_scram_credentials([change]).values():
            future.result(SECONDS)
        until(partial(delivered, sink))


def test_mechanism_that_is_not_enabled(secured_broker: Secured, topic: str) -> None:
    """The mechanism that the listener does not have is named."""
    with sink_to(secured_broker, "sasl", topic, sasl={"mechanism": "gssapi"}) as sink:
        assert "does not offer the mechanism GSSAPI" in refusal(sink)


def test_missing_right(secured_broker: Secured, topic: str) -> None:
    """The topic that the user may not write is named; once it is allowed, the next try gets through."""
    secured_broker.broker.create_topic(topic)
    sasl = {"mechanism": "scram-sha-512", **BOB}
    with sink_to(secured_broker, "sasl", topic, sasl=sasl) as sink:
        said = refusal(sink)
        assert f"may not use the topic {topic}" in said
        assert "kafka-acls" in said
        secured_broker.allow("bob", topic=topic)
        until(partial(delivered, sink))


def test_missing_topic(secured_broker: Secured, topic: str) -> None:
    """A topic that is not there is named and not created; once somebody has made it, the next try gets through."""
    with sink_to(secured_broker, "plaintext", topic, timeout="2s") as sink:
        assert f"the topic {topic} does not exist" in refusal(sink)
        assert topic not in secured_broker.broker._admin.list_topics(timeout=SECONDS).topics
        secured_broker.broker.create_topic(topic)
        until(partial(delivered, sink))


def test_message_too_large(secured_broker: Secured, topic: str) -> None:
    """A message that the topic does not take is not tried again."""
    secured_broker.broker.create_topic(topic, config={"max.message.bytes": "100"})
    with sink_to(secured_broker, "plaintext", topic) as sink:
        with pytest.raises(
            DeliveryError, match=r"larger than the broker takes .*max.message.bytes"
        ) as refused:
            send(sink)
        assert not refused.value.retryable
