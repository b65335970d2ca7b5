"""Retraining: once for each episode of a cause, within a cooldown and a budget."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from detectors.base import Cause, Result, Verdict
from monitor.alerts import AlertOptions, Findings, Track, advance
from monitor.retraining import (
    RetrainingMemory,
    RetrainingOptions,
    RetrainingRequest,
    decide,
    decide_by_calendar,
)
from sinks.base import Span

HOUR = 3_600_000_000
DAY = 24 * HOUR
HOOK = {"url": "http://127.0.0.1:1/"}
BAD, GOOD = Verdict.DRIFT, Verdict.OK


class Story:
    """Feeds windows into alerts and the policy, as the loop does; memories go through JSON, as over a restart."""

    def __init__(self, **options: Any) -> None:
        """Begin without a past."""
        self.options = RetrainingOptions.model_validate({"webhook": HOOK, **options})
        self.tracks: dict[str, Track] = {}
        self.memory = RetrainingMemory()

    def window(
        self,
        at: int,
        *verdicts: tuple[Cause, Verdict],
        version: str = "1",
        segment: str = "",
        rows: int = 100,
    ) -> list[RetrainingRequest]:
        """One window's end; the calls that it makes."""
        results = [
            Result(f"{cause.value} column", "drift", verdict, cause, 2.0, 1.0, 0.1, 0.3, rows, "moved")
            for cause, verdict in verdicts
        ]
        found = Findings(
            "loan", version, segment, Span("1h", at - HOUR, at, rows), results, {"page": "http://x"}
        )
        self.tracks, _ = advance(self.tracks, found, AlertOptions(), at)
        self.memory, requests = decide(self.memory, self.tracks, self.options, at)
        self.memory = RetrainingMemory.from_json(self.memory.to_json())
        return requests

    def drift(self, at: int, verdict: Verdict = BAD, **whose: Any) -> list[RetrainingRequest]:
        """A window of data drift, or of none."""
        return self.window(at, (Cause.DATA_DRIFT, verdict), **whose)


def test_an_episode_is_asked_for_once() -> None:
    """However long an alert fires, there is one call; a new episode gets another."""
    story = Story(cooldown="0s")
    calls = [story.drift(day * DAY) for day in range(1, 4)]
    assert [1, 0, 0] == [len(call) for call in calls]
    assert story.drift(4 * DAY, GOOD) == []
    (again,) = story.drift(5 * DAY)
    assert again.id != calls[0][0].id


def test_the_id_follows_from_the_cause_alone() -> None:
    """After a crash the same windows give the same id, whatever the clock says; ids have no dot."""
    first, second = (Story().drift(DAY)[0] for _ in range(2))
    assert first == second
    assert "." not in first.id


def test_causes_of_one_window_go_into_one_call() -> None:
    """Data and concept drift at once are one call with both causes; other causes are not asked for."""
    (call,) = Story().window(DAY, (Cause.DATA_DRIFT, BAD), (Cause.CONCEPT_DRIFT, BAD), (Cause.SCHEMA, BAD))
    assert set(call.causes) == {"data_drift", "concept_drift"}
    assert {e.column for e in call.columns} == {"data_drift column", "concept_drift column"}
    assert Story().window(DAY, (Cause.SCHEMA, BAD), (Cause.SERVICE, BAD)) == []


def test_the_cooldown_defers_and_does_not_forget() -> None:
    """A cause that comes within the cooldown is asked for afterwards, if it still lasts."""
    story = Story(cooldown="24h")
    assert len(story.drift(DAY)) == 1
    assert story.window(DAY + HOUR, (Cause.CONCEPT_DRIFT, BAD)) == []
    (late,) = story.window(2 * DAY, (Cause.CONCEPT_DRIFT, BAD))
    assert late.causes == ("concept_drift",)
    passing = Story(cooldown="24h")
    passing.drift(DAY)
    passing.window(DAY + HOUR, (Cause.CONCEPT_DRIFT, BAD))
    passing.window(DAY + 2 * HOUR, (Cause.CONCEPT_DRIFT, GOOD))
    assert passing.window(2 * DAY, (Cause.CONCEPT_DRIFT, GOOD)) == []


def test_the_budget_is_kept_in_every_span() -> None:
    """With two calls in ten days allowed, the third episode waits until the first call is ten days ago."""
    story = Story(cooldown="0s", at_most={"runs": 2, "per": "10d"})
    calls = {}
    for day in range(1, 13):
        story.drift(day * DAY - HOUR, GOOD)
        calls[day] = len(story.drift(day * DAY))
    assert [1, 2, 11, 12] == [day for day, number in calls.items() if number]


