"""When the demo counts as gone well, and how it looks."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from monitor.demo.receiver import Call
from monitor.demo.scene import Closed, Scene, judge
from monitor.demo.view import View
from sinks.timestamps import rfc3339

WEEK = 7 * 86400 * 1_000_000
START = 1_546_473_600_000_000
BROKE = START + 3 * WEEK + WEEK // 2


def firing(week: int, column: str = "car_value", cause: str = "data_drift") -> dict[str, Any]:
    """A firing alert on the window of this week."""
    window = {"start": rfc3339(START + week * WEEK), "end": rfc3339(START + (week + 1) * WEEK)}
    finding = {"column": column, "test": "drift", "effect_size": 0.4, "detail": "a shift of the distribution"}
    return {
        "fingerprint": cause,
        "monitor": "car-loan",
        "state": "firing",
        "cause": cause,
        "window": window,
        "columns": [finding],
    }


def closed(*verdicts: str) -> tuple[Closed, ...]:
    """A window a week."""
    return tuple(
        Closed(START + i * WEEK, START + (i + 1) * WEEK, 1000, verdict) for i, verdict in enumerate(verdicts)
    )


GOOD = Scene(
    broke_at=BROKE,
    total=5000,
    counted=5000,
    watermark=START + 5 * WEEK,
    windows=closed("ok", "warning", "ok", "drift", "drift"),
    alerts=(firing(3),),
    calls=(Call("msg_1", {}),),
    finished=True,
)


def test_all_well() -> None:
    """Quiet, found in the first window that could show it, called, counted."""
    assert GOOD.complete
    assert GOOD.windows_until_found == 1
    outcome = judge(GOOD)
    assert [promise.held for promise in outcome.promises] == [True] * 4
    assert outcome.exit_code == 0
    assert "first window" in outcome.promises[1].detail


@pytest.mark.parametrize(
    ("scene", "broken"),
    [
        (replace(GOOD, windows=closed("ok", "drift", "ok", "drift")), "Quiet before the break"),
        (replace(GOOD, windows=closed("ok", "error", "ok", "drift")), "Quiet before the break"),
        (replace(GOOD, alerts=(firing(1), firing(3))), "Quiet before the break"),
        (replace(GOOD, alerts=(firing(2, cause="schema"), firing(3))), "Quiet before the break"),
        (replace(GOOD, windows=()), "Quiet before the break"),
        (replace(GOOD, alerts=()), "Break found"),
        (replace(GOOD, alerts=(firing(3, column="loan_length"),)), "Break found"),
        (replace(GOOD, alerts=(firing(3, cause="service"),)), "Break found"),
        (replace(GOOD, calls=()), "Retraining called"),
        (replace(GOOD, refused=("the signature does not fit",)), "Retraining called"),
        (replace(GOOD, counted=4999), "Every row counted once"),
        (replace(GOOD, counted=5001), "Every row counted once"),
        (replace(GOOD, lost=1), "Every row counted once"),
    ],
)
def test_each_promise_can_be_broken(scene: Scene, broken: str) -> None:
    """One broken promise is enough for exit code 1, and it is named."""
    outcome = judge(scene)
    assert [promise.text for promise in outcome.promises if not promise.held] == [broken]
    assert outcome.exit_code == 1


def test_it_waits_for_everything() -> None:
    """Not complete while rows come, before the alert, and before the call."""
    assert not replace(GOOD, finished=False).complete
    assert not replace(GOOD, counted=4000).complete
    assert not replace(GOOD, alerts=()).complete
    assert not replace(GOOD, calls=()).complete


def view(width: int = 110) -> tuple[View, io.StringIO]:
    """A view on a page of text."""
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False)
    return View(console, "http://127.0.0.1:1", "http://127.0.0.1:2/retrain", "/tmp/[demo]"), text


def test_the_summary_says_what_happened() -> None:
    """When, which column, how far at first and now, what was called."""
    drawn, text = view()
    grown = {**firing(4), "columns": [{**firing(4)["columns"][0], "effect_size": 0.9}]}
    scene = replace(GOOD, standing=(firing(4, cause="service"), grown))
    drawn.console.print(drawn.summary(scene, judge(scene)))
    for word in (
        "It works",
        "2019-01-27",
        "car_value",
        "0.40",
        "0.90",
        "data drift",
        "msg_1",
        "5,000 of 5,000",
    ):
        assert word in text.getvalue()


def test_a_summary_of_nothing() -> None:
    """A demo in which nothing was seen is told as such, without an error."""
    drawn, text = view()
    empty = Scene(broke_at=BROKE, total=5000)
    drawn.console.print(drawn.summary(empty, judge(empty)))
    assert "did not go as it should" in text.getvalue()


def test_the_live_picture() -> None:
    """Rows, the verdicts so far, the alert, the call; markup in ids is text."""
    drawn, text = view()
    odd = replace(GOOD, calls=(Call("[red]msg", {}),), refused=("[bold]no",))
    drawn.console.print(drawn.introduction())
    drawn.console.print(drawn.live(odd))
    for word in (
        "/tmp/[demo]",
        "5,000 of 5,000",
        "2 ok, 1 warning, 2 drift",
        "firing",
        "[red]msg",
        "[bold]no",
    ):
        assert word in text.getvalue()


def test_news_come_once() -> None:
    """Between two looks only what is new is told."""
    drawn, _ = view()
    before = replace(GOOD, windows=GOOD.windows[:4], alerts=(), calls=())
    assert len(list(drawn.lines(before, GOOD))) == 3
    assert list(drawn.lines(GOOD, GOOD)) == []
