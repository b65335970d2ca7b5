"""`driftd check` and the examples."""

import socket
from functools import partial
from pathlib import Path

import pytest
import yaml

from monitor.sources.kafka import peek
from tests import needs
from tests.commands import Driftd

EXAMPLE = needs.ROOT / "config" / "examples" / "minimal.yaml"
BAD = needs.ROOT / "tests" / "golden" / "config" / "bad" / "keys.yaml"


def test_mistakes_as_json(driftd: Driftd) -> None:
    """A wrong configuration is exit code 2, with every mistake as an object on standard output."""
    answer = driftd("check", "--config", BAD, "--format", "json")
    assert 2 == answer.code
    assert not answer.json["ok"]
    first = answer.json["mistakes"][0]
    assert ("stat", 1, "did you mean state?") == (first["key"], first["line"], first["hint"])


def test_mistakes_as_text(driftd: Driftd) -> None:
    """For people they are lines on standard error."""
    answer = driftd("check", "--config", BAD)
    assert (2, "") == (answer.code, answer.out)
    assert 18 == len(answer.err.splitlines())


def test_a_reference_that_cannot_be_used_is_a_problem(driftd: Driftd, tmp_path: Path) -> None:
    """Exit code 1: the configuration is well-formed, but nothing could be compared."""
    config = tmp_path / "d.yaml"
    config.write_text(
        "monitors: [{name: a, source: {type: files, path: logs}, reference: {type: file, path: r.driftref}}]\n",
        encoding="utf-8",
    )
    answer = driftd("check", "--config", config, "--format", "json")
    assert 1 == answer.code
    assert ["monitors.a.reference"] == [problem["where"] for problem in answer.json["problems"]]


def test_kafka_sinks_and_their_certificates(driftd: Driftd, logs: Path) -> None:
    """The brokers of a sink are shown, a file for TLS that is not there is a problem, and no secret is printed."""
    config = logs / "kafka.yaml"
    text = EXAMPLE.read_text(encoding="utf-8")
    sasl = "{mechanism: plain, username: u, password: '${NOBODYS:-hunter2hunter2}'}"
    sink = f"{{type: kafka, brokers: 'k1,k2:1', topic: alerts, tls: {{ca: no.pem}}, sasl: {sasl}}}"
    config.write_text(f"sinks: [{sink}]\n{text}", encoding="utf-8")
    for form in ("text", "json"):
        answer = driftd("check", "--config", config, "--format", form)
        assert 1 == answer.code
        assert "kafka://k1:9092,k2:1" in answer.out
        assert f"cannot read {logs / 'no.pem'}: No such file or directory" in answer.out + answer.err
        assert "hunter2" not in answer.out + answer.err


def test_addresses_are_shown_without_their_paths(driftd: Driftd, logs: Path) -> None:
    """The path of a webhook's address may be a secret: only scheme and host are printed."""
    config = logs / "hook.yaml"
    text = EXAMPLE.read_text(encoding="utf-8")
    config.write_text(
        f"sinks: [{{type: webhook, url: 'https://chat.example/T0/hunter2'}}]\n{text}", encoding="utf-8"
    )
    for form in ("text", "json"):
        answer = driftd("check", "--offline", "--config", config, "--format", form)
        assert "https://chat.example" in answer.out
        assert "hunter2" not in answer.out + answer.err


def some_away(url: str, away: str, missing: Path) -> list[dict[str, object]]:
    """Sinks, the first of them in order; nobody is at `away`, and the file `missing` is not there."""
    return [
        {"type": "webhook", "name": "there", "url": url},
        {"type": "webhook", "name": "away", "url": f"{away}/hunter2"},
        {"type": "webhook", "name": "tokenless", "url": url, "token_file": str(missing)},
        {"type": "alertmanager", "urls": [f"{away}/hunter2", url, f"{away}/hunter2"]},
        {"type": "kafka", "brokers": away.removeprefix("http://"), "topic": "alerts"},
        {
            "type": "webhook",
            "name": "distrustful",
            "url": "https://127.0.0.1:1/",
            "ca_file": str(missing),
        },
    ]


def test_receivers_that_are_away_are_warnings(
    driftd: Driftd, logs: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver is connected to and sent nothing; one that is away loses nothing, and does not fail the check."""
    monkeypatch.setattr(peek, "survey", partial(peek.survey, seconds=0.5))
    config, missing = logs / "away.yaml", logs / "no-token"
    there = socket.create_server(("127.0.0.1", 0))
    with there:
        url = f"http://127.0.0.1:{there.getsockname()[1]}/"
        away = f"http://127.0.0.1:{free_port}"
        sinks = some_away(url, away, missing)
        written = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")) | {"sinks": sinks}
        written["monitors"][0]["retraining"] = {"webhook": {"url": away}, "schedule": "0 3 * * sun"}
        config.write_text(yaml.safe_dump(written), encoding="utf-8")
        answer = driftd("check", "--config", config, "--format", "json")
        there.settimeout(0)
        for _ in range(2):  # of the first webhook and of Alertmanager's first replica
            connection, _ = there.accept()
            with connection:
                assert connection.recv(1) == b""
    assert 0 == answer.code
    warnings = dict(told.split(": ", 1) for told in answer.json["warnings"])
    name = written["monitors"][0]["name"]
    sinks_away = {f"sinks.{sink}" for sink in ("away", "tokenless", "alertmanager", "kafka", "distrustful")}
    assert {f"monitors.{name}.retraining.webhook"} | sinks_away == warnings.keys()
    assert "refused" in warnings["sinks.away"]
    assert str(missing) in warnings["sinks.tokenless"]
    assert str(missing) in warnings["sinks.distrustful"]
    assert 2 == warnings["sinks.alertmanager"].count(f"{away}: ")
    assert f"nothing listens at 127.0.0.1:{free_port}" in warnings["sinks.kafka"]
    assert "hunter2" not in answer.out + answer.err
    found = answer.json["monitors"][0]["retraining"]
    assert {"to": away, "causes": ["data_drift", "concept_drift"], "schedule": "0 3 * * sun"} == found
    quiet = driftd("check", "--offline", "--config", config)
    assert (0, "") == (quiet.code, quiet.err)
    assert f"data_drift, concept_drift, 0 3 * * sun: {away} is called" in " ".join(quiet.out.split())


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"timestamp": "$.nowhere"}, "none of the first"),
        ({"features": "$.nowhere"}, "no feature has a value in the first"),
    ],
)
def test_a_mapping_that_does_not_fit_is_a_problem(
    driftd: Driftd, logs: Path, tmp_path: Path, mapping: dict[str, str], told: str
) -> None:
    """Before a row is counted it is told that the first records cannot be read as it says."""
    config = tmp_path / "driftd.yaml"
    assert 0 == driftd("init", logs / "logs", "--output", config).code
    written = yaml.safe_load(config.read_text(encoding="utf-8"))
    written["monitors"][0]["records"] |= mapping
    config.write_text(yaml.safe_dump(written), encoding="utf-8")
    answer = driftd("check", "--config", config, "--format", "json")
    assert 1 == answer.code
    (problem,) = answer.json["problems"]
    assert f"monitors.{written['monitors'][0]['name']}.records" == problem["where"]
    assert problem["message"].startswith(told)
