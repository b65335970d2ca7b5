"""Fixtures that give a broker; `tests/brokers/README.md` says which one and how to ask."""

import os
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import Protocol, TypeVar

import pytest

from tests import needs as machine
from tests.brokers import apache, jars, wheels
from tests.brokers.broker import Broker
from tests.brokers.cluster import Cluster
from tests.brokers.needs import lacking
from tests.brokers.operations import Operations
from tests.brokers.secured import Secured

IMPLIED = {"cluster": "cluster", "secured_broker": "security"}
"""Fixtures that are a need of their own."""

KINDS = ("apache", "tansu", "noida")
"""Best first."""

OFFERED = ("apache", "tansu")
"""Those that tests get unasked, best first. noida answers late at times: it is for those who ask for it."""


def wanted() -> str | None:
    """The kind that the environment asks for; None = the best there is for each test."""
    if os.environ.get("DRIFTD_TEST_KAFKA"):
        return "external"
    kind = os.environ.get("DRIFTD_TEST_BROKER") or None
    if kind and kind not in KINDS:
        raise pytest.UsageError(f"DRIFTD_TEST_BROKER={kind}: use one of {', '.join(KINDS)}")
    return kind


@cache
def unable(kind: str) -> str | None:
    """Why a kind of broker cannot run on this machine; None where it can."""
    if kind == "external":
        return None
    return jars.lacking() if kind == "apache" else wheels.lacking(kind)


def _asked(item: pytest.Item) -> frozenset[str]:
    """What a test needs of its broker."""
    fixtures = getattr(item, "fixturenames", ())
    needs = {need for marker in item.iter_markers("kafka") for need in marker.kwargs.get("needs", ())}
    return frozenset(needs | {IMPLIED[name] for name in fixtures if name in IMPLIED})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where one kind of broker is asked for, the tests that it cannot serve are not run: another run has them."""
    kind = wanted()
    if kind is None:
        return
    unfit = [item for item in items if lacking(kind, _asked(item))]
    if unfit:
        config.hook.pytest_deselected(items=unfit)
        items[:] = [item for item in items if item not in set(unfit)]


def _choose(needs: frozenset[str]) -> str:
    """The first kind of broker that can run here and meets the needs; skips the test where there is none."""
    asked = wanted()
    reasons = []
    for kind in (asked,) if asked else OFFERED:
        wrong = lacking(kind, needs)
        if reason := unable(kind) or (f"{kind} is wrong on {', '.join(sorted(wrong))}" if wrong else None):
            reasons.append(reason)
        else:
            return kind
    return machine.missing(f"no broker: {'; '.join(reasons)}")


class Servers(Protocol):
    """Brokers that a test may hurt."""

    def start(self) -> None:
        """Let them run."""

    def heal(self) -> None:
        """Let all of them run again."""

    def remove(self) -> None:
        """End them, and take away what they left."""


S = TypeVar("S", bound=Servers)


def _kept(servers: S) -> Iterator[S]:
    """Running for a session."""
    try:
        servers.start()
        yield servers
    finally:
        servers.remove()


def _healed(servers: S) -> Iterator[S]:
    """Running at the beginning of a test, and after it."""
    servers.heal()
    yield servers
    servers.heal()


@pytest.fixture(scope="session")
def _brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Broker]]:
    """The brokers of this session, each started when the first test wants it."""
    running: dict[str, Broker] = {}

    def get(kind: str) -> Broker:
        if kind not in running:
            folder = tmp_path_factory.mktemp(kind)
            running[kind] = apache.start(folder) if kind == "apache" else wheels.start(kind, folder)
        return running[kind]

    yield get
    for broker in running.values():
        broker.remove()


@pytest.fixture
def kafka(request: pytest.FixtureRequest) -> Operations:
    """A broker to write to and read from; what the test needs of it stands in its marker `kafka`."""
    if wanted() == "external":
        if wrong := lacking("external", _asked(request.node)):
            machine.missing(f"{', '.join(sorted(wrong))} cannot be had of DRIFTD_TEST_KAFKA")
        return Operations(os.environ["DRIFTD_TEST_KAFKA"])
    broker: Broker = request.getfixturevalue("broker")
    return broker


@pytest.fixture
def broker(request: pytest.FixtureRequest, _brokers: Callable[[str], Broker]) -> Iterator[Broker]:
    """A broker that the test may stop, kill and pause, too; it runs again for the next test."""
    if wanted() == "external":
        pytest.skip("DRIFTD_TEST_KAFKA is somebody else's broker: nobody may stop it")
    yield from _healed(_brokers(_choose(_asked(request.node))))


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    yield from _kept(Cluster(tmp_path_factory.mktemp("cluster")))


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Three brokers of Apache Kafka; all of them run again for the next test."""
    _choose(frozenset({"cluster"}))
    yield from _healed(request.getfixturevalue("_cluster"))


@pytest.fixture(scope="session")
def _secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    yield from _kept(Secured(tmp_path_factory.mktemp("secured")))


@pytest.fixture
def secured_broker(request: pytest.FixtureRequest) -> Iterator[Secured]:
    """One broker of Apache Kafka with a listener for each way to be secure."""
    _choose(frozenset({"security"}))
    yield from _healed(request.getfixturevalue("_secured"))


@pytest.fixture
def topic() -> str:
    """A name for a topic that no other test has; nobody has made the topic yet."""
    return f"topic-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def group() -> str:
    """A name for a consumer group that no other test has."""
    return f"group-{uuid.uuid4().hex[:12]}"
