"""Sinks at a broker that lets in only who proves who they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sinks.base import DeliveryError
from sinks.events import EXAMPLE_ALERT
from sinks.kafka.sink import KafkaSink
from tests.brokers.secured import Secured

_TRIES = 10


@contextmanager
def sink_to(secured: Secured, listener: str, topic: str, **options: Any) -> Iterator[KafkaSink]:
    """A sink at one listener."""
    options = {"timeout": "10s", **options}
    sink = KafkaSink.model_validate({"brokers": secured.addresses[listener], "topic": topic, **options})
    try:
        yield sink
    finally:
        sink.close()


def send(sink: KafkaSink, identity: str = "id-1") -> None:
    """One alert."""
    sink.emit(EXAMPLE_ALERT, message_id=identity, now=1)


def refusal(sink: KafkaSink) -> str:
    """What the sink says of a failure; a broker that is slow to say it is asked again."""
    said = "no answer from it yet"
    for _ in range(_TRIES):
        if "no answer from" in said:
            with pytest.raises(DeliveryError) as refused:
                send(sink)
            assert refused.value.retryable
            said = str(refused.value)
    return said


def delivered(sink: KafkaSink) -> bool:
    """Whether a try went well; an endpoint that failed is left in peace for a while."""
    try:
        send(sink)
    except DeliveryError:
        return False
    return True


def tls(secured: Secured, **more: Any) -> dict[str, Any]:
    """TLS options that trust the broker."""
    return {"ca": str(secured.authority.certificate), **more}


def oauth(secured: Secured, **more: Any) -> dict[str, Any]:
    """SASL options for alice by tokens."""
    return {
        "mechanism": "oauthbearer",
        "token_url": secured.tokens.url,
        "client_id": "alice",
        "client_secret": "alice-client-secret",
        **more,
    }
