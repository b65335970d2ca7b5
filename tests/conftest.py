"""Fixtures for all tests."""

import socket
from pathlib import Path

import numpy as np
import pytest

from tests import needs


@pytest.fixture
def shared() -> Path:
    """The folder of data sets and cases beside the checkout; skips the test where there is none."""
    return needs.shared()


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in each run."""
    return np.random.default_rng(20_240_901)
