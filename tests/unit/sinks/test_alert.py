"""Alerts as values, and the sinks that need no network."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from detectors.base import Cause, Result, Verdict
from monitor.settings.meanings import meanings
from sinks import BUILTIN
from sinks.base import Alert, AlertState, DeliveryError, Evidence, Severity, Span
from sinks.events import EXAMPLE_ALERT, alert_event
from sinks.log import LogSink
from sinks.memory import MemorySink
from sinks.timestamps import parse_rfc3339, rfc3339

MOMENTS = st.integers(min_value=0, max_value=4_102_444_800_000_000)
TEXTS = st.text(max_size=20)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
SPANS = st.builds(Span, TEXTS, MOMENTS, MOMENTS, st.integers(0, 10**9), st.booleans())
EVIDENCE = st.builds(Evidence, TEXTS, TEXTS, TEXTS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, TEXTS)
ALERTS = st.builds(
    Alert,
    fingerprint=TEXTS,
    monitor=TEXTS,
    version=TEXTS,
    segment=TEXTS,
    cause=st.sampled_from(Cause),
    state=st.sampled_from(AlertState),
    severity=st.sampled_from(Severity),
    at=MOMENTS,
    starts_at=MOMENTS,
    ends_at=st.none() | MOMENTS,
    window=SPANS,
    columns=st.lists(EVIDENCE, max_size=3).map(tuple),
    summary=TEXTS,
    links=st.dictionaries(TEXTS, TEXTS, max_size=2),
)


@given(ALERTS)
def test_an_alert_survives_json(alert: Alert) -> None:
    """What lies in the outbox is the alert that was put there."""
    assert alert == Alert.from_json(alert.to_json())


@given(MOMENTS)
def test_a_moment_survives_its_text(moment: int) -> None:
    """RFC 3339 keeps microseconds."""
    assert moment == parse_rfc3339(rfc3339(moment))


@pytest.mark.parametrize(("moment", "text"), [(-1, "1970-01-01T00:00:00Z"), (10**18, "9999-12-31T23:59:59Z")])
def test_moments_outside_the_calendar_do_not_raise(moment: int, text: str) -> None:
    """A wild timestamp of a record cannot stop an alert."""
    assert text == rfc3339(moment)


def test_evidence_is_bounded_and_json() -> None:
    """NaN and infinity become null, long names and words are cut."""
    result = Result("c" * 999, "t", Verdict.DRIFT, Cause.SCHEMA, math.nan, math.inf, 0.5, None, 3, "d" * 999)
    evidence = Evidence.of(result)
    assert (evidence.statistic, evidence.threshold, evidence.p_value) == (None, None, 0.5)
    assert (len(evidence.column), len(evidence.detail)) == (200, 200)


def test_an_event_says_what_happened() -> None:
    """Type and time stand outside, the alert inside."""
    event = alert_event(EXAMPLE_ALERT)
    assert (event["type"], event["timestamp"]) == ("driftd.alert.firing", "2026-01-01T12:00:00Z")
    assert event["data"] == EXAMPLE_ALERT.to_json()


@pytest.mark.parametrize(
    ("severity", "state", "level"),
    [
        (Severity.CRITICAL, AlertState.FIRING, "error"),
        (Severity.WARNING, AlertState.FIRING, "warning"),
        (Severity.CRITICAL, AlertState.RESOLVED, "info"),
    ],
)
def test_the_log_speaks_as_loud_as_the_alert(severity: Severity, state: AlertState, level: str) -> None:
    """A firing alert is logged at the level of its severity, the end of one as information."""
    alert = Alert.from_json({**EXAMPLE_ALERT.to_json(), "severity": severity.value, "state": state.value})
    with capture_logs() as logs:
        LogSink().emit(alert, message_id="id", now=0)
    (entry,) = logs
    assert (entry["log_level"], entry["event"], entry["message_id"]) == (level, alert.summary, "id")
    assert entry["alert"] == alert.to_json()


def test_the_memory_sink_keeps_and_fails_as_told() -> None:
    """The test double does what it is told, once."""
    sink = MemorySink()
    sink.fail_next(DeliveryError("down", retryable=False))
    with pytest.raises(DeliveryError, match="down"):
        sink.emit(EXAMPLE_ALERT, message_id="a", now=0)
    sink.emit(EXAMPLE_ALERT, message_id="a", now=0)
    assert sink.emitted == [("a", EXAMPLE_ALERT)]


def test_a_sink_is_called_by_its_name_or_its_type() -> None:
    """Without a name the type's word stands in the outbox."""
    assert LogSink().destination == "log"
    assert LogSink(name="audit").destination == "audit"


def test_every_builtin_sink_has_a_word_and_documentation() -> None:
    """Each sink is chosen by a word of its own, and says what each of its fields is."""
    words = [model.model_fields["type"].default for model in BUILTIN]
    assert len(set(words)) == len(words)
    for model in BUILTIN:
        assert model.__doc__
        assert model.model_fields.keys() - meanings(model).keys() <= {"type"}
