"""What is generated from the models."""

import json
from pathlib import Path

from monitor.settings.generate import generated, main
from monitor.settings.load import load, overridable
from tests.needs import ROOT


def test_the_files_in_the_tree_are_fresh() -> None:
    """`config/` holds what the models say today."""
    assert 0 == main(["--check", "--folder", str(ROOT / "config")])


def test_a_stale_file_is_told(tmp_path: Path) -> None:
    """`--check` writes nothing and ends with 1 while a file is missing or old."""
    assert 1 == main(["--check", "--folder", str(tmp_path)])
    assert [] == list(tmp_path.iterdir())
    assert 0 == main(["--folder", str(tmp_path)])
    assert 0 == main(["--check", "--folder", str(tmp_path)])


def test_the_default_file_is_a_good_configuration(tmp_path: Path) -> None:
    """It loads, also with every option that may be left out put in."""
    text = generated()["driftd.yaml"]
    path = tmp_path / "driftd.yaml"
    path.write_text(text, encoding="utf-8")
    assert "car-loan" == load(path, {}).settings.monitors[0].name
    lines = [
        line.replace("# http:", "http:").replace("#   port: 9465", "  port: 1") for line in text.splitlines()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert 1 == load(path, {}).settings.http.port


def test_every_field_is_documented() -> None:
    """Each option of each model has a text for the reference page."""
    schema = json.loads(generated()["driftd.schema.json"])
    models = {"Settings": schema, **schema["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, model in models.items()
        for key, node in model.get("properties", {}).items()
        if key != "type" and not node.get("description")
    ]
    assert [] == silent


def test_the_schema_lets_references_stand_for_numbers() -> None:
    """`port: ${PORT}` is no mistake in an editor."""
    port = json.loads(generated()["driftd.schema.json"])["$defs"]["HttpSettings"]["properties"]["port"]
    assert ["integer", "string"] == port["type"]
    assert r"^\$\{.+\}$" == port["pattern"]


def test_the_page_names_every_variable() -> None:
    """Environment variables that replace values are on the reference page."""
    page = generated()["README.md"]
    assert [] == [name for name in overridable() if f"`{name}`" not in page]
