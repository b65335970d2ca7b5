"""Fixtures for tests of members."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.operations import Operations
from tests.integration.kafka.members import Member


@pytest.fixture
def start_member(kafka: Operations, group: str, tmp_path: Path) -> Iterator[Callable[..., Member]]:
    """Starts members of one group, over one state folder unless told; they are stopped after the test."""
    found: list[Member] = []

    def begin(topic: str | None = None, *, folder: str = "a", **source: Any) -> Member:
        options = {
            "brokers": kafka.address,
            "topics": topic,
            "group": group,
            "session_timeout": "6s",
            **source,
        }
        found.append(Member(tmp_path / folder, options))
        return found[-1]

    yield begin
    for member in found:
        member.stop()
