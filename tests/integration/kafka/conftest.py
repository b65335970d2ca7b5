"""Fixtures for tests of members."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.operations import Operations
from tests.integration.kafka.members import Member, Start


@pytest.fixture
def start(group: str, tmp_path: Path) -> Iterator[Start]:
    """Starts members of one group on some brokers, over one state folder unless told; they are stopped in the end."""
    found: list[Member] = []

    def begin(kafka: Operations, topic: str | None = None, *, folder: str = "a", **source: Any) -> Member:
        options = {"brokers": kafka.address, "topics": topic, "group": group, "session_timeout": "6s"}
        found.append(Member(tmp_path / folder, {**options, **source}))
        return found[-1]

    yield begin
    for member in found:
        member.stop()


@pytest.fixture
def start_member(kafka: Operations, start: Start) -> Start:
    """The same on the broker that most tests use."""
    return partial(start, kafka)
