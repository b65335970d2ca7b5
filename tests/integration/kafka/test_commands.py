"""`driftd probe` and `driftd init --from` on a topic."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.cli.application import run
from monitor.demo.loans import loans, log_lines
from tests.brokers.operations import Operations, Record

pytestmark = pytest.mark.kafka


@pytest.fixture
def requests(kafka: Operations, topic: str) -> str:
    """A topic of 12,000 requests in two partitions, with a tombstone and a value that is no record before them."""
    kafka.create_topic(topic, 2)
    lines = log_lines(loans("requests").head(12_000))
    first = [Record(None, b"gone", 0), Record(b"not json", b"bad", 1)]
    kafka.produce(topic, [*first, *(Record(line, b"k%d" % i, i % 2) for i, line in enumerate(lines))])
    return f"kafka://{kafka.address}/{topic}"


def test_probe_tells_what_a_topic_holds(requests: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Format, keys, the guessed mapping and rows under it, as one JSON object."""
    assert 0 == run(["probe", requests, "--messages", "500", "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert {"JSON object": found["read"]} == found["kinds"]
    assert 400 <= found["read"] <= 500
    assert found["read"] == found["keys"]
    assert {"id": "$.id", "timestamp": "$.timestamp", "features": "$.inputs"}.items() <= found[
        "mapping"
    ].items()
    assert 3 == len(found["sample"])
    assert {"car_value", "y_pred", "time"} <= set(found["sample"][0])


def test_init_writes_a_configuration_that_reads_the_topic(
    requests: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Source, mapping, a reference of the first rows; `check` passes it, `replay` counts every message once."""
    output = tmp_path / "driftd.yaml"
    assert 0 == run(["init", "--from", requests, "--output", str(output)])
    written = yaml.safe_load(output.read_text("utf-8"))["monitors"][0]
    address, _, topic = requests.removeprefix("kafka://").partition("/")
    assert {"type": "kafka", "brokers": [address], "topics": [topic]} == written["source"]
    assert 0 == run(["check", "--config", str(output)])
    assert f"{topic}: 2 partitions, 12,002 messages now" in " ".join(capsys.readouterr().out.split())
    assert 0 == run(["replay", "--config", str(output), "--format", "json"])
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"accepted": 12_000, "rejected": 1, "tombstone": 1} == summary["records"]


def test_check_asks_the_brokers_for_the_topics(
    requests: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    """Topics that are there are told with their size; a wrong name and a broker that is away are problems."""
    output = tmp_path / "driftd.yaml"
    assert 0 == run(["init", "--from", requests, "--output", str(output)])
    capsys.readouterr()
    address, _, topic = requests.removeprefix("kafka://").partition("/")

    def checked(written: str, *words: str) -> tuple[int, dict[str, Any]]:
        output.with_stem("other").write_text(written)
        code = run(["check", "--config", str(output.with_stem("other")), "--format", "json", *words])
        return code, json.loads(capsys.readouterr().out)

    text = output.read_text("utf-8")
    code, found = checked(text)
    there = {"topic": topic, "partitions": 2, "messages": 12_002}
    assert (0, [there]) == (code, found["monitors"][0]["source"]["topics"])
    tried = found["monitors"][0]["source"]["tried"]
    assert (True, {}) == (tried["rows"] > 0, tried["empty"])
    sinks = f"sinks: [{{type: kafka, brokers: '{address}', topic: {topic}, windows_topic: {topic}-gone}}]\n"
    code, found = checked(re.sub(r"(?m)^sinks:\n(  .*\n)+", sinks, text))
    assert (0, "kafka") == (code, found["sinks"][0]["type"])
    (told,) = (warning for warning in found["warnings"] if warning.startswith("sinks."))
    assert told.startswith(f"sinks.kafka: there is no topic '{topic}-gone' on this cluster")
    code, found = checked(text.replace("features: $.inputs", "features: $.nowhere"))
    assert (1, [".records"]) == (code, [p["where"][-8:] for p in found["problems"]])
    code, found = checked(text.replace(topic, f"{topic}-gone"))
    assert (1, []) == (code, found["monitors"][0]["source"]["topics"])
    assert [f"there is no topic '{topic}-gone' on this cluster"] == [p["message"] for p in found["problems"]]
    away = text.replace(address, f"127.0.0.1:{free_port}")
    code, found = checked(away)
    assert (1, None) == (code, found["monitors"][0]["source"]["topics"])
    assert str(free_port) in found["problems"][0]["message"] + found["problems"][0]["hint"]
    code, found = checked(away, "--offline")
    assert (0, []) == (code, found["problems"])


def test_init_takes_the_message_time_where_records_have_none(
    kafka: Operations, topic: str, tmp_path: Path
) -> None:
    """Windows of time are possible over the time that the broker keeps."""
    kafka.create_topic(topic)
    start = 1_767_225_600_000
    values = [b'{"x": %d, "y": %d}' % (i * 7919 % 1009, i % 3) for i in range(5000)]
    kafka.produce(topic, [Record(v, timestamp_ms=start + 60_000 * i) for i, v in enumerate(values)])
    output = tmp_path / "driftd.yaml"
    address = f"kafka://{kafka.address}/{topic}"
    assert 0 == run(["init", "--from", address, "--output", str(output), "--window", "6h"])
    written = yaml.safe_load(output.read_text("utf-8"))["monitors"][0]
    assert "@timestamp" == written["records"]["timestamp"]
    assert "6h" == written["windows"][0]["length"]


def test_a_topic_that_is_not_there_is_named(
    kafka: Operations, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the topic, and asking for it does not make it."""
    for _ in range(2):
        assert 1 == run(["probe", f"kafka://{kafka.address}/{topic}", "--wait", "1"])
        assert topic in capsys.readouterr().err
