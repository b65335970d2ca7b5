"""The public JSON shapes are those that docs/formats.md shows."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.needs import ROOT
from tests.system.loans import environment, fill

pytestmark = pytest.mark.system
EXAMPLE = re.compile(r"^## `driftd (\w+) --format json`.*?```json\n(.*?)```", re.DOTALL | re.MULTILINE)
EXAMPLES = {
    command: [json.loads(line) for line in block.splitlines()]
    for command, block in EXAMPLE.findall((ROOT / "docs" / "formats.md").read_text(encoding="utf-8"))
}


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Training data, and a day on which everybody earns half as much again."""
    fill(tmp_path, rng)
    log = tmp_path / "logs" / "requests.ndjson"
    log.write_text(re.sub(r'"income":(\d+)', lambda m: f'"income":{int(m[1]) * 3 // 2}', log.read_text()))
    return tmp_path


def driftd(command: str, folder: Path) -> list[dict[str, Any]]:
    """The objects that a command prints."""
    done = subprocess.run(
        ["sh", "-ec", command], cwd=folder, env=environment(), capture_output=True, timeout=120, check=True
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def keys(value: Any) -> Any:
    """The names in an object and in the first object of each of its lists; counts by name are data, not shape."""
    if isinstance(value, dict):
        return {name: keys(part) for name, part in value.items() if name not in {"records", "verdicts"}}
    if isinstance(value, list):
        return [keys(part) for part in value[:1]]
    return None


def test_replay_prints_the_documented_lines(folder: Path) -> None:
    """Windows, changes of alerts and last the summary have the names of the page's example."""
    driftd_init = "driftd init logs/requests.ndjson --reference training.parquet --output driftd.yaml >&2"
    lines = driftd(f"{driftd_init}; driftd replay --config driftd.yaml --format json", folder)
    shown = {line["type"]: keys(line) for line in EXAMPLES["replay"]}
    assert set(shown) == {line["type"] for line in lines}
    assert "summary" == lines[-1]["type"]
    assert [] == [line for line in lines if keys(line) != shown[line["type"]]]


def test_compare_prints_the_documented_object(folder: Path) -> None:
    """One object with the names of the page's example."""
    (found,) = driftd("driftd compare training.parquet today.parquet --format json", folder)
    assert keys(EXAMPLES["compare"][0]) == keys(found)
