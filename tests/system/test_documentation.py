"""The documentation against what it talks about."""

import re
from pathlib import Path

import pytest

from tests.needs import ROOT

LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
PAGES = sorted(
    path
    for folder in (
        "",
        "benchmarks",
        "config",
        "detectors",
        "docs",
        "docs/decisions",
        "monitor",
        "sinks",
        "tests",
    )
    for path in (ROOT / folder).glob("*.md")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file or folder that is there."""
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_each_decision_is_listed() -> None:
    """The list of decisions names every record, in order."""
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert records == LINK.findall((folder / "README.md").read_text(encoding="utf-8"))


def test_each_page_is_in_the_index() -> None:
    """The index of docs/ names every page beside it."""
    index = ROOT / "docs" / "README.md"
    pages = {path.name for path in index.parent.glob("*.md")} - {"README.md"}
    assert pages <= set(LINK.findall(index.read_text(encoding="utf-8")))


@pytest.mark.parametrize("folder", ["benchmarks", "config", "detectors", "monitor", "sinks", "tests"])
def test_each_top_folder_says_what_lives_there(folder: str) -> None:
    """A README in each."""
    assert (ROOT / folder / "README.md").is_file()
