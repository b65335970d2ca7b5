"""Alert states: one alert for each cause, held up by bad windows, ended by good ones."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.base import Cause, Result, Verdict
from monitor.alerts import (
    AlertOptions,
    Findings,
    Track,
    advance,
    alert_line,
    columns,
    episode,
    expire,
    fingerprint,
    keep_kinds,
    message_id,
)
from sinks.base import Alert, AlertState, Severity, Span

HOUR = 3_600_000_000
OK, WARNING, DRIFT = Verdict.OK, Verdict.WARNING, Verdict.DRIFT
INSUFFICIENT, ERROR = Verdict.INSUFFICIENT, Verdict.ERROR


def result(
    verdict: Verdict, *, column: str = "a", cause: Cause = Cause.DATA_DRIFT, effect: float = 0.1
) -> Result:
    """One finding."""
    return Result(column, "drift", verdict, cause, 2.0, 1.0, 0.001, effect, 100, f"{column} moved")


def findings(*results: Result, kind: str = "1h", version: str = "1", segment: str = "") -> Findings:
    """What a window of some kind says."""
    return Findings("loan", version, segment, Span(kind, 0, HOUR, 100), results, {"page": "http://x/"})


class Story:
    """Feeds windows one after another and keeps what was told."""

    def __init__(self, **options: Any) -> None:
        """Begin without alerts."""
        self.options = AlertOptions.model_validate(options)
        self.tracks: dict[str, Track] = {}

    def window(self, hour: int, *results: Result, kind: str = "1h", **whose: str) -> list[Alert]:
        """One window's end at this hour; what is told of it. Tracks go through JSON, as over a restart."""
        found = findings(*results, kind=kind, **whose)
        tracks, told = advance(self.tracks, found, self.options, hour * HOUR)
        self.tracks = {key: Track.from_json(track.to_json()) for key, track in tracks.items()}
        return told

    def states(self, *verdicts: Verdict, **whose: Any) -> list[str]:
        """The states told of windows that end at hour 0, 1, …; `-` where nothing is told."""
        told = [self.window(hour, result(verdict), **whose) for hour, verdict in enumerate(verdicts)]
        return [alerts[0].state.value if alerts else "-" for alerts in told]


def test_drift_fires_and_a_good_window_resolves() -> None:
    """With no waits an alert fires with the first bad window and is resolved with the first good one."""
    assert Story().states(OK, DRIFT, DRIFT, OK, OK) == ["-", "firing", "-", "resolved", "-"]


def test_a_warning_alone_is_no_alert() -> None:
    """Only *drift* makes alerts by default; a warning is evidence that there is no drift."""
    assert Story().states(WARNING, DRIFT, WARNING) == ["-", "firing", "resolved"]


def test_a_condition_that_must_hold_is_pending_first() -> None:
    """`for` is counted from the first bad window; a good one before that ends it without an alert."""
    story = Story(**{"for": "2h"})
    assert story.states(DRIFT, DRIFT, DRIFT, OK) == ["pending", "-", "firing", "resolved"]
    assert Story(**{"for": "2h"}).states(DRIFT, DRIFT, OK, DRIFT) == ["pending", "-", "inactive", "pending"]


def test_an_alert_keeps_firing_for_a_while() -> None:
    """`keep_firing_for` is counted from the last bad window, and a bad one in between begins it anew."""
    story = Story(keep_firing_for="2h")
    assert story.states(DRIFT, OK, DRIFT, OK, OK, OK) == ["firing", "-", "-", "-", "resolved", "-"]


def test_after_the_end_there_is_a_cooldown() -> None:
    """A new episode within the cooldown waits as pending, and fires when it is over and the condition still holds."""
    story = Story(cooldown="3h")
    assert story.states(DRIFT, OK, DRIFT, DRIFT, DRIFT) == ["firing", "resolved", "pending", "-", "firing"]
    (alert,) = (track.alert for track in story.tracks.values())
    assert alert.starts_at == 2 * HOUR


