"""Webhooks: signatures that others verify, and options that are refused in time."""

import base64
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from sinks.alertmanager import AlertmanagerSink
from sinks.base import Alert
from sinks.events import EXAMPLE_ALERT
from sinks.signing import parse_secret, sign
from sinks.webhook import WebhookSink

URL = "https://receiver.example/hook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the check vector of the specification
NOW_SECONDS = 1_614_265_330


def test_the_check_vector_of_the_specification() -> None:
    """Known secret, id, time and body give the known signature."""
    signature = sign(
        [parse_secret(SECRET)], "msg_p5jXN8AQM9LWM0D4loKWxJek", NOW_SECONDS, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(min_size=24, max_size=64), st.integers())
def test_the_reference_implementation_accepts_each_key(key: bytes, number: int) -> None:
    """A body signed with two keys is believed by holders of either, and not when a byte was changed."""
    other, now, body = b"k" * 32, int(time.time()), b"%d" % number
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign([key, other], "m1", now, body),
    }
    for holder in (key, other):
        verifier = Verifier(base64.b64encode(holder).decode())
        assert number == verifier.verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body + b" ", headers)


@pytest.mark.parametrize(
    "secret", ["hunter2-hunter2-hunter2", "whsec_!!!", "whsec_aGk=", "whsec_" + "A" * 120]
)
def test_a_weak_secret_is_refused_and_not_shown(secret: str) -> None:
    """The message says how to make a secret and does not hold the one that was given."""
    with pytest.raises(ValidationError) as caught:
        WebhookSink(url=URL, secret=SecretStr(secret))
    messages = [error["msg"] for error in caught.value.errors()]
    assert any("urandom" in message for message in messages)
    assert not any(secret in message for message in messages)


@pytest.mark.parametrize(
    "url",
    ["ftp://x/", "x", "http://", "https://user:pw@host/", "http://a b/", "file:///etc/passwd", "http://[::1"],
)
def test_an_address_that_cannot_be_called_is_refused(url: str) -> None:
    """Only http and https, with a host, without a password inside."""
    with pytest.raises(ValidationError, match=r"address|user name"):
        WebhookSink(url=url)


def test_options_do_not_show_the_secret() -> None:
    """Printing the options, as logs may do, hides the secret."""
    sink = WebhookSink(url=URL, secret=SecretStr(SECRET))
    assert SECRET not in repr(sink) + sink.model_dump_json()


def test_secrets_may_be_changed_without_a_gap() -> None:
    """The new and the old secret both sign."""
    second = "whsec_" + base64.b64encode(b"x" * 32).decode()
    sink = WebhookSink(url=URL, secret=SecretStr(SECRET), old_secret=SecretStr(second))
    headers = sink._signature("m1", NOW_SECONDS, b"{}")
    alone = [sign([parse_secret(s)], "m1", NOW_SECONDS, b"{}") for s in (SECRET, second)]
    assert " ".join(alone) == headers["webhook-signature"]


def posted(alert: Alert, now: int, **options: Any) -> dict[str, Any]:
    """What Alertmanager gets."""
    return AlertmanagerSink(urls=("http://a:9093",), **options).posted(alert, now)


def test_alertmanager_gets_identity_in_labels_and_numbers_in_annotations() -> None:
    """Labels are names and words, without empty ones; the score is in the annotations."""
    body = posted(EXAMPLE_ALERT, EXAMPLE_ALERT.at, labels={"team": "risk"})
    assert body["labels"] == {
        "alertname": "DriftdDataDrift",
        "monitor": "car-loan",
        "version": "1",
        "cause": "data_drift",
        "severity": "warning",
        "team": "risk",
    }
    assert "salary_range" in body["annotations"]["description"]
    assert body["generatorURL"] == ""
    linked = replace(EXAMPLE_ALERT, links={"driftd": "http://driftd/"})
    assert posted(linked, linked.at)["generatorURL"] == "http://driftd/"


def test_alertmanager_forgets_a_firing_alert_only_after_four_repeats() -> None:
    """A firing alert ends four repeats from now, a resolved one now, and none before it began."""
    now = EXAMPLE_ALERT.at + 3_600_000_000
    assert posted(EXAMPLE_ALERT, now)["startsAt"] == "2026-01-01T12:00:00Z"
    assert posted(EXAMPLE_ALERT, now)["endsAt"] == "2026-01-01T13:04:00Z"
    resolved = Alert.from_json({**EXAMPLE_ALERT.to_json(), "state": "resolved"})
    assert posted(resolved, now)["endsAt"] == "2026-01-01T13:00:00Z"
    early = posted(resolved, EXAMPLE_ALERT.at - 1_000_000)
    assert early["startsAt"] == early["endsAt"]
