"""The public JSON shapes are those that docs/formats.md shows."""

import json
import re
import subprocess
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.needs import ROOT
from tests.system.loans import environment, fill

pytestmark = pytest.mark.system
EXAMPLE = re.compile(r"^## `driftd ([a-z ]+?) --format json`.*?```json\n(.*?)```", re.DOTALL | re.MULTILINE)
EXAMPLES = {
    command: [json.loads(line) for line in block.splitlines()]
    for command, block in EXAMPLE.findall((ROOT / "docs" / "formats.md").read_text(encoding="utf-8"))
}

BY_NAME = {"records", "verdicts", "deliveries", "rejected", "left_out", "empty"}
INIT = "driftd init logs/requests.ndjson --reference training.parquet --output driftd.yaml >&2"
LIST = "driftd deliveries list --format json"


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Training data, and a day on which everybody earns half as much again."""
    fill(tmp_path, rng)
    log = tmp_path / "logs" / "requests.ndjson"
    log.write_text(re.sub(r'"income":(\d+)', lambda m: f'"income":{int(m[1]) * 3 // 2}', log.read_text()))
    return tmp_path


def driftd(command: str, folder: Path) -> list[Any]:
    """What commands print, an object or array a line."""
    done = subprocess.run(
        ["sh", "-ec", command], cwd=folder, env=environment(), capture_output=True, timeout=120, check=True
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def fits(shown: Any, found: Any, empty: AbstractSet[str] = frozenset()) -> bool:
    """Every object has the names of the example's; what stands by name is data.

    Lists are empty where the example's are, and those of the names in `empty` may be.
    """
    if isinstance(shown, dict) and isinstance(found, dict):
        shape = shown.keys() - BY_NAME
        lacking = {name for name in shape & empty if found.get(name) == []}
        same = all(fits(shown[name], found[name], empty) for name in shape & found.keys() - lacking)
        same &= all(isinstance(found.get(name), dict) for name in shown.keys() & BY_NAME)
        return same and shape == found.keys() - BY_NAME
    if isinstance(shown, list) and isinstance(found, list):
        return bool(shown) == bool(found) and all(fits(shown[0], one, empty) for one in found)
    return not isinstance(shown, dict | list) and not isinstance(found, dict | list)


def test_replay_prints_the_documented_lines(folder: Path) -> None:
    """Windows, changes of alerts and last the summary have the names of the page's example."""
    lines = driftd(f"{INIT}; driftd replay --config driftd.yaml --format json", folder)
    shown = {line["type"]: line for line in EXAMPLES["replay"]}
    assert set(shown) == {line["type"] for line in lines}
    assert "summary" == lines[-1]["type"]
    assert [] == [line for line in lines if not fits(shown[line["type"]], line)]


def test_compare_prints_the_documented_object(folder: Path) -> None:
    """One object with the names of the page's example."""
    (found,) = driftd("driftd compare training.parquet today.parquet --format json", folder)
    assert fits(EXAMPLES["compare"][0], found)


def test_check_prints_the_documented_objects(folder: Path) -> None:
    """A right configuration, one whose reference is not there, and a wrong one."""
    usable, wrong = EXAMPLES["check"]
    nobody = 'sed -i "s#^    windows:#    retraining: {webhook: {url: http://127.0.0.1:9/}}\\n&#" driftd.yaml'
    (found,) = driftd(f"{INIT}; {nobody}; driftd check --format json", folder)
    assert found["ok"]
    assert fits(usable, found, {"problems", "segments"})
    missing = "sed -i 's/path: driftd.driftref/path: gone.driftref/' driftd.yaml"
    (found,) = driftd(f"{missing}; driftd check --format json || test $? -eq 1", folder)
    assert found["problems"]
    assert fits(usable["problems"], found["problems"])
    assert {"name", "source", "retraining", "reference"} == found["monitors"][0].keys()
    (found,) = driftd(
        "sed -i 's/^sinks:/sink:/' driftd.yaml; driftd check --format json || test $? -eq 2", folder
    )
    assert found["mistakes"]
    assert fits(wrong, found)


def test_reference_show_prints_the_documented_object(folder: Path) -> None:
    """One object with the names of the page's example."""
    build = "driftd reference build training.parquet --output training.driftref >&2"
    (found,) = driftd(f"{build}; driftd reference show training.driftref --format json", folder)
    assert found["columns"]
    assert fits(EXAMPLES["reference show"][0], found, {"segments"})


def test_status_and_deliveries_print_the_documented_objects(folder: Path, free_port: int) -> None:
    """What the state holds after a run with drift and a receiver that does not answer."""
    pager = "  - {type: webhook, name: pager, url: 'http://127.0.0.1:9/'}"
    configured = f'{INIT}; sed -i "s#^sinks:#sinks:\\n{pager}#; s#port: 9465#port: {free_port}#" driftd.yaml'
    lines = driftd(f"{configured}; driftd run --once >&2; driftd status --format json; {LIST}", folder)
    status, deliveries = lines
    (monitor,) = status["monitors"]
    assert any(window["results"] for window in monitor["windows"])
    assert monitor["alerts"]
    assert fits(EXAMPLES["status"][0], status, {"gaps", "results"})
    assert {"delivered": 1} == status["deliveries"]["log"]
    assert fits(EXAMPLES["deliveries list"][0], deliveries)
    assert {"log", "pager"} == {one["destination"] for one in deliveries}
