"""Partitions that go from one member of a group to another, with what waits of them."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.joining.adoption import Waiting, keep_waiting
from monitor.sources.joining.join import NOTE_BYTES
from tests.thorough import examples
from tests.unit.monitor.sources.joining.world import (
    START,
    TOPICS,
    Half,
    Plainly,
    Reader,
    Topics,
    options,
    read_all,
)

PARTITIONS = 2
SHARE = 0.75


def keyed_world(random: Random, *, labels: bool) -> Topics:
    """Topics keyed by the identifier, each identifier at most once in each topic; most are answered at once."""
    number = 0
    names = TOPICS[: 2 + labels]
    topics: Topics = {f"{topic}/{partition}": [] for topic in names for partition in range(PARTITIONS)}
    for topic, delay in zip(names, (0, 2, 8), strict=False):
        for partition in range(PARTITIONS):
            asked = [(i * random.choice((1, 1, 2)), i) for i in range(24) if random.random() < SHARE]
            times = sorted((time + random.randint(0, delay), i) for time, i in asked)
            if random.random() > SHARE:
                times = [(time + random.randint(-3, 15), i) for time, i in times]
            for time, identifier in times:
                half = Half(identifier * PARTITIONS + partition, time, number)
                topics[f"{topic}/{partition}"].append(half)
                number += 1
    return topics


def script_of(random: Random) -> list[tuple[str, int, int]]:
    """What happens: mostly reading."""
    words = random.choices(
        ("read", "later", "drain", "commit", "restart", "move", "die"),
        (20, 2, 10, 2, 1, 2, 1),
        k=random.randint(40, 160),
    )
    return [(w, random.randrange(6 if w == "read" else 2), random.randint(1, 6)) for w in words]


class Group:
    """Two members that read everything between them; the first one begins with all partitions."""

    def __init__(self, topics: Topics, *, labels: bool) -> None:
        settings = options(partitions="same", labels=labels)
        self.topics = topics
        self.members = [Reader(topics, settings, dict.fromkeys(topics, 0)), Reader(topics, settings, {})]
        self.noted: dict[str, tuple[int, str]] = {}
        for member in self.members:
            member.now = 0
            self.tell(member)

    def tell(self, member: Reader) -> None:
        """Commit the state, and what Kafka is told with it."""
        member.commit()
        notes = member.join.notes(member.offsets)
        self.noted |= {name: (offset, notes[name]) for name, offset in member.offsets.items()}

    def owner(self, number: int) -> int:
        """Which member has the partitions of a number."""
        return 0 if f"requests/{number}" in self.members[0].offsets else 1

    def move(self, number: int) -> None:
        """Hand the partitions of a number over cleanly."""
        giver = self.owner(number)
        member = self.members[giver]
        names = [name for name in member.offsets if name.endswith(str(number))]
        member.join.give_up({name: member.offsets[name] for name in names})
        member.drain()
        self.tell(member)
        self.take(1 - giver, giver, names)

    def take(self, taker: int, giver: int, names: list[str]) -> None:
        """The other member begins where Kafka says."""
        for name in names:
            offset, note = self.noted[name]
            self.members[taker].offsets[name] = self.members[taker].join.adopt(name, offset, note)
            del self.members[giver].offsets[name]
        self.members[giver].join.keep(self.members[giver].offsets)
        self.members[giver].commit()
        self.tell(self.members[taker])

    def die(self, number: int) -> None:
        """The owner is killed right after a commit or later; the other takes all it had."""
        giver = self.owner(number)
        member = self.members[giver]
        member.kill()
        self.take(1 - giver, giver, list(member.offsets))

    def read(self, name: str, count: int) -> None:
        """The owner of a partition reads."""
        member = self.members[self.owner(int(name[-1]))]
        member.read(name, count)

    def later(self, seconds: int) -> None:
        """Time goes on, and more comes into the topics."""
        for member in self.members:
            member.now += seconds

    def finish(self) -> None:
        """Both read what is left."""
        for member in self.members:
            read_all(member)


def play(group: Group, script: list[tuple[str, int, int]]) -> None:
    """Do what the script says, then read what is left."""
    names = sorted(group.topics)
    for what, which, count in script:
        if what == "read":
            group.read(names[which % len(names)], count)
        elif what == "later":
            group.later(count)
        elif what == "drain":
            group.members[which].drain()
        elif what == "commit":
            group.tell(group.members[which])
        elif what == "restart":
            group.members[which].kill()
        else:
            getattr(group, what)(which)
    group.finish()


@examples(60)
@given(seed=st.integers(0, 2**32), labels=st.booleans())
def test_rows_and_outcomes_over_all_members_are_those_of_one(seed: int, *, labels: bool) -> None:
    """Clean hand-overs, and kills after which somebody else goes on at the last commit, change nothing."""
    random = Random(seed)
    topics = keyed_world(random, labels=labels)
    plain = Plainly(10, 15, labels=labels)
    expected = plain.join(topics)
    group = Group(topics, labels=labels)
    play(group, script_of(random))
    assert sorted(expected) == sorted(row for member in group.members for row in member.rows)
    assert plain.lost == +sum((member.lost for member in group.members), Counter())


def test_halves_without_room_in_the_note_are_counted_by_the_giver() -> None:
    """What a note cannot hold is `handed_over` on one side and unknown to the other."""
    chosen = np.random.default_rng(7).permutation(40_000)[:20_000]
    requests = [Half(i, 0, i) for i in range(40_000)]
    responses = [Half(int(i), 0, 40_000 + k) for k, i in enumerate(chosen)]
    topics = {"requests/0": requests, "responses/0": responses}
    group = [
        Reader(topics, options(labels=False, partitions="same"), o) for o in (dict.fromkeys(topics, 0), {})
    ]
    giver, taker = group
    giver.read("requests/0", 40_000)
    giver.read("responses/0", 20_000)
    giver.drain()
    ends = dict(giver.offsets)
    giver.join.give_up(ends)
    giver.drain()
    notes = giver.join.notes(ends)
    assert max(map(len, notes.values())) <= NOTE_BYTES
    giver.offsets.clear()
    taker.offsets = {name: taker.join.adopt(name, end, notes[name]) for name, end in ends.items()}
    read_all(taker)
    assert 20_000 == len(giver.rows)
    assert 0 < giver.lost["handed_over"] < 20_000
    assert 20_000 == giver.lost["handed_over"] + taker.lost["unjoined"]
    assert [] == taker.rows


@examples(60)
@given(st.sets(st.integers(0, 400)), st.integers(0, 50), st.integers(-(2**62), START))
def test_a_note_is_read_as_it_was_written(offsets: set[int], more: int, time: int) -> None:
    """The offsets that wait, the end and the time come back."""
    waiting = Waiting(max(offsets, default=0) + 1 + more, np.array(sorted(offsets), np.int64), time)
    read = Waiting.from_text(waiting.to_text())
    assert (waiting.end, waiting.time) == (read.end, read.time)
    assert waiting.offsets.tolist() == read.offsets.tolist()


def test_only_what_waits_and_what_is_new_is_taken() -> None:
    """Offsets before the end that are not named were counted before."""
    waiting = Waiting(10, np.array([3, 7]), 0)
    assert [True, False, True, False, True] == keep_waiting(waiting, np.array([3, 4, 7, 9, 10])).tolist()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[1,2,"~"]', '["a",0,""]', "[null,0,null]"])
def test_a_note_of_somebody_else_is_refused(text: str) -> None:
    """What is none of ours raises a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        Waiting.from_text(text)
