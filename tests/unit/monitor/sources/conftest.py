"""Fixtures for the tests of sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.unit.monitor.sources.reading import Reading


@pytest.fixture(name="start")
def _start() -> Iterator[Callable[..., Reading]]:
    """Makes readings and closes their files at the end."""
    with ExitStack() as stack:

        def start(path: str, **options: Any) -> Reading:
            reading = Reading(path, **options)
            stack.callback(reading.close)
            return reading

        yield start
