"""What every sink keeps to, driftd's own and those of other packages."""

import copy
import inspect
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.delivery import AlertDestination, alert_message
from monitor.plugins import registry
from monitor.settings.meanings import meanings
from sinks import BUILTIN, ENTRY_POINTS
from sinks.base import Alert, AlertState, DeliveryError, Sink
from sinks.events import EXAMPLE_ALERT
from sinks.memory import MemorySink

SINKS = [*registry(ENTRY_POINTS, Sink, BUILTIN).values(), MemorySink]
OPTIONS: dict[str, dict[str, Any]] = {
    "webhook": {"url": "http://127.0.0.1:{port}/hook"},
    "alertmanager": {"urls": ["http://127.0.0.1:{port}"]},
    "kafka": {"brokers": ["127.0.0.1:{port}"], "topic": "alerts", "timeout": "500ms"},
}
"""Options that a sink cannot do without; the port is one that nobody listens on."""

EVERY_SINK = pytest.mark.parametrize("kind", SINKS, ids=lambda kind: kind.model_fields["type"].default)


def make(kind: type[Sink], port: int = 9, **more: Any) -> Sink:
    """A sink with its least options."""
    needed = copy.deepcopy(OPTIONS.get(kind.model_fields["type"].default, {}))
    for name, value in needed.items():
        filled = [v.format(port=port) for v in value] if isinstance(value, list) else value.format(port=port)
        needed[name] = filled
    return kind.model_validate({**needed, **more})


@EVERY_SINK
def test_options_are_frozen_strict_and_documented(kind: type[Sink]) -> None:
    """Unknown keys are refused, options do not change, every field and the sink itself say what they are."""
    sink = make(kind)
    with pytest.raises(ValidationError):
        make(kind, surprise=1)
    with pytest.raises(ValidationError):
        setattr(sink, "name", "other")  # noqa: B010 - the type checker refuses the plain form
    assert inspect.getdoc(kind)
    assert kind.model_fields.keys() - meanings(kind).keys() <= {"type"}


@EVERY_SINK
def test_options_survive_json(kind: type[Sink]) -> None:
    """What is written as JSON is read back as the same sink."""
    sink = make(kind, give_up_after="1h30m", on=["firing"])
    assert kind.model_validate_json(sink.model_dump_json(exclude_none=True)) == sink


@EVERY_SINK
@pytest.mark.parametrize("state", AlertState)
def test_a_sink_takes_every_alert_or_says_that_it_did_not_arrive(
    kind: type[Sink], state: AlertState, free_port: int
) -> None:
    """Alerts without version, columns, segment or links too; nothing but a `DeliveryError` leaves a sink."""
    bare = replace(EXAMPLE_ALERT, state=state, version="", segment="", columns=(), links={}, summary="")
    odd = replace(bare, monitor="ü\n\x00\ud7ff", version="v" * 5000, at=10**18, starts_at=-1, ends_at=10**18)
    sink = make(kind, free_port)
    for alert in (EXAMPLE_ALERT, bare, odd):
        before = copy.deepcopy(alert)
        with suppress(DeliveryError):
            sink.emit(alert, message_id="alert_1", now=EXAMPLE_ALERT.at)
        assert before == alert


@EVERY_SINK
def test_a_message_through_the_outbox_is_the_alert(kind: type[Sink], monkeypatch: pytest.MonkeyPatch) -> None:
    """A destination hands the sink the alert and the id that were put into the outbox."""
    got: list[tuple[Alert, str, int]] = []
    monkeypatch.setattr(
        kind, "emit", lambda _, alert, *, message_id, now: got.append((alert, message_id, now))
    )
    sink = make(kind)
    message = alert_message(EXAMPLE_ALERT, sink, 5)
    AlertDestination(sink).send(message, 7)
    assert got == [(EXAMPLE_ALERT, message.id, 7)]
    assert message.destination == sink.destination
