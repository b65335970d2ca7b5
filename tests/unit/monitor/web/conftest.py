"""A daemon to ask."""

from collections.abc import Iterator

import pytest

from tests.unit.monitor.web.house import House


@pytest.fixture
def house() -> Iterator[House]:
    """A daemon without a loop."""
    made = House()
    with made.client:
        yield made
    made.state.close()
