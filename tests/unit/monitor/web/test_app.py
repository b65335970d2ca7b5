"""Every path, against a state in memory and the blackboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from detectors.base import Cause, Result, Verdict
from monitor.clock import ManualClock
from monitor.metrics import AlertReport, ServiceStats, Telemetry, WindowReport
from monitor.results import result_json
from monitor.state.alerts import StoredTransition
from monitor.state.outbox import Message
from monitor.state.state import State
from monitor.state.windows import StoredWindow
from monitor.web import Sight, build_app

HOUR = 3_600_000_000
START = 1_767_225_600_000_000
DRIFT = Result("price", "drift", Verdict.DRIFT, Cause.DATA_DRIFT, 0.4, 0.1, 1e-9, 0.38, 100)
FINE = Result("age", "drift", Verdict.OK, Cause.DATA_DRIFT, 0.01, 0.1, 0.5, 0.01, 100)


class House:
    """A daemon's insides as the handlers see them."""

    def __init__(self, token_file: Path | None = None) -> None:
        self.clock = ManualClock(START)
        self.telemetry = Telemetry(["loan"], clock=self.clock)
        self.state = State.memory()
        sight = Sight(self.telemetry, self.state, self.retry, token_file)
        self.client = TestClient(build_app(sight), raise_server_exceptions=False)

    def retry(self, message: str) -> bool:
        """What the daemon does when a retry is asked for."""
        with self.state.transaction() as state:
            return state.outbox.retry([message], at=self.clock.now()) == 1

    def window(self, number: int, verdict: Verdict = Verdict.OK, version: str = "1") -> None:
        """Store a window that began so many hours after the start."""
        start = START + number * HOUR
        found = [result_json(DRIFT), result_json(FINE)] if verdict is Verdict.DRIFT else [result_json(FINE)]
        with self.state.transaction() as state:
            state.windows.put(
                StoredWindow(
                    *("loan", version, "", "1h", start, start + HOUR, 100, verdict.value, found, START)
                )
            )

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """The JSON of an answer that has this status."""
        answer = self.client.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def house() -> Iterator[House]:
    """A daemon without a loop."""
    made = House()
    with made.client:
        yield made
    made.state.close()


def test_readiness(house: House) -> None:
    """503 with the reasons, then 200."""
    assert house.get("/readyz", 503) == {
        "ready": False,
        "reasons": {"loan": "the first poll has not been made yet"},
    }
    house.telemetry.ready("loan", None)
    assert house.get("/readyz") == {"ready": True, "reasons": {}}
    house.clock.advance(31)
    assert house.get("/readyz", 503)["reasons"] == {"loop": "no heartbeat for 31 s"}


def test_liveness_outlasts_readiness(house: House) -> None:
    """A silent loop is dead only when it has been silent for ten times the limit."""
    house.clock.advance(31)
    assert house.get("/healthz")["alive"] is True
    house.clock.advance(300)
    assert house.get("/healthz", 503)["alive"] is False


def test_metrics(house: House) -> None:
    """The exposition, in the text format that Prometheus asks for."""
    answer = house.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "driftd_build_info{" in answer.text


def test_monitors(house: House) -> None:
    """Name, readiness, watermark, counts, the last windows."""
    house.telemetry.ready("loan", None)
    house.telemetry.watermark("loan", START)
    house.telemetry.alerts("loan", [AlertReport("loan", "1", "", "data_drift", "warning", "firing")])
    stats = ServiceStats(2.0, 0.0, {0.5: 0.02})
    house.telemetry.window_closed(
        WindowReport("loan", "1", "", "1h", START, START + HOUR, 100, Verdict.OK, (FINE,), stats)
    )
    with house.state.transaction() as state:
        state.counts.add("loan", {"accepted": 100})
    (found,) = house.get("/api/v1/monitors")["monitors"]
    assert found == {
        "name": "loan",
        "ready": True,
        "reason": "",
        "watermark": "2026-01-01T00:00:00Z",
        "records": {"accepted": 100},
        "alerts": {"pending": 0, "firing": 1},
        "windows": [
            {
                "version": "1",
                "segment": "",
                "window": "1h",
                "start": "2026-01-01T00:00:00Z",
                "end": "2026-01-01T01:00:00Z",
                "rows": 100,
                "verdict": "ok",
                "request_rate": 2.0,
                "error_ratio": 0.0,
                "latency": {"0.5": 0.02},
            }
        ],
    }


