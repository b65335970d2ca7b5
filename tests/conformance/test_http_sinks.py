"""Every sink that calls over HTTP: what it does with the answers. A new one gets a line in `CALLING`."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from sinks import AlertmanagerSink, AlertState, DeliveryError, Sink, WebhookSink
from sinks.events import EXAMPLE_ALERT
from tests.conformance.receiver import Receiver, receiver

NOW = 1_750_000_000_000_000

CALLING: dict[str, Callable[[str], Sink]] = {
    "webhook": lambda url: WebhookSink.model_validate({"url": url, "secret": "whsec_" + "A" * 32}),
    "alertmanager": lambda url: AlertmanagerSink.model_validate({"urls": [url]}),
}

EVERY_SINK = pytest.mark.parametrize("make", [pytest.param(make, id=word) for word, make in CALLING.items()])


@pytest.fixture
def listening() -> Iterator[Receiver]:
    """A receiver on loopback."""
    with receiver() as told:
        yield told


@EVERY_SINK
@pytest.mark.parametrize("state", [AlertState.FIRING, AlertState.RESOLVED])
def test_a_repeat_is_the_same_message(
    listening: Receiver, make: Callable[[str], Sink], state: AlertState
) -> None:
    """One call for each try, and the same body under the same id."""
    sink, alert = make(listening.url), replace(EXAMPLE_ALERT, state=state, ends_at=NOW)
    sink.emit(alert, message_id="one", now=NOW)
    sink.emit(alert, message_id="one", now=NOW)
    first, second = listening.bodies
    assert first
    assert first == second


@EVERY_SINK
@pytest.mark.parametrize(
    ("status", "after", "retryable", "seconds"),
    [(503, "7", True, 7.0), (500, None, True, None), (429, "30", True, 30.0), (302, None, True, None),
     (404, None, True, None), (400, None, False, None), (410, None, False, None)],
)  # fmt: skip
def test_refusals_are_told(
    listening: Receiver,
    make: Callable[[str], Sink],
    status: int,
    after: str | None,
    *,
    retryable: bool,
    seconds: float | None,
) -> None:
    """A refusal raises with what to do next; the next call may succeed."""
    listening.answers.append((status, after))
    sink = make(listening.url)
    with pytest.raises(DeliveryError) as caught:
        sink.emit(EXAMPLE_ALERT, message_id="one", now=NOW)
    assert (retryable, seconds) == (caught.value.retryable, caught.value.retry_after)
    assert str(status) in str(caught.value)
    sink.emit(EXAMPLE_ALERT, message_id="one", now=NOW)
