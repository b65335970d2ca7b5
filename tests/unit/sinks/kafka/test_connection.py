"""How a cluster is named and secured in the configuration, and what kafka-python gets of it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.settings.values import absolute, secrets
from sinks.kafka import KafkaConnection

PASSWORD = {"mechanism": "scram-sha-256", "username": "alice", "password": "hidden-password"}
TOKEN = {
    "mechanism": "oauthbearer",
    "token_url": "http://127.0.0.1:9/token",
    "client_id": "driftd",
    "client_secret": "hidden-secret",
}


def connection(**options: Any) -> KafkaConnection:
    """A connection with these options."""
    return KafkaConnection.model_validate({"brokers": "localhost", **options})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a", ("a:9092",)),
        ("a, b:1,", ("a:9092", "b:1")),
        (
            ["a-1.example.org:65535", "[::1]", "[fe80::1]:7"],
            ("a-1.example.org:65535", "[::1]:9092", "[fe80::1]:7"),
        ),
    ],
)
def test_brokers(written: object, read: tuple[str, ...]) -> None:
    """A list or one text with commas; the port is 9092 where it is left out."""
    assert read == connection(brokers=written).brokers
    assert list(read) == connection(brokers=written).client_options()["bootstrap_servers"]


@pytest.mark.parametrize(
    "wrong", ["", [], ",", "a:0", "a:65536", "a b", "http://a:1", "a:b", "::1", ["a", 3]]
)
def test_brokers_that_are_none(wrong: object) -> None:
    """What is no address is refused."""
    with pytest.raises(ValidationError):
        connection(brokers=wrong)


@pytest.mark.parametrize(
    ("options", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"tls": True}, "SSL"),
        ({"tls": {}}, "SSL"),
        ({"sasl": PASSWORD}, "SASL_PLAINTEXT"),
        ({"sasl": PASSWORD, "tls": True}, "SASL_SSL"),
    ],
)
def test_protocol(options: dict[str, Any], protocol: str) -> None:
    """TLS and SASL, each alone and together."""
    assert protocol == connection(**options).client_options()["security_protocol"]


def test_openssl_never_asks_for_a_password() -> None:
    """An encrypted key without a password must fail: OpenSSL would ask on the terminal otherwise, and wait."""
    assert "" == connection(tls={"certificate": "a.pem", "key": "a.key"}).client_options()["ssl_password"]


def test_mechanisms_are_read_as_kafka_writes_them() -> None:
    """`SCRAM-SHA-512` and `scram_sha_512` are the same mechanism."""
    for written in ("SCRAM-SHA-512", "scram_sha_512", "scram-sha-512"):
        options = connection(sasl={**PASSWORD, "mechanism": written}).client_options()
        assert "SCRAM-SHA-512" == options["sasl_mechanism"]


def test_kerberos_is_passed_through() -> None:
    """Service, domain and principal come to kafka-python as they are."""
    sasl = {"mechanism": "gssapi", "service_name": "broker", "domain": "kafka.example.org"}
    options = connection(sasl=sasl).client_options()
    assert ("GSSAPI", "broker", "kafka.example.org", None) == tuple(
        options[f"sasl_{name}"]
        for name in ("mechanism", "kerberos_service_name", "kerberos_domain_name", "kerberos_name")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"sasl": {"mechanism": "plain"}},
        {"sasl": {**PASSWORD, "password": ""}},
        {"sasl": {**PASSWORD, "mechanism": "digest"}},
        {"sasl": {**PASSWORD, "token_url": "http://a/"}},
        {"sasl": {**TOKEN, "token_url": "http://user:secret@a/"}},
        {"sasl": {**TOKEN, "extensions": {"auth": "x\x01y", "a-b": "c"}}},
        {"tls": {"key": "a.key"}},
        {"tls": "perhaps"},
        {"client_id": "a b"},
    ],
)
def test_security_that_is_not_whole(wrong: dict[str, Any]) -> None:
    """What is missing, and what belongs to another mechanism, is refused."""
    with pytest.raises(ValidationError):
        connection(**wrong)


def test_secrets_are_hidden() -> None:
    """No secret stands in the options' text or JSON; the log is told all of them."""
    mine = connection(
        sasl=PASSWORD, tls={"certificate": "a.pem", "key_password": "hidden-key"}, brokers=["a", "b"]
    )
    theirs = connection(sasl=TOKEN)
    for text in (repr(mine), str(mine), mine.model_dump_json(), repr(theirs), theirs.model_dump_json()):
        assert "hidden" not in text
    assert {"hidden-password", "hidden-key", "hidden-secret"} == {*secrets(mine), *secrets(theirs)}


def test_files_are_relative_to_the_configuration() -> None:
    """Paths of certificates become absolute as all others do."""
    seen = absolute(connection(tls={"ca": "ca.pem", "certificate": "/etc/a.pem"}), Path("/srv"))
    assert ("/srv/ca.pem", "/etc/a.pem") == (
        seen.client_options()["ssl_cafile"],
        seen.client_options()["ssl_certfile"],
    )


def test_one_token_for_all_clients() -> None:
    """Clients of the same options share a provider of tokens."""
    options = connection(sasl=TOKEN)
    first, second = (options.client_options("a"), options.client_options("b"))
    assert first["sasl_oauth_token_provider"] is second["sasl_oauth_token_provider"]
    assert ["driftd.a", "driftd.b"] == [first["client_id"], second["client_id"]]


def test_clients_are_loaded_late() -> None:
    """Neither the sinks nor their options load kafka-python, the table of what may be wrong with it, or urllib3."""
    late = {"kafka", "sinks.kafka.hints", "urllib3"}
    code = f"import sys, sinks, sinks.kafka.dead_letters; print({late} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "set()" == run.stdout.strip()
