"""The page in a real browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from detectors.base import Cause, Result, Verdict
from monitor.metrics import ServiceStats, Telemetry, WindowReport
from monitor.state.state import State
from monitor.state.windows import StoredWindow
from monitor.web import HttpServer, Sight, build_app
from sinks.base import Alert, AlertState, Evidence, Severity, Span
from tests import needs

pytestmark = pytest.mark.integration

HOUR = 3_600_000_000
START = 1_767_225_600_000_000
HOSTILE = "<img src=x onerror=document.title='owned'>"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    sync_api = needs.module("playwright.sync_api")
    program = needs.tool("chromium", "chromium-browser", "google-chrome")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(program), args=FLAGS.split())
        yield started
        started.close()


@contextmanager
def served(state: State, telemetry: Telemetry, token_file: Path | None = None) -> Iterator[str]:
    """The URL of a driftd without a loop."""
    server = HttpServer(build_app(Sight(telemetry, state, lambda _id: False, token_file)), "127.0.0.1", 0)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def put_windows(state: State, telemetry: Telemetry, *verdicts: Verdict) -> None:
    """Windows one after another, in the state and on the blackboard."""
    for number, verdict in enumerate(verdicts):
        start, end = START + number * HOUR, START + (number + 1) * HOUR
        stats = ServiceStats(2.0, 0.01, {0.5: 0.02, 0.99: 0.11})
        telemetry.window_closed(WindowReport("loan", "1", "", "1h", start, end, 1155, verdict, (), stats))
        with state.transaction():
            state.windows.put(StoredWindow("loan", "1", "", "1h", start, end, 1155, verdict.value, [], START))
    telemetry.ready("loan", None)


def put_alert(state: State, column: str) -> None:
    """A firing alert on this column."""
    result = Result(column, "drift", Verdict.DRIFT, Cause.DATA_DRIFT, 0.4, 0.1, 1e-9, 0.38, 100, HOSTILE)
    alert = Alert(
        fingerprint="0123",
        monitor="loan",
        version="1",
        segment="",
        cause=Cause.DATA_DRIFT,
        state=AlertState.FIRING,
        severity=Severity.CRITICAL,
        at=START + 2 * HOUR,
        starts_at=START + HOUR,
        ends_at=None,
        window=Span("1h", START + HOUR, START + 2 * HOUR, 1155),
        columns=(Evidence.of(result),),
        summary=f"data drift in loan: {column}",
    )
    with state.transaction():
        track = {"alert": alert.to_json()}
        state.alerts.put("loan", alert.fingerprint, "firing", track, updated_at=START)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drift_is_seen_at_a_glance(browser: Any, scheme: str) -> None:
    """The headline names cause and monitor, the alert the column, the strip each window; no script error."""
    with State.memory() as state:
        telemetry = Telemetry(["loan"])
        put_windows(state, telemetry, Verdict.OK, Verdict.WARNING, Verdict.DRIFT)
        put_alert(state, "car_value")
        with served(state, telemetry) as url:
            page = browser.new_page(color_scheme=scheme)
            problems: list[str] = []
            page.on("console", lambda message: problems.append(message.text))
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(url)
            page.wait_for_selector("#headline.drift")
            assert page.inner_text("#headline") == "Data drift in loan"
            assert page.inner_text(".alert td.name") == "car_value"
            assert "0.38" in page.inner_text(".alert table")
            strip = [node.get_attribute("class") for node in page.query_selector_all(".strip i")]
            assert strip == ["ok", "warning", "drift"]
            assert "p99 110 ms" in page.inner_text("#monitors")
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (int(re.findall(r"\d+", ground)[0]) < 128) == (scheme == "dark")
            page.close()
    assert problems == []


def test_quiet_and_not_ready(browser: Any) -> None:
    """All quiet is said in words; so is a source out of reach."""
    with State.memory() as state:
        telemetry = Telemetry(["loan"])
        put_windows(state, telemetry, Verdict.OK)
        with served(state, telemetry) as url:
            page = browser.new_page()
            page.goto(url)
            page.wait_for_selector("#headline.ok")
            assert page.inner_text("#headline") == "All quiet"
            telemetry.ready("loan", "source: no such folder")
            page.reload()
            page.wait_for_selector("#headline.error")
            assert page.inner_text("#headline") == "Not ready: loan: source: no such folder"
            page.close()


def test_names_are_text(browser: Any) -> None:
    """Markup in a column's name or a finding's words is shown, not run."""
    with State.memory() as state:
        telemetry = Telemetry(["loan"])
        put_windows(state, telemetry, Verdict.DRIFT)
        put_alert(state, HOSTILE)
        with served(state, telemetry) as url:
            page = browser.new_page()
            page.goto(url)
            page.wait_for_selector(".alert td.name")
            assert page.inner_text(".alert td.name") == HOSTILE
            assert page.query_selector("main img") is None
            assert "owned" not in page.title()
            page.close()


def test_the_token_is_asked_for(browser: Any, tmp_path: Path) -> None:
    """With a token file the page asks for the token, and shows everything once it has it."""
    token = tmp_path / "token"
    token.write_text("open sesame")
    with State.memory() as state:
        telemetry = Telemetry(["loan"])
        put_windows(state, telemetry, Verdict.OK)
        with served(state, telemetry, token) as url:
            page = browser.new_page()
            page.goto(url)
            page.wait_for_selector("#login:visible")
            assert page.inner_text("#headline") == "A token is needed"
            page.fill("#token", "open sesame")
            page.press("#token", "Enter")
            page.wait_for_selector("#headline.ok")
            assert not page.is_visible("#login")
            page.close()
