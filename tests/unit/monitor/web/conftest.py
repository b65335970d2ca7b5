"""A daemon to ask."""

from collections.abc import Iterator

import pytest

from tests.unit.monitor.web.house import House


@pytest.fixture
def house() -> Iterator[House]:
    """A daemon without a loop."""
    with House() as made:
        yield made
