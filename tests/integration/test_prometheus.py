"""Prometheus reads what driftd says: its own tools on the metrics, the rules and the dashboard, and a real scrape."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import urllib3
import yaml
from starlette.types import ASGIApp, Receive, Scope, Send

from detectors.base import Cause, Result, Verdict
from monitor.metrics import AlertReport, ServiceStats, Telemetry, WindowReport
from monitor.metrics.exposition import build_registry, render
from monitor.state.state import State
from monitor.web import HttpServer, Sight, build_app
from tests import needs

pytestmark = pytest.mark.integration

CONFIG = needs.ROOT / "config"
RULES = CONFIG / "prometheus" / "driftd.rules.yml"
DASHBOARD = CONFIG / "grafana" / "driftd.json"
PATIENT = urllib3.Retry(total=12, backoff_factor=0.05, status_forcelist=[503], raise_on_status=False)


def busy() -> Telemetry:
    """A blackboard with something in every family; names that need escaping among them."""
    telemetry = Telemetry(["loan"])
    telemetry.records("loan", "accepted", 5)
    telemetry.dead_letters("malformed_json")
    telemetry.delivery("ops", "delivered")
    telemetry.watermark("loan", 1_767_225_600_000_000)
    telemetry.close_delay("loan", 0.1)
    telemetry.outbox_pending({"ops": 1})
    telemetry.alerts("loan", [AlertReport("loan", "1", "", "data_drift", "warning", "firing")])
    results = tuple(
        Result(name, test, Verdict.DRIFT, Cause.DATA_DRIFT, 0.3, 0.2, None, 0.38, 100)
        for name in ('odd "name"\\\n', "Gehalt in €", "")
        for test in ("drift", "psi")
    )
    stats = ServiceStats(2.0, 0.01, {0.5: 0.02, 0.9: 0.05, 0.99: 0.1})
    telemetry.window_closed(WindowReport("loan", "1", "eu", "1h", 0, 1, 100, Verdict.DRIFT, results, stats))
    telemetry.ready("loan", None)
    return telemetry


def promtool(*arguments: str, text: bytes = b"", folder: Path | None = None) -> None:
    """Run promtool; its words when it is not content."""
    command = [str(needs.tool("promtool")), *arguments]
    done = subprocess.run(command, input=text, capture_output=True, cwd=folder, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def test_the_metrics_are_clean() -> None:
    """`promtool check metrics` has nothing to say."""
    body, _ = render(build_registry(busy()))
    promtool("check", "metrics", text=body)


def test_the_rules_are_right() -> None:
    """They parse, and their own tests hold."""
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", "driftd.rules.test.yml", folder=RULES.parent)


def test_the_scrape_configuration_is_right() -> None:
    """The example for prometheus.yml is read, rules included."""
    promtool("check", "config", "prometheus.yml", folder=RULES.parent)


def expressions() -> Iterator[str]:
    """Every query of the dashboard, with its variables filled in."""
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m").replace("$", "x")


def names(text: str) -> set[str]:
    """The metrics of driftd that a text speaks of."""
    return set(re.findall(r"(?<![:\w])driftd_\w+", text))


def test_the_dashboard_asks_for_what_there_is(tmp_path: Path) -> None:
    """Its queries parse, and speak of metrics that driftd has."""
    rules = [{"record": f"panel:{i}", "expr": expr} for i, expr in enumerate(expressions())]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(path))
    assert len(rules) > 15
    known = names(render(build_registry(busy()))[0].decode())
    assert names(" ".join(expressions())) <= known
    assert names(" ".join(re.findall(r"expr: .*(?:\n {10}.*)*", RULES.read_text("utf-8")))) <= known


class Counted:
    """Middleware that tells when `/metrics` has been asked for twice: the first answer is stored then."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.scrapes, self.twice = app, 0, Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, then answer."""
        if scope["path"] == "/metrics":
            self.scrapes += 1
            if self.scrapes > 1:
                self.twice.set()
        await self.app(scope, receive, send)


@pytest.fixture
def scraped() -> Iterator[tuple[Counted, HttpServer]]:
    """A driftd without a loop behind a real server."""
    state = State.memory()
    app = Counted(build_app(Sight(busy(), state, lambda _id: False)))
    server = HttpServer(app, "127.0.0.1", 0)
    server.start()
    yield app, server
    server.stop()
    state.close()


def test_a_real_prometheus_scrapes_and_evaluates(
    scraped: tuple[Counted, HttpServer], tmp_path: Path, free_port: int
) -> None:
    """The samples arrive with their labels, and the alert rule fires on them."""
    app, server = scraped
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": "driftd", "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}]}
        ],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        str(needs.tool("prometheus")),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{free_port}",
    ]
    url = f"http://127.0.0.1:{free_port}"
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            assert urllib3.request("GET", f"{url}/-/ready", retries=PATIENT).status == 200
            assert app.twice.wait(20)
            fields = {"query": 'driftd_drift_score{column="Gehalt in €", test="psi"}'}
            answer = urllib3.request("GET", f"{url}/api/v1/query", fields=fields).json()
            (series,) = answer["data"]["result"]
            assert series["value"][1] == "0.3"
            assert series["metric"]["segment"] == "eu"
            targets = urllib3.request("GET", f"{url}/api/v1/targets").json()["data"]["activeTargets"]
            assert [target["health"] for target in targets] == ["up"]
        finally:
            process.terminate()