def test_windows_page_by_page(house: House) -> None:
    """Following `next` gives each window once, the latest first, and ends."""
    for number in range(7):
        house.window(number)
    seen, path = [], "/api/v1/windows?limit=3"
    while True:
        page = house.get(path)
        seen += [window["start"] for window in page["windows"]]
        if page["next"] is None:
            break
        path = f"/api/v1/windows?limit=3&cursor={page['next']}"
    assert seen == [f"2026-01-01T{hour:02}:00:00Z" for hour in range(6, -1, -1)]


@pytest.mark.parametrize(
    ("query", "hours"),
    [
        ("verdict=drift", [3]),
        ("verdict=drift,ok&version=1", [3, 1, 0]),
        ("verdict=drift&verdict=warning", [3]),
        ("version=2", [2]),
        ("monitor=nobody", []),
        ("window=5m", []),
        ("segment=eu", []),
        ("after=2026-01-01T02:00:00Z", [3, 2]),
        ("before=2026-01-01T02:00:00", [1, 0]),
        ("after=2026-01-01T03:00:00%2B02:00&before=2026-01-01T02:00:00Z", [1]),
    ],
)
def test_windows_are_filtered(house: House, query: str, hours: list[int]) -> None:
    """Filters join by and; times bound a window's end."""
    house.window(0)
    house.window(1)
    house.window(2, version="2")
    house.window(3, Verdict.DRIFT)
    found = house.get(f"/api/v1/windows?{query}")["windows"]
    assert [int(window["start"][11:13]) for window in found] == hours


@pytest.mark.parametrize(
    ("results", "columns"), [("all", ["price", "age"]), ("bad", ["price"]), ("none", [])]
)
def test_results_as_wanted(house: House, results: str, columns: list[str]) -> None:
    """All of a window's results, those that are bad, or none."""
    house.window(0, Verdict.DRIFT)
    (window,) = house.get(f"/api/v1/windows?results={results}")["windows"]
    assert [result["column"] for result in window["results"]] == columns


def test_windows_of_rows_have_numbers(house: House) -> None:
    """Bounds that are row numbers stay numbers."""
    with house.state.transaction() as state:
        state.windows.put(
            StoredWindow("loan", "", "", "1000rows", 1000, 2000, 1000, "ok", [], closed_at=START)
        )
    (window,) = house.get("/api/v1/windows")["windows"]
    assert (window["start"], window["end"]) == (1000, 2000)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/v1/windows?limit=0", "from 1 to 1000"),
        ("/api/v1/windows?limit=1001", "from 1 to 1000"),
        ("/api/v1/windows?limit=-1", "whole number"),
        ("/api/v1/windows?cursor=x", "whole number"),
        ("/api/v1/windows?cursor=9999999999999999999", "whole number"),
        ("/api/v1/windows?verdict=bad", "'bad'"),
        ("/api/v1/windows?results=some", "all, bad, none"),
        ("/api/v1/windows?after=yesterday", "a time such as"),
        ("/api/v1/windows?monitr=loan", "unknown parameter 'monitr'"),
        ("/api/v1/monitors?x=1", "unknown parameter"),
        ("/api/v1/alerts?state=open", "inactive, pending, firing, resolved"),
        ("/api/v1/deliveries?state=lost", "pending, delivered, dead"),
    ],
)
def test_a_bad_query_is_refused(house: House, path: str, words: str) -> None:
    """400 with what would be right; a misspelt filter never looks like an answer."""
    error = house.get(path, 400)["error"]
    assert error["code"] == "bad_request"
    assert words in error["message"]