def test_too_few_rows_wait_for_more() -> None:
    """An alert counts once a window with enough rows shows it."""
    story = Story(min_rows=500)
    assert story.drift(DAY, rows=499) == []
    (call,) = story.drift(DAY + HOUR, rows=500)
    assert call.window.rows == 500


def test_each_version_has_a_call_of_its_own() -> None:
    """Segments of one version share a call, versions do not, and the cooldown is the monitor's."""
    story = Story(cooldown="1h")
    assert len(story.drift(DAY, segment="eu")) == 1
    assert story.drift(DAY, version="2") == []
    (call,) = story.drift(DAY + HOUR, version="2")
    assert (call.version, call.segments) == ("2", ())


def test_the_body_carries_the_evidence() -> None:
    """The event is a Standard Webhooks body with the window, causes and findings."""
    (call,) = Story().drift(DAY, segment="eu")
    event = call.event()
    assert (event["type"], event["timestamp"]) == ("driftd.retraining.requested", "1970-01-02T00:00:00Z")
    data = event["data"]
    assert data["id"] == call.id
    assert data["segments"] == ["eu"]
    assert data["window"] == {
        "name": "1h",
        "start": "1970-01-01T23:00:00Z",
        "end": "1970-01-02T00:00:00Z",
        "rows": 100,
    }
    assert data["links"] == {"page": "http://x"}
    assert data["columns"] == [
        {
            "column": "data_drift column",
            "test": "drift",
            "verdict": "drift",
            "statistic": 2.0,
            "threshold": 1.0,
            "p_value": 0.1,
            "effect_size": 0.3,
            "detail": "moved",
        }
    ]


def test_the_calendar_begins_with_the_first_look() -> None:
    """Starting the daemon asks for nothing; each time of the schedule asks once."""
    story = Story(schedule="0 3 * * *", cooldown="0s", at_most={"runs": 99, "per": "30d"})
    calls = []
    for hour in range(72):
        story.memory, asked = decide_by_calendar(
            story.memory, "loan", story.options, hour * HOUR, version="7"
        )
        calls += [(hour, call) for call in asked]
    assert [3, 27, 51] == [hour for hour, _ in calls]
    assert {call.causes for _, call in calls} == {("schedule",)}
    assert len({call.id for _, call in calls}) == 3
    assert calls[0][1].event()["data"]["version"] == "7"


def test_missed_times_are_one_call_and_stay_within_the_budget() -> None:
    """After a long stop there is one call for all missed times; within the cooldown a time is left out."""
    story = Story(schedule="0 * * * *", cooldown="5h", at_most={"runs": 9, "per": "30d"})
    asked = []
    for hour in (0, 100, 101, 104, 105, 106):
        story.memory, calls = decide_by_calendar(story.memory, "loan", story.options, hour * HOUR)
        asked += [hour for _ in calls]
    assert asked == [100, 105]


def test_without_a_schedule_the_calendar_is_silent() -> None:
    """No expression, no calls."""
    options = Story().options
    assert decide_by_calendar(RetrainingMemory(), "loan", options, DAY) == (RetrainingMemory(), [])


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": "every day"},
        {"schedule": "0 0 31 2 *"},
        {"at_most": {"runs": 0}},
        {"causes": ["weather"]},
        {"webhook": {**HOOK, "template": "custom", "body": {"x": "${{ data.colour }}"}}},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    """Mistakes are found when the configuration is read."""
    with pytest.raises(ValidationError):
        RetrainingOptions.model_validate({"webhook": HOOK, **options})


def test_templates_see_the_retraining_event() -> None:
    """A body of one's own may use what retraining events have and alerts do not."""
    body = {"why": "${{ data.causes }}", "worst": "${{ data.columns.0.column }}"}
    options = RetrainingOptions.model_validate({"webhook": {**HOOK, "template": "custom", "body": body}})
    assert options.webhook.body == body


@given(
    st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=40), st.integers(0, 20), st.integers(1, 3)
)
def test_cooldown_and_budget_hold_whatever_comes(
    windows: list[tuple[int, bool]], cooldown_hours: int, runs: int
) -> None:
    """Calls are never closer than the cooldown, and never more than allowed in any span."""
    story = Story(cooldown=f"{cooldown_hours}h", at_most={"runs": runs, "per": "100h"})
    at, asked = 0, []
    for gap, bad in windows:
        at += gap
        asked += [at for _ in story.drift(at * HOUR, BAD if bad else GOOD)]
    assert all(b - a >= cooldown_hours for a, b in pairwise(asked))
    assert all(sum(a <= t < a + 100 for t in asked) <= runs for a in asked)
