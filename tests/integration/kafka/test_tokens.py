"""OAUTHBEARER against a real Apache Kafka: tokens that are refused, that cannot be had, and that end."""

from functools import partial

import pytest

from tests.brokers.operations import SECONDS
from tests.brokers.secured import Secured
from tests.integration.kafka.members import until
from tests.integration.kafka.secured_sinks import delivered, oauth, refusal, send, sink_to

pytestmark = [pytest.mark.integration, pytest.mark.kafka(needs={"security"})]


def test_tokens_that_are_refused(secured_broker: Secured, topic: str) -> None:
    """The endpoint's words are passed on, without the secret; a token that the brokers do not know is called one."""
    secured_broker.broker.create_topic(topic)
    wrong = oauth(secured_broker, client_secret="not-the-client-secret")
    with sink_to(secured_broker, "sasl", topic, timeout="2s", sasl=wrong) as sink:
        said = refusal(sink)
        assert f"{secured_broker.tokens.url} gave no token: HTTP 401, invalid_client unknown client" in said
        assert "not-the-client-secret" not in said
    secured_broker.tokens.lifetime_seconds = -1000.0
    with sink_to(secured_broker, "sasl", topic, sasl=oauth(secured_broker)) as sink:
        assert "do not accept the token" in refusal(sink)


def test_token_endpoint_that_comes_back(secured_broker: Secured, topic: str) -> None:
    """While the endpoint is out of order that is what is said; when it is back, so are we."""
    secured_broker.broker.create_topic(topic)
    secured_broker.tokens.failing = 503
    with sink_to(secured_broker, "sasl", topic, timeout="2s", sasl=oauth(secured_broker)) as sink:
        assert "gave no token: HTTP 503, temporarily_unavailable" in refusal(sink)
        secured_broker.tokens.failing = None
        until(partial(delivered, sink))
    assert 1 == len(list(secured_broker.broker.held(topic)))


def _more_than(secured: Secured, requests: int) -> bool:
    return len(secured.tokens.requests) > requests


def test_token_is_renewed_ahead_of_its_end(secured_broker: Secured, topic: str) -> None:
    """The brokers end a session with its token: the next token is there before, and the session goes on."""
    secured_broker.broker.create_topic(topic)
    secured_broker.tokens.lifetime_seconds = 4.0
    with sink_to(secured_broker, "sasl", topic, sasl=oauth(secured_broker)) as sink:
        send(sink, "id-0")
        for number in range(1, 4):
            with secured_broker.tokens.changed:
                known = len(secured_broker.tokens.requests)
                assert secured_broker.tokens.changed.wait_for(
                    partial(_more_than, secured_broker, known), timeout=SECONDS
                )
            send(sink, f"id-{number}")
    assert 4 == len(list(secured_broker.broker.held(topic)))
    assert {"client_credentials"} == {form["grant_type"] for form in secured_broker.tokens.requests}
