"""Fixtures for all tests."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import structlog

from tests import needs

hypothesis.settings.register_profile(
    "driftd",
    # the same examples in every run, and no limit of time: a busy machine is no defect
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("driftd")

pytest_plugins = ["tests.brokers.fixtures", "tests.commands"]


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """What a command under test makes of the log ends with its test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


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
