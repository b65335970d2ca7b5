"""Whatever happens to brokers and daemons, every record that can be read is counted exactly once."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.brokers.broker import Broker
from tests.brokers.cluster import Cluster
from tests.system.kafka_faults.faults import ALONE, CLEAN, GROUP, JOINING
from tests.system.kafka_faults.ledger import by_hour, partition_of
from tests.system.kafka_faults.member import ACCEPTED, LATE, OVERLAP, Member
from tests.system.kafka_faults.scene import Scene
from tests.system.kafka_faults.script import Plan, play
from tests.system.kafka_faults.undisturbed import MISSING, alerts, end_of, results, undisturbed
from tests.system.process import driftd, write_log
from tests.thorough import NIGHTLY

FEW_SEEDS = range(8) if NIGHTLY else range(1)
GROUPS = [pytest.param((size, seed), id=f"{size}-members-{seed}") for size in (2, 3) for seed in FEW_SEEDS]
"""Members and seeds."""

ROWS = 66_700 if NIGHTLY else 30_000
"""Records of a run."""

FAULTS = 20 if NIGHTLY else 8
ONE_DAEMON = [Plan(seed, ROWS, FAULTS, ALONE) for seed in (range(30) if NIGHTLY else range(3))]
"""Runs of one daemon with one broker; at night one more, of two million records."""

if NIGHTLY:  # more disorder, as four hours of event time come in a second: any moment of a broker's doubt is long there
    ONE_DAEMON.insert(0, Plan(30, 2_000_000, 40, ALONE, disorder="20h", rate=15_000))

LONG = "72h"
"""Longer than all records and the one that ends them: whoever takes a partition over may have read all of another."""

Key = TypeVar("Key")
pytestmark = [pytest.mark.system, pytest.mark.slow]


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference of the records as they are at the beginning."""
    folder = tmp_path_factory.mktemp("reference")
    log, target = folder / "log", folder / "reference.driftref"
    write_log(folder / "reference.ndjson", 20_000, seed=1)
    mapping = Member(folder / "mapping", {"type": "files", "path": "none"}, target).config
    words = [str(folder / "reference.ndjson"), "--output", str(target), "--config", str(mapping)]
    assert driftd("reference", "build", *words, log=log).wait(timeout=120) == 0, log.read_text()
    return target


def check_gaps(scene: Scene) -> None:
    """Gaps are where records were deleted; those that nobody can have read are there to the offset."""
    gaps = [gap for member in scene.members for gap in member.gaps()]
    assert len(set(gaps)) == len(gaps)
    for gap in gaps:
        assert gap.reason == "retention"
        assert gap.end in scene.ledger.deleted[partition_of(gap)], gap
    assert set(scene.expected_gaps) <= set(gaps)


def check_alone(scene: Scene, folder: Path) -> None:
    """Counts, windows, gaps and alerts of one daemon are those of the rows that no gap names."""
    (member,) = scene.members
    check_gaps(scene)
    gaps = member.gaps()
    rows = list(scene.ledger.without(gaps))
    assert Counter({ACCEPTED: len(rows)}) == member.counts()
    assert by_hour(rows) == member.by_hour()
    quiet, end = undisturbed(folder / "quiet", rows, member), end_of(rows)
    assert results(quiet, end) == results(member, end)
    assert alerts(quiet, end) == alerts(member, end)
    assert alerts(quiet, end), "the change in the data is found"
    told = {state for which, state, _ in member.transitions() if which == MISSING}
    assert bool(gaps) == ("firing" in told), "an alert says that records are missing"


def _sum(counters: Iterable[Counter[Key]]) -> Counter[Key]:
    total: Counter[Key] = Counter()
    for counter in counters:
        total.update(counter)
    return total


@pytest.mark.kafka(needs={"transactions", "delete_records", "durability"})
@pytest.mark.parametrize("plan", ONE_DAEMON, ids=lambda plan: f"{plan.seed}-{plan.rows}")
def test_one_daemon_one_broker(
    plan: Plan, broker: Broker, topic: str, reference: Path, tmp_path: Path
) -> None:
    """Windows, gaps and alerts are those of the rows that the topic held and no gap names."""
    check_alone(play(plan, broker, topic, reference, tmp_path), tmp_path)


@pytest.mark.kafka(needs={"durability"})
@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_one_daemon_that_joins(
    seed: int, broker: Broker, topic: str, reference: Path, tmp_path: Path
) -> None:
    """The same where each record is put together from two topics."""
    plan = Plan(400 + seed, ROWS, FAULTS, JOINING, joined=True)
    check_alone(play(plan, broker, topic, reference, tmp_path), tmp_path)


@pytest.mark.kafka
@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_one_daemon_three_brokers(
    seed: int, cluster: Cluster, topic: str, reference: Path, tmp_path: Path
) -> None:
    """The same where leaders move."""
    check_alone(play(Plan(100 + seed, ROWS, FAULTS, ALONE), cluster, topic, reference, tmp_path), tmp_path)


@pytest.mark.kafka(needs={"cooperative", "eviction", "quick_joins"})
@pytest.mark.parametrize("size", GROUPS)
def test_clean_handover(
    size: tuple[int, int], broker: Broker, topic: str, reference: Path, tmp_path: Path
) -> None:
    """Daemons that come and go count each row exactly once over all of them."""
    members, seed = size
    plan = Plan(200 + seed, ROWS, FAULTS, CLEAN, members, disorder=LONG)
    scene = play(plan, broker, topic, reference, tmp_path)
    rows = list(scene.ledger.without([]))
    assert Counter({ACCEPTED: len(rows)}) == _sum(member.counts() for member in scene.members), scene.story()
    assert by_hour(rows) == _sum(member.by_hour() for member in scene.members), scene.told


@pytest.mark.kafka(needs={"cooperative", "eviction", "durability", "quick_joins"})
@pytest.mark.parametrize("size", GROUPS)
def test_killed_members(
    size: tuple[int, int], broker: Broker, topic: str, reference: Path, tmp_path: Path
) -> None:
    """What is counted twice is what is reported as such, and no more than daemons were ahead of Kafka.

    How far is measured where one was killed, and said by the daemon where it lost its partitions or gave them up while
    the broker was away.
    """
    members, seed = size
    plan = Plan(300 + seed, ROWS, FAULTS, GROUP, members, disorder=LONG)
    scene = play(plan, broker, topic, reference, tmp_path)
    rows = list(scene.ledger.without([]))
    counts = _sum(member.counts() for member in scene.members)
    ahead = scene.ahead + sum(member.unconfirmed() for member in scene.members)
    told = (scene.told, counts, ahead)
    assert len(rows) == counts[ACCEPTED] - counts[OVERLAP], (counts, scene.story())
    assert counts[OVERLAP] <= ahead, (ahead, counts, scene.story())
    assert 0 == counts[LATE], told
    twice = _sum(member.by_hour() for member in scene.members)
    twice.subtract(by_hour(rows))
    assert 0 <= min(twice.values()), told
    assert counts[OVERLAP] == sum(twice.values()), told
