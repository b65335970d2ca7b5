"""The real daemon with secrets in its environment and in files: they stand nowhere in what it writes and answers."""

import json
import signal
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.brokers.secured import USERS, Secured
from tests.integration.kafka.members import produce, row, until
from tests.system.process import driftd

pytestmark = [pytest.mark.integration, pytest.mark.kafka(needs={"security"})]

WRONG = "a-password-that-nobody-has"
CONFIG = """
log: {{level: debug}}
http: {{port: {port}}}
state: {folder}/driftd.state
commit_interval: 100ms
sinks:
  - type: kafka
    name: right
    brokers: "{sasl}"
    sasl: {{mechanism: plain, username: alice, password: "${{ALICE}}"}}
    topic: {topic}-alerts
    windows_topic: {topic}-alerts
    timeout: 3s
  - type: kafka
    name: wrong
    brokers: "{sasl}"
    sasl: {{mechanism: scram-sha-256, username: alice, password: "${{WRONG}}"}}
    topic: {topic}-alerts
    windows_topic: {topic}-alerts
    timeout: 1s
monitors:
  - name: loans
    source:
      type: kafka
      brokers: "{sasl_tls}"
      topics: {topic}
      tls: {{ca: {ca}, certificate: {certificate}, key: {key}, key_password: "${{file:{folder}/key-password}}"}}
      sasl:
        mechanism: oauthbearer
        token_url: {tokens}
        client_id: alice
        client_secret: "${{file:{folder}/client-secret}}"
    records: {{id: $.id, timestamp: $.t, features: [$.x], prediction: $.y}}
    reference: {{type: file, path: {folder}/reference.ndjson}}
    windows: [{{length: 1m, slide: 1m, min_rows: 100}}]
    pane: 1m
"""
PATHS = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/",
    "/api/v1/monitors",
    "/api/v1/windows",
    "/api/v1/deliveries",
    "/api/v1/alerts",
)


def answer(port: int, path: str) -> str:
    """What the daemon says; "" while it does not listen."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as got:
            return str(got.read().decode())
    except HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


def prepare(secured: Secured, topic: str, folder: Path, port: int) -> Path:
    """Topics, files with secrets, and the configuration."""
    secured.broker.create_topic(topic)
    secured.broker.create_topic(f"{topic}-alerts")
    produce(secured.broker, topic, range(3000), 1)
    (folder / "reference.ndjson").write_bytes(b"\n".join(row(i) for i in range(2000)) + b"\n")
    (folder / "key-password").write_text("the-password-of-the-key\n")
    (folder / "client-secret").write_text("alice-client-secret\n")
    locked = secured.authority.issue("alice", password="the-password-of-the-key", file="locked")
    values = {"port": port, "folder": folder, "topic": topic, "tokens": secured.tokens.url}
    tls = {"ca": secured.authority.certificate, "certificate": locked.certificate, "key": locked.key}
    config = folder / "driftd.yaml"
    config.write_text(CONFIG.format(**values, **tls, **secured.addresses))
    return config


def test_no_secret_is_written_or_answered(
    secured_broker: Secured, topic: str, tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at the level `debug`, not where a login is refused, not in any answer of the HTTP server."""
    config = prepare(secured_broker, topic, tmp_path, free_port)
    monkeypatch.setenv("ALICE", USERS["alice"])
    monkeypatch.setenv("WRONG", WRONG)
    log = tmp_path / "log.txt"
    process = driftd("run", "--config", str(config), log=log)
    try:
        until(lambda: '"delivered"' in log.read_text() or process.poll() is not None)
        until(lambda: "do not accept the user name" in answer(free_port, "/api/v1/deliveries"))
        said = "".join(answer(free_port, path) for path in PATHS)
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(timeout=60)
    finally:
        process.kill()
        process.wait()
    said += log.read_text()
    for secret in (USERS["alice"], WRONG, "alice-client-secret", "the-password-of-the-key", "eyJ"):
        assert secret not in said
    told = [json.loads(record.value or b"") for record in secured_broker.broker.held(f"{topic}-alerts")]
    assert {"driftd.window.closed"} <= {event["type"] for event in told}
