"""The retraining endpoint believes the scheme's own library, and nobody else."""

import json
from datetime import UTC, datetime

import pytest
import urllib3
from standardwebhooks.webhooks import Webhook

from monitor.demo.receiver import RefusedCall, RetrainingReceiver, verify
from sinks.signing import sign

KEY = bytes(range(32))
NOW = 1_767_225_600
BODY = json.dumps({"type": "driftd.retraining", "data": {"causes": ["data_drift"]}}).encode()


def headers(body: bytes = BODY, *, key: bytes = KEY, at: int = NOW) -> dict[str, str]:
    """What a sender with this key puts on a call."""
    signature = Webhook(key).sign("msg_1", datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}


def test_a_signed_call_is_believed() -> None:
    """The published library's signature and ours are both good; one of several is enough."""
    assert verify(KEY, headers(), BODY, now=NOW) == "msg_1"
    ours = {**headers(), "webhook-signature": sign([b"x" * 32, KEY], "msg_1", NOW, BODY)}
    assert verify(KEY, ours, BODY, now=NOW) == "msg_1"


@pytest.mark.parametrize(
    ("change", "body", "now"),
    [
        ({"webhook-signature": "v1,AAAA"}, BODY, NOW),
        ({"webhook-signature": "v1,é"}, BODY, NOW),
        ({"webhook-signature": ""}, BODY, NOW),
        ({"webhook-id": "msg_2"}, BODY, NOW),
        ({"webhook-timestamp": "soon"}, BODY, NOW),
        ({}, BODY + b" ", NOW),
        ({}, BODY, NOW + 301),
        ({}, BODY, NOW - 301),
    ],
)
def test_anything_else_is_refused(change: dict[str, str], body: bytes, now: int) -> None:
    """A changed id, time, body or signature, and a call that is too old or from the future."""
    with pytest.raises(RefusedCall):
        verify(KEY, {**headers(), **change}, body, now=now)


def test_a_missing_header_is_refused() -> None:
    """All three headers are needed."""
    for name in headers():
        with pytest.raises(RefusedCall, match="are needed"):
            verify(KEY, {k: v for k, v in headers().items() if k != name}, BODY, now=NOW)


def test_over_http() -> None:
    """202 for a believed call, counted once under its id; 401 for others."""
    receiver = RetrainingReceiver(KEY, clock=lambda: NOW)
    receiver.start()
    try:
        first = urllib3.request("POST", receiver.url, body=BODY, headers=headers())
        again = urllib3.request("POST", receiver.url, body=BODY, headers=headers())
        wrong = urllib3.request("POST", receiver.url, body=b"{}", headers=headers())
    finally:
        receiver.stop()
    assert (first.status, first.json()["state"]) == (202, "queued")
    assert (again.status, again.json()["state"]) == (202, "known")
    assert wrong.status == 401
    assert [(call.id, call.body) for call in receiver.calls] == [("msg_1", json.loads(BODY))]
    assert receiver.refused == ["the signature does not fit"]


def test_a_body_that_is_no_json_is_refused() -> None:
    """A signed call must still be JSON."""
    receiver = RetrainingReceiver(KEY, clock=lambda: NOW)
    assert receiver.take(headers(b"{"), b"{")[0] == 401
    receiver.stop()
