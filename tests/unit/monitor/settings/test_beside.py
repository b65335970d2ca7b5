"""Paths to what messages bring fit the source, or the mistake says how to write them."""

from __future__ import annotations

import pytest

from monitor.decode.mapping import Records
from monitor.settings.beside import mistakes_beside

JOIN = frozenset({"request", "response", "join"})


@pytest.mark.parametrize(
    ("path", "sides", "hint"),
    [
        ("@key", {""}, None),
        ("$.id", set(), None),
        ("@response.headers.id", JOIN, None),
        ("@join.latency", JOIN, None),
        ("@headers.id", JOIN, "say which one: @request.headers.id or @response.headers.id"),
        ("@label.timestamp", JOIN, "give the join a topic for it, or take it from request or response"),
        ("@request.headers['a-b']", {""}, "leave the side out: @headers['a-b']"),
        ("@timestamp", set(), "write a path into the record, such as $.id"),
    ],
)
def test_paths_and_sources(path: str, sides: set[str], hint: str | None) -> None:
    """A path is well where the source has such messages; else there is one mistake, with a hint."""
    found = mistakes_beside(Records.model_validate({"segments": ["$.a", path]}), frozenset(sides))
    hints = [mistake["type"].context["hint"] for mistake in found]  # type: ignore[union-attr, index] # a custom error
    assert ([] if hint is None else [hint]) == hints
    assert all(("records", "segments", 1) == mistake["loc"] for mistake in found)
