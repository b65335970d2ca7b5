"""`driftd compare`: two files, no configuration."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.commands import Driftd


@pytest.fixture
def files(tmp_path: Path, rng: np.random.Generator) -> dict[str, Path]:
    """A reference, a quiet file, and one in which two columns have changed."""
    found = {}
    for name, rows, shift, shares in (
        ("reference", 8000, 0.0, (0.5, 0.5)),
        ("quiet", 2000, 0.0, (0.5, 0.5)),
        ("moved", 2000, 2.0, (0.7, 0.3)),
    ):
        frame = pl.DataFrame(
            {
                "id": range(rows),
                "height": rng.normal(shift, 1, rows),
                "colour": rng.choice(["red", "blue"], rows, p=shares),
                "weight": rng.normal(0, 1, rows),
                "prediction": rng.integers(0, 2, rows),
            }
        )
        found[name] = tmp_path / f"{name}.parquet"
        frame.write_parquet(found[name])
    return found


def test_what_changed_is_told_worst_first(driftd: Driftd, files: dict[str, Path]) -> None:
    """The JSON names both columns, the larger effect first, and nothing else is on standard output."""
    answer = driftd("compare", files["reference"], files["moved"], "--format", "json", "--fail-on", "drift")
    assert 3 == answer.code
    found = answer.json
    assert {"verdict", "rows", "columns"} == set(found)
    assert ("drift", {"reference": 8000, "current": 2000}) == (found["verdict"], found["rows"])
    assert ["height", "colour"] == [c["name"] for c in found["columns"] if c["verdict"] == "drift"]
    wanted = {"column", "test", "verdict", "statistic", "threshold", "p_value", "effect_size"}
    assert all(wanted <= set(result) for column in found["columns"] for result in column["results"])


def test_quiet_files_are_quiet(driftd: Driftd, files: dict[str, Path]) -> None:
    """Two samples of the same population: exit code 0, even with --fail-on warning."""
    answer = driftd("compare", files["reference"], files["quiet"], "--fail-on", "warning")
    assert 0 == answer.code
    assert "height" in answer.out.partition("nothing to tell of")[2]


def test_pictures_of_both_distributions(driftd: Driftd, files: dict[str, Path]) -> None:
    """Numbers are drawn as two rows of blocks, categories as bars with their shares."""
    out = driftd("compare", files["reference"], files["moved"]).out
    height = out.partition("height")[2].partition("colour")[0]
    pictures = [line for line in height.splitlines() if line.startswith(("  reference  ", "  now  "))]
    assert 2 == len(pictures)
    assert all(set(line.split()[-1]) & set("▁▂▃▄▅▆▇█") for line in pictures)
    assert "%" in out.partition("colour")[2]


def test_a_built_reference_says_the_same(driftd: Driftd, files: dict[str, Path], tmp_path: Path) -> None:
    """`reference build`, then compare with the file that it wrote: the verdicts of the columns are the same."""
    built = tmp_path / "r.driftref"
    assert 0 == driftd("reference", "build", files["reference"], "--output", built).code
    assert 1 == driftd("reference", "show", files["reference"]).code
    shown = driftd("reference", "show", built, "--format", "json").json
    assert (8000, ["height", "colour", "weight", "prediction"]) == (
        shown["rows"],
        [c["name"] for c in shown["columns"]],
    )
    verdicts = [
        {
            c["name"]: c["verdict"]
            for c in driftd("compare", reference, files["moved"], "--format", "json").json["columns"]
        }
        for reference in (files["reference"], built)
    ]
    assert verdicts[0] == verdicts[1]


def test_a_label_that_is_not_there_yet_is_no_finding(driftd: Driftd, files: dict[str, Path]) -> None:
    """A role that only the reference has is left out, and standard error says so."""
    reference = pl.read_parquet(files["reference"])
    reference.with_columns(label=reference["prediction"]).write_parquet(files["reference"])
    answer = driftd("compare", files["reference"], files["quiet"], "--fail-on", "drift")
    assert 0 == answer.code
    assert "label label is in the reference only, and left out" in answer.err
