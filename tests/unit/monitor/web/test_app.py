"""Every path, against a state in memory and the blackboard."""

import pytest

from detectors.base import Verdict
from monitor.metrics import AlertReport, ServiceStats, WindowReport
from monitor.records import Gap
from monitor.sources.base import SourceReport
from monitor.state.alerts import StoredTransition
from monitor.state.outbox import Message
from monitor.state.windows import StoredWindow
from tests.unit.monitor.web.house import FINE, HOUR, START, House


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
    assert found.pop("source")["gaps"] == []
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


def test_the_source_of_a_monitor(house: House) -> None:
    """What is still to be read, and what never can be."""
    with house.state.transaction() as state:
        state.gaps.put("loan", [Gap("loans/3", 10, 30, "retention")], START)
    house.telemetry.source("loan", SourceReport(lag_records={"loans": 7}, assigned={"loans": 4}))
    (found,) = house.get("/api/v1/monitors")["monitors"]
    assert found["source"] == {
        "trouble": "",
        "lag_records": {"loans": 7},
        "lag_seconds": {},
        "assigned_partitions": {"loans": 4},
        "gaps": [
            {
                "partition": "loans/3",
                "start": 10,
                "end": 30,
                "records": 20,
                "reason": "retention",
                "bytes": 0,
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