@pytest.mark.parametrize("silent", [INSUFFICIENT, ERROR])
def test_a_window_that_cannot_tell_changes_nothing(silent: Verdict) -> None:
    """Too few rows and failing tests neither raise nor resolve; nor does a window without findings of the cause."""
    story = Story()
    assert story.states(silent, DRIFT, silent, silent) == ["-", "firing", "-", "-"]
    assert story.window(4, result(OK, cause=Cause.SCHEMA)) == []
    assert story.window(5, result(silent), result(OK, column="b"))[0].state is AlertState.RESOLVED


def test_any_kind_of_window_holds_the_alert_up() -> None:
    """Short and long windows feed one alert; it ends when the latest of each kind is good."""
    story = Story()
    assert [a.state for a in story.window(1, result(DRIFT), kind="1h")] == [AlertState.FIRING]
    assert story.window(2, result(DRIFT), kind="24h") == []
    assert story.window(3, result(OK), kind="1h") == []
    assert [a.state for a in story.window(4, result(OK), kind="24h")] == [AlertState.RESOLVED]


def test_a_pending_alert_fires_at_any_telling_window_while_a_kind_is_bad() -> None:
    """The condition holds until a window of the same kind is good, so the time of `for` may end at another's end."""
    story = Story(**{"for": "1h"})
    assert [a.state for a in story.window(0, result(DRIFT), kind="1h")] == [AlertState.PENDING]
    assert [a.state for a in story.window(1, result(OK), kind="24h")] == [AlertState.FIRING]


def test_kinds_that_are_gone_hold_nothing_up() -> None:
    """After a change of the configuration an alert does not wait for windows that no longer come."""
    story = Story()
    story.window(1, result(DRIFT), kind="old")
    story.tracks = keep_kinds(story.tracks, ["1h"])
    assert [a.state for a in story.window(2, result(OK), kind="1h")] == [AlertState.RESOLVED]


def test_one_alert_for_each_cause_and_never_one_for_a_column() -> None:
    """Twenty broken columns of two causes make two alerts, with the worst columns inside, worst first."""
    broken = [result(DRIFT, column=f"c{n}", effect=n / 100) for n in range(20)]
    told = Story().window(
        1, *broken, result(DRIFT, column="new", cause=Cause.SCHEMA), result(OK, column="fine")
    )
    assert [alert.cause for alert in told] == [Cause.SCHEMA, Cause.DATA_DRIFT]
    assert columns(told[0]) == ["new"]
    assert columns(told[1]) == [f"c{n}" for n in range(19, 9, -1)]
    assert told[1].summary == "data drift in loan, version 1: c19, c18, c17 and 7 more"


def test_versions_and_segments_have_alerts_of_their_own() -> None:
    """A good window of one version does not resolve another's alert."""
    story = Story()
    for whose in ({"version": "1"}, {"version": "2"}, {"version": "2", "segment": "eu"}):
        assert len(story.window(1, result(DRIFT), **whose)) == 1
    (resolved,) = story.window(2, result(OK), version="2")
    assert (resolved.version, resolved.segment) == ("2", "")
    assert len({fingerprint("loan", "1", "", cause) for cause in Cause}) == len(Cause)


def test_severity_follows_the_cause() -> None:
    """Schema is critical, data drift a warning, unless the configuration says otherwise; warnings alone are info."""
    both = (result(DRIFT), result(DRIFT, cause=Cause.SCHEMA))
    assert [a.severity for a in Story().window(1, *both)] == [Severity.CRITICAL, Severity.WARNING]
    custom = Story(severity={"data_drift": "critical"}, on=["warning", "drift"])
    assert [a.severity for a in custom.window(1, result(WARNING))] == [Severity.INFO]


def test_an_alert_that_becomes_more_severe_is_told_again() -> None:
    """A notice that turns into drift is told, under an id of its own; the way back is not."""
    story = Story(on=["warning", "drift"])
    (notice,) = story.window(1, result(WARNING))
    (worse,) = story.window(2, result(DRIFT))
    assert (worse.state, worse.severity) == (AlertState.FIRING, Severity.WARNING)
    assert message_id(notice, "log") != message_id(worse, "log")
    assert story.window(3, result(WARNING)) == []


