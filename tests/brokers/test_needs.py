"""The table of what each broker does wrong is still so."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests import needs as machine
from tests.brokers.broker import Broker
from tests.brokers.fixtures import KINDS, unable, wanted
from tests.brokers.needs import FEATURES, WRONG
from tests.brokers.probes import PROBES

NOT_TRIED: Final = {
    "cluster": "only Apache Kafka is started as three brokers: there is nothing to ask of the others",
    "gone_topics": "it takes a reader that knows topics by their id: test_recreated_topic is the try",
    "security": "only Apache Kafka is started with listeners for it: there is nothing to ask of the others",
    "static_membership": "it takes members over two sessions: test_static_member_keeps_its_partitions is the try",
}
"""Features without a probe, with the reason."""

UNSTEADY: Final = {("noida", "cooperative"): "it settles at times: one try in four did not"}
"""What a kind of broker does wrong only now and then."""

CASES = [
    (kind, feature)
    for kind in KINDS
    if wanted() in {None, kind}
    for feature in sorted(PROBES)
    if (kind, feature) not in UNSTEADY
]
"""Kinds of broker that this run has, with the features that are tried of them."""


@pytest.fixture
def tried(kind: str, _brokers: Callable[[str], Broker]) -> Iterator[Broker]:
    """The broker of a kind, running; it runs again after the test."""
    if reason := unable(kind):
        machine.missing(reason)
    broker = _brokers(kind)
    broker.heal()
    yield broker
    broker.heal()


def test_every_feature_is_tried_or_has_a_reason() -> None:
    """A word of the table that nobody looks after is found here; so is a kind of broker."""
    assert FEATURES.keys() == PROBES.keys() | NOT_TRIED.keys()
    assert not PROBES.keys() & NOT_TRIED.keys()
    assert {*KINDS, "external"} == WRONG.keys()
    assert all(wrong <= FEATURES.keys() for wrong in WRONG.values())
    assert all(feature in WRONG[kind] for kind, feature in UNSTEADY)


@pytest.mark.kafka
@pytest.mark.integration
@pytest.mark.parametrize(("kind", "feature"), CASES)
def test_the_table_is_so(kind: str, feature: str, tried: Broker, topic: str) -> None:
    """A broker has a feature if and only if the table does not say that it is wrong there."""
    assert (feature not in WRONG[kind]) == PROBES[feature](tried, topic)
