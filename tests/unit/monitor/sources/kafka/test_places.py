"""Entries and positions."""

from dataclasses import replace

from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.places import Places


def test_a_position_is_of_its_moment() -> None:
    """It holds all entries as they were when it was asked for, and gives them back."""
    places = Places()
    places["loans/0"], places["loans/1"] = Counted(5, turn=2, time=7), Counted(3)
    before = places.position
    places["loans/0"] = replace(places["loans/0"], offset=9)
    assert {"loans/0": Counted(5, turn=2, time=7), "loans/1": Counted(3)} == Places(before)
    assert {"loans/0": Counted(9, turn=2, time=7), "loans/1": Counted(3)} == Places(places.position)
    assert {name: place.to_json() for name, place in places.items()} == places.position.partitions