def test_ids_are_stable_and_tell_episodes_and_destinations_apart() -> None:
    """The same history gives the same ids; another episode, state or destination another one; none has a dot."""
    (first, second) = (Story(), Story())
    told = [
        [story.window(h, result(v))[0] for h, v in enumerate((DRIFT, OK, DRIFT))] for story in (first, second)
    ]
    ids = [[message_id(alert, name) for alert in alerts for name in ("log", "hook")] for alerts in told]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 6
    assert not any("." in identity for identity in ids[0])
    assert episode(told[0][0]) == episode(told[0][1]) != episode(told[0][2])


def test_a_resolved_alert_keeps_its_evidence_and_gets_an_end() -> None:
    """The end of an alert tells which columns it was about."""
    story = Story()
    (fired,) = story.window(1, result(DRIFT))
    (resolved,) = story.window(5, result(OK))
    assert resolved == replace(fired, state=AlertState.RESOLVED, at=5 * HOUR, ends_at=5 * HOUR)


def test_alerts_of_versions_that_are_gone_are_taken_back() -> None:
    """An alert without a telling window for `expire_after` ends, a pending one without having been one."""
    story = Story(**{"for": "1h", "expire_after": "10h"})
    story.states(DRIFT, DRIFT)
    story.window(1, result(DRIFT), version="2")
    story.window(9, result(INSUFFICIENT), version="2")
    assert expire(story.tracks, story.options, 10 * HOUR)[1] == []
    tracks, told = expire(story.tracks, story.options, 11 * HOUR)
    assert [(a.version, a.state) for a in told] == [("1", AlertState.RESOLVED), ("2", AlertState.INACTIVE)]
    assert expire(tracks, story.options, 99 * HOUR)[1] == []


def test_the_public_line_of_a_change() -> None:
    """`replay --format json` prints this shape; times are RFC 3339, columns are names."""
    (alert,) = Story().window(1, result(DRIFT, column="income"), result(DRIFT, column=""))
    assert alert_line(alert) == {
        "type": "alert",
        "monitor": "loan",
        "version": "1",
        "segment": "",
        "cause": "data_drift",
        "state": "firing",
        "at": "1970-01-01T01:00:00Z",
        "columns": ["income"],
    }


def test_options_read_the_words_of_the_configuration() -> None:
    """`for` is a word of Python and still the key; unknown keys are refused."""
    assert AlertOptions.model_validate({"for": "15m"}).hold == 900.0
    with pytest.raises(ValueError, match="fro"):
        AlertOptions.model_validate({"fro": "15m"})


VERDICTS = st.lists(st.tuples(st.sampled_from(Verdict), st.sampled_from(["1h", "24h"])), max_size=40)
WAITS = st.sampled_from(["0s", "1h", "3h"])


@given(VERDICTS, WAITS, WAITS, WAITS)
def test_states_follow_each_other_as_they_should(
    windows: list[tuple[Verdict, str]], hold: str, keep: str, cooldown: str
) -> None:
    """Whatever comes: only known steps, an end only by a good window and a beginning only by a bad one."""
    story = Story(**{"for": hold, "keep_firing_for": keep, "cooldown": cooldown})
    allowed = {
        AlertState.INACTIVE: {AlertState.PENDING, AlertState.FIRING},
        AlertState.PENDING: {AlertState.FIRING, AlertState.INACTIVE},
        AlertState.FIRING: {AlertState.RESOLVED},
        AlertState.RESOLVED: {AlertState.PENDING, AlertState.FIRING},
    }
    state = AlertState.INACTIVE
    for hour, (verdict, kind) in enumerate(windows):
        for alert in story.window(hour, result(verdict), kind=kind):
            assert alert.state in allowed[state]
            state = alert.state
            assert verdict not in (INSUFFICIENT, ERROR)
            assert (state is not AlertState.PENDING) or verdict is DRIFT
            assert (state in (AlertState.PENDING, AlertState.FIRING)) or verdict is not DRIFT
            assert alert.starts_at <= alert.at == hour * HOUR