def test_alerts_and_their_history(house: House) -> None:
    """Alerts as they stand by state, and changes the latest first."""
    with house.state.transaction() as state:
        for name, at, stand in (("a", 1, "firing"), ("b", 2, "firing"), ("a", 3, "resolved")):
            value = {"monitor": "loan", "cause": "data_drift", "state": stand}
            track = {"alert": {"fingerprint": name, **value}, "bad": []}
            state.alerts.put("loan", name, stand, track, updated_at=at)
            state.alerts.record(StoredTransition(name, "loan", stand, value, START + at), recorded_at=at)
    assert [alert["fingerprint"] for alert in house.get("/api/v1/alerts?state=firing")["alerts"]] == ["b"]
    assert len(house.get("/api/v1/alerts")["alerts"]) == 2
    assert house.get("/api/v1/alerts?monitor=other")["alerts"] == []
    changes = house.get("/api/v1/alerts/history?limit=2")["changes"]
    assert [(c["fingerprint"], c["state"]) for c in changes] == [("a", "resolved"), ("b", "firing")]


def test_deliveries_are_listed_and_retried(house: House) -> None:
    """A dead message is listed without its body, and goes back to the pending ones on request."""
    with house.state.transaction() as state:
        state.outbox.enqueue(Message("msg_1", "ops", "alert", {"secret": "x"}, START))
        state.outbox.mark_dead("msg_1", at=START, error="410 gone")
    (dead,) = house.get("/api/v1/deliveries?state=dead")["deliveries"]
    assert (dead["id"], dead["error"], dead["attempts"], dead["next_at"]) == ("msg_1", "410 gone", 1, None)
    assert "secret" not in str(dead)
    answer = house.client.post("/api/v1/deliveries/msg_1/retry")
    assert (answer.status_code, answer.json()) == (202, {"id": "msg_1", "state": "pending"})
    assert house.get("/api/v1/deliveries?state=dead")["deliveries"] == []
    assert house.client.post("/api/v1/deliveries/nobody/retry").status_code == 404


def test_other_sites_may_not_retry(house: House) -> None:
    """A form on another web page, sent by a browser on this machine, is refused."""
    path = "/api/v1/deliveries/msg_1/retry"
    refused = house.client.post(path, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert house.client.post(path, headers={"sec-fetch-site": "same-origin"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/api/v1/windows", 405, "method_not_allowed"),
        ("GET", "/api/v1/deliveries/x/retry", 405, "method_not_allowed"),
    ],
)
def test_errors_are_json(house: House, method: str, path: str, status: int, code: str) -> None:
    """Errors have one shape."""
    answer = house.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


def test_a_state_that_fails_is_503(house: House) -> None:
    """The state file gone bad is said as such, and other paths still answer."""
    house.state.close()
    answer = house.client.get("/api/v1/windows")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert house.client.get("/metrics").status_code == 200


def test_the_token_guards_data_and_nothing_else(tmp_path: Path) -> None:
    """`/api` and `/metrics` need the token; probes and the empty page do not; a new token counts at once."""
    path = tmp_path / "token"
    path.write_text("first\n")
    client = House(path).client
    for guarded in ("/metrics", "/api/v1/monitors", "/api/v1/nowhere"):
        refused = client.get(guarded)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert client.get(guarded, headers={"authorization": "Bearer second"}).status_code == 401
        assert client.get(guarded, headers={"authorization": "Basic first"}).status_code == 401
        assert client.get(guarded, headers={"authorization": "Bearer first"}).status_code in {200, 404}
    assert [client.get(free).status_code for free in ("/", "/healthz", "/readyz")] == [200, 200, 503]
    path.write_text("second")
    assert client.get("/metrics", headers={"authorization": "bearer second"}).status_code == 200
    path.write_text("")
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 401
    path.unlink()
    assert client.get("/metrics", headers={"authorization": "Bearer second"}).status_code == 401


def test_the_page_runs_only_its_own_code(house: House) -> None:
    """The policy allows the style and the script in the file and no other host."""
    answer = house.client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2
    assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
